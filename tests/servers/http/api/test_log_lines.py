"""The log over HTTP: lines, filter, file, and who may read it."""

from __future__ import annotations

from twisted.logger import Logger, LogPublisher

from tests.support.http_site import Connection, TokenSiteCase
from twistedcam.auth import Authenticator
from twistedcam.commands import standard_commands
from twistedcam.runtime.log_memory import LogMemory
from twistedcam.servers.http import Guard, HttpFactory, LiveStats, make_router


class LogTests(TokenSiteCase):
    def setUp(self) -> None:
        super().setUp()
        memory = LogMemory()
        log = Logger(observer=LogPublisher(memory))
        log.info("door is live")
        log.warn("yard is lost")
        stats, commands = LiveStats(self.server), standard_commands()
        router = make_router(self.server, commands, stats, log=memory)
        guard = Guard(any_name=True)
        self.factory = HttpFactory(lambda request: router.answer(guard, request), self.server)

    def ask(self, query: str, name: str = "operator") -> Connection:
        browser = Connection(self.factory)
        bearer = {"Authorization": f"Bearer {self.tokens[name]}"}
        self.status = browser.ask("GET", f"/api/v1/log{query}", **bearer)
        return browser

    def test_lines_are_listed_filtered_and_saved(self) -> None:
        self.assertEqual([each["level"] for each in self.ask("").json["lines"]], ["info", "warn"])
        [line] = self.ask("?filter=YARD").json["lines"]
        self.assertIn("yard is lost", line["text"])
        [line] = self.ask("?lines=1").json["lines"]
        self.assertIn("yard is lost", line["text"])
        saved = self.ask("?download")
        self.assertIn('attachment; filename="twistedcam.log"', saved.head)
        self.assertEqual(saved.body.count(b"\n"), 2)

    def test_wrong_numbers_and_other_rights_are_refused(self) -> None:
        for text in ("0", "2001", "x", "-1", "1e3", "%C2%B2", "9" * 50):
            self.ask(f"?lines={text}")
            self.assertEqual(self.status, 400, text)
        for name in ("viewer", "boss", "keeper"):
            self.ask("", name)
            self.assertEqual(self.status, 403, name)

    def test_without_tokens_only_this_machine_reads_it(self) -> None:
        self.server.authenticator = Authenticator(self.clock)
        for host, status in (("127.0.0.1", 200), ("192.0.2.9", 403)):
            browser = Connection(self.factory, host)
            self.assertEqual(browser.ask("GET", "/api/v1/log"), status)
