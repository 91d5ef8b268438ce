"""The web side opens by a token, and to what the token is good for."""

from __future__ import annotations

import base64
import json
import tempfile
from pathlib import Path
from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from tests.fakes import TINY_JPEG, FakeScheme, make_server
from twistedcam.auth import Authenticator, Grant, TokenFile
from twistedcam.commands import standard_commands
from twistedcam.events import ViewerChanged
from twistedcam.frame import Frame
from twistedcam.http import Figures, Guard, HttpFactory, make_router
from twistedcam.sources import SourceSpec


class Browser:
    """One connection to the web side."""

    def __init__(self, factory: HttpFactory) -> None:
        self.transport: Any = StringTransport(peerAddress=IPv4Address("TCP", "192.0.2.9", 4711))
        self.transport.abortConnection = self.transport.loseConnection
        self.channel = factory.buildProtocol(None)
        self.channel.makeConnection(self.transport)

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> int:
        """Send a request; the answer's status. What came is in ``head`` and ``body``."""
        self.transport.clear()
        lines = [f"{method} {path} HTTP/1.1", "Host: localhost"]
        data = b"" if body is None else json.dumps(body).encode()
        if body is not None:
            lines += ["Content-Type: application/json", f"Content-Length: {len(data)}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        self.channel.dataReceived("\r\n".join([*lines, "", ""]).encode() + data)
        return self.status

    @property
    def status(self) -> int:
        head, _, self.body = self.transport.value().partition(b"\r\n\r\n")
        self.head = head.decode()
        return int(self.head.split()[1]) if head else 0


class TokenTests(SynchronousTestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        scheme = FakeScheme()
        scheme.__enter__()
        self.addCleanup(scheme.__exit__)
        self.clock = Clock()
        self.server = make_server(self.clock, Path(folder.name))
        for name in ("door", "yard"):
            camera = self.server.add_camera(name, SourceSpec("fake", "", {}, "fake:"))
            camera.hub.publish(Frame(1, 1_000_000, 1, 1, TINY_JPEG))
        file = TokenFile(Path(folder.name) / "tokens.toml")
        door = frozenset({"door"})
        self.tokens = {
            "viewer": file.add(Grant("viewer", frozenset({"view"}))),
            "boss": file.add(Grant("boss", frozenset({"view", "control"}))),
            "guest": file.add(Grant("guest", frozenset({"view"}), door)),
            "porter": file.add(Grant("porter", frozenset({"control"}), door)),
        }
        self.server.authenticator = Authenticator(self.clock, file)
        figures = Figures(self.server)
        router = make_router(self.server, standard_commands(), figures)
        guard = Guard(any_name=True)
        self.factory = HttpFactory(lambda request: router.answer(guard, request), self.clock)

    def ask(self, name: str | None, method: str, path: str, body: Any = None) -> int:
        self.browser = Browser(self.factory)
        headers = {} if name is None else {"Authorization": f"Bearer {self.tokens[name]}"}
        return self.browser.ask(method, path, body, **headers)

    def test_without_a_token_a_browser_is_told_to_ask_for_one(self) -> None:
        for path in ("/", "/stream", "/snapshot", "/?action=snapshot", "/state", "/events",
                     "/metrics", "/recordings/x.mkv", "/api/v1/status", "/healthz",
                     "/api/v1/openapi.json"):  # fmt: skip
            self.assertEqual(self.ask(None, "GET", path), 401, path)
            self.assertIn('WWW-Authenticate: Basic realm="twistedcam"', self.browser.head)
            self.assertNotIn(b"door", self.browser.body)
        self.assertEqual(self.ask(None, "POST", "/api/v1/shutdown"), 401)

    def test_a_token_comes_as_bearer_as_a_password_or_in_the_address(self) -> None:
        token = self.tokens["viewer"]
        basic = base64.b64encode(f"any:{token}".encode()).decode()
        ask = Browser(self.factory).ask
        self.assertEqual(ask("GET", "/snapshot/yard", Authorization=f"Bearer {token}"), 200)
        self.assertEqual(ask("GET", "/snapshot/yard", Authorization=f"Basic {basic}"), 200)
        self.assertEqual(ask("GET", f"/snapshot/yard?token={token}"), 200)
        for wrong in ("Bearer x", "Bearer", "Basic !", "Basic /w=="):
            self.clock.advance(1000)
            ask = Browser(self.factory).ask
            self.assertEqual(ask("GET", "/snapshot/yard", Authorization=wrong), 401, wrong)

    def test_a_viewer_sees_and_changes_nothing(self) -> None:
        self.assertEqual(self.ask("viewer", "GET", "/api/v1/cameras"), 200)
        self.assertEqual(self.ask("viewer", "GET", "/state"), 200)
        for method, path in (
            ("POST", "/api/v1/cameras/door/stop"),
            ("PATCH", "/api/v1/cameras/door"),
            ("DELETE", "/api/v1/viewers/1"),
            ("POST", "/api/v1/shutdown"),
        ):
            self.assertEqual(self.ask("viewer", method, path), 403, path)
            self.assertEqual(json.loads(self.browser.body)["code"], "unauthorized")
        self.assertEqual(self.ask("boss", "POST", "/api/v1/cameras/door/stop"), 200)

    def test_a_token_for_one_camera_is_good_for_that_one(self) -> None:
        for path in ("/stream", "/stream/door", "/snapshot", "/?action=snapshot&camera=door"):
            self.assertEqual(self.ask("guest", "GET", path), 200, path)
        for path in ("/stream/yard", "/snapshot/yard", "/?action=snapshot&camera=yard",
                     "/live/yard", "/recordings/x.mkv", "/metrics", "/state",
                     "/api/v1/cameras/yard"):  # fmt: skip
            self.assertEqual(self.ask("guest", "GET", path), 403, path)
        for path in ("/api/v1/cameras", "/api/v1/status"):
            self.assertEqual(self.ask("guest", "GET", path), 200)
            names = [each["camera"] for each in json.loads(self.browser.body)["cameras"]]
            self.assertEqual(names, ["door"])

    def test_no_other_camera_can_be_meant_by_way_of_body_or_query(self) -> None:
        self.assertEqual(self.ask("porter", "POST", "/api/v1/cameras/door/stop"), 200)
        self.assertEqual(self.ask("porter", "POST", "/api/v1/cameras/yard/stop"), 403)
        self.server.cameras["yard"].start()
        for path, body in (
            ("/api/v1/cameras/door/stop?camera=yard", None),
            ("/api/v1/cameras/door/snapshot", {"camera": "yard"}),
        ):
            self.ask("porter", "POST", path, body)
            self.assertNotIn(b"yard", self.browser.body)
        self.assertEqual(self.server.cameras["yard"].state, "live")
        self.assertEqual(self.ask("guest", "GET", "/api/v1/status?camera=yard"), 403)

    def test_events_of_other_cameras_are_not_told(self) -> None:
        self.assertEqual(self.ask("guest", "GET", "/events?figures=1"), 200)
        for camera in ("yard", "door"):
            self.server.events.publish(ViewerChanged(camera, "joined", 1, "x", "tcp"))
        told = self.browser.transport.value()
        self.assertIn(b'"camera": "door"', told)
        self.assertNotIn(b"yard", told)
        self.browser.channel.connectionLost()

    def test_a_websocket_of_another_site_s_page_is_refused(self) -> None:
        status = Browser(self.factory).ask(
            "GET", "/live/door", Authorization=f"Bearer {self.tokens['viewer']}",
            Upgrade="websocket", Connection="Upgrade", Origin="http://elsewhere.example",
        )  # fmt: skip
        self.assertEqual(status, 403)

    def test_one_that_goes_while_its_token_is_looked_at_leaves_nothing(self) -> None:
        browser = Browser(self.factory)
        browser.ask("GET", "/snapshot", Authorization="Bearer wrong")
        self.assertEqual(browser.ask("GET", "/snapshot", Authorization="Bearer wrong"), 0)
        browser.channel.connectionLost()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_no_token_is_logged(self) -> None:
        with capturedLogs() as events:
            token = self.tokens["guest"]
            Browser(self.factory).ask("GET", f"/metrics?token={token}&x=1")
        text = " ".join(filter(None, map(formatEvent, events)))
        self.assertIn("192.0.2.9", text)
        self.assertNotIn(token, text)
