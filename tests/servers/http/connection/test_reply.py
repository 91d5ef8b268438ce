"""Tests of replies: docs/http.md lists each status with its error codes."""

from __future__ import annotations

import re

from tests.support.process import ROOT
from twistedcam.servers.http.connection.reply import HTTP_CODES, STATUS

TEXT = (ROOT / "docs" / "http.md").read_text()


def test_the_table_has_the_program_s_codes() -> None:
    rows = re.findall(r"^\| ([45]\d\d) \| (.*) \|$", TEXT, re.MULTILINE)
    told = {int(status): set(re.findall(r"`([a-z-]+)`", words)) for status, words in rows}
    sent: dict[int, set[str]] = {}
    for code, status in [(each.code, STATUS[each]) for each in STATUS] + [*HTTP_CODES.items()]:
        sent.setdefault(status, set()).add(code)
    assert told == sent
