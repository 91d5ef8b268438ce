"""docs/http.md names each status with the codes that come with it, and no others."""

from __future__ import annotations

import re

from tests.support.http_site import SiteCase
from tests.support.process import ROOT
from twistedcam.servers.http.connection.reply import OWN, STATUS

TEXT = (ROOT / "docs" / "http.md").read_text()


def test_the_table_has_the_program_s_codes() -> None:
    rows = re.findall(r"^\| ([45]\d\d) \| (.*) \|$", TEXT, re.MULTILINE)
    told = {int(status): set(re.findall(r"`([a-z-]+)`", words)) for status, words in rows}
    sent: dict[int, set[str]] = {}
    for code, status in [(each.code, STATUS[each]) for each in STATUS] + [*OWN.items()]:
        sent.setdefault(status, set()).add(code)
    assert told == sent


class CodeTests(SiteCase):
    def test_what_has_nothing_to_do_with_a_token_is_forbidden(self) -> None:
        elsewhere = self.ask("POST", "/api/v1/cameras/door/stop", Origin="http://evil.example")
        name = self.ask("GET", "/state", Host="evil.example")
        self.ask("GET", "/snapshot/door?viewer=x")
        self.server.viewers.kick(next(iter(self.server.viewers)).id)
        for answer in (elsewhere, name, self.ask("GET", "/snapshot/door?viewer=x")):
            self.assertIn(" 403 ", answer.head)
            self.assertEqual(answer.json["code"], "forbidden")
        self.clock.advance(6)
