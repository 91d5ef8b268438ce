"""Notifications over HTTP: who can have them, and for which browser."""

from __future__ import annotations

import json
from typing import Any

from tests.support.http_site import Connection, SiteCase, TokenSiteCase
from tests.support.push_service import BrowserKeys
from twistedcam.auth import ANYONE, NOBODY
from twistedcam.commands import standard_commands
from twistedcam.servers.http import Guard, HttpFactory, LiveStats, make_router
from twistedcam.servers.http.push import login_grant, make_notifier

ENDPOINT = "https://127.0.0.1:9/a"
DEVICE = {"endpoint": ENDPOINT, "keys": BrowserKeys().as_json, "motion": True, "faults": False}


class PushCase(SiteCase):
    def setUp(self) -> None:
        super().setUp()
        self.notifier = make_notifier(self.server, "mailto:me@example.org", allows_private=True)
        self.router = make_router(self.server, self.registry, self.stats, notifier=self.notifier)
        self.guarded()

    def post(self, path: str, body: dict[str, Any]) -> Any:
        return self.ask("POST", f"/push/{path}", json.dumps(body).encode()).json

    def test_a_browser_is_added_found_changed_and_forgotten(self) -> None:
        described = self.ask("GET", "/push").json
        self.assertEqual((described["available"], len(described["key"])), (True, 87))
        self.assertEqual(self.post("find", {"endpoint": ENDPOINT}), {"found": False})
        told = {"found": True, "motion": True, "faults": False}
        self.assertEqual(self.post("device", DEVICE), told)
        self.assertEqual(self.post("find", {"endpoint": ENDPOINT}), told)
        self.assertTrue(self.post("device", {**DEVICE, "faults": True})["faults"])
        self.assertEqual(self.post("forget", {"endpoint": ENDPOINT}), {})
        self.assertEqual(self.post("find", {"endpoint": ENDPOINT}), {"found": False})

    def test_wrong_requests_are_refused(self) -> None:
        for path, body in (
            ("device", {}),
            ("device", {**DEVICE, "endpoint": "http://127.0.0.1/a"}),
            ("find", {}),
            ("test", {"endpoint": ENDPOINT}),
        ):
            self.assertEqual(self.post(path, body)["code"], "bad-argument")
            self.assertEqual(self.status, 400)
        self.assertEqual(self.notifier.devices.all(), [])

    def test_a_push_service_that_cannot_be_reached_is_said(self) -> None:
        self.post("device", DEVICE)
        told = self.post("test", {"endpoint": ENDPOINT})
        self.assertEqual((self.status, told["code"]), (503, "push-failed"))
        self.assertIn("127.0.0.1 cannot be reached", told["message"])

    def test_without_tokens_all_devices_may_know_all(self) -> None:
        self.assertIs(login_grant(self.server, ""), ANYONE)
        self.assertIs(login_grant(self.server, "of a server with tokens"), NOBODY)


class PushWithTokensCase(TokenSiteCase):
    def setUp(self) -> None:
        super().setUp()
        self.notifier = make_notifier(self.server, "mailto:me@example.org", allows_private=True)
        stats, commands = LiveStats(self.server), standard_commands()
        router = make_router(self.server, commands, stats, notifier=self.notifier)
        guard = Guard(any_name=True)
        self.factory = HttpFactory(lambda request: router.answer(guard, request), self.server)

    def log_in(self, name: str) -> dict[str, str]:
        browser = Connection(self.factory)
        form = f"token={self.tokens[name]}".encode()
        kind = {"Content_Type": "application/x-www-form-urlencoded"}
        browser.ask("POST", "/login", form, **kind)
        [line] = [line for line in browser.head.split("\r\n") if line.startswith("Set-Cookie")]
        return {"Cookie": line.split(": ")[1].partition(";")[0]}

    def post(self, path: str, body: dict[str, Any], **headers: str) -> Any:
        browser = Connection(self.factory)
        self.status = browser.ask("POST", f"/push/{path}", json.dumps(body).encode(), **headers)
        return browser.json

    def test_notifications_belong_to_a_login_and_end_with_it(self) -> None:
        bearer = {"Authorization": f"Bearer {self.tokens['viewer']}"}
        self.assertEqual(self.post("device", DEVICE)["code"], "unauthorized")
        self.assertIn("need a login", self.post("device", DEVICE, **bearer)["message"])
        self.assertEqual(self.status, 403)
        cookie, other = self.log_in("guest"), self.log_in("viewer")
        self.post("device", DEVICE, **cookie)
        self.assertEqual(self.status, 200)
        [device] = self.notifier.devices.all()
        grant = login_grant(self.server, device.login)
        assert grant is not None
        self.assertEqual((grant.name, grant.cameras), ("guest", frozenset({"door"})))
        for path in ("find", "forget"):
            self.post(path, {"endpoint": ENDPOINT}, **other)
        self.assertEqual(self.notifier.devices.all(), [device])
        browser = Connection(self.factory)
        browser.ask("POST", "/logout", **cookie)
        self.assertIsNone(login_grant(self.server, device.login))
