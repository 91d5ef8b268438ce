"""What the library's manual names can be imported from the package."""

from __future__ import annotations

import builtins
import re

import twistedcam
from tests.support.process import ROOT


def test_all_names_in_the_manual_are_exported() -> None:
    manual = (ROOT / "docs/embedding.md").read_text()
    named = set(re.findall(r"`([A-Z][a-z]+[A-Za-z]*)", manual))
    assert {"Frame", "CameraService", "Disconnected"} <= named
    assert named <= {*twistedcam.__all__, *dir(builtins)}
    for name in twistedcam.__all__:
        assert hasattr(twistedcam, name), name
