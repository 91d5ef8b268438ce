"""The document names the errors that the server sends, and no others."""

from __future__ import annotations

import re

from tests.support.process import ROOT
from twistedcam.errors import Unauthorized, WireError


def test_the_codes_of_the_document_are_those_that_the_program_raises() -> None:
    document = (ROOT / "docs/frame-protocol.md").read_text()
    table = document.partition("| code | |\n|---|---|\n")[2]
    documented = set(re.findall(r"^\| `([a-z-]+)` \|", table, re.MULTILINE))
    sources = "\n".join(path.read_text() for path in (ROOT / "twistedcam").rglob("*.py"))
    kinds = (*WireError.__subclasses__(), Unauthorized)
    raised = {kind.code for kind in kinds if re.search(rf"\b(?<!class ){kind.__name__}\(", sources)}
    assert documented == raised == {kind.code for kind in kinds}
