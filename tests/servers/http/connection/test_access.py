"""Tests of access: how a token is given, and what it allows."""

from __future__ import annotations

import base64
import json
from functools import partial
from typing import Any

from twisted.logger import capturedLogs, formatEvent

from tests.auth.test_password_login import digest
from tests.support.http_site import Connection, SiteCase, TokenSiteCase
from twistedcam.auth import Authenticator, Grant, TokenFile
from twistedcam.commands import standard_commands
from twistedcam.events import ViewerChanged
from twistedcam.net.refusal_log import PERIOD
from twistedcam.servers.http import Guard, HttpFactory, LiveStats, make_router


class TokenTests(TokenSiteCase):
    def connect(self) -> Connection:
        return Connection(self.factory, "192.0.2.9")

    def ask(self, name: str | None, method: str, path: str, body: Any = None) -> int:
        self.browser = self.connect()
        headers = {} if name is None else {"Authorization": f"Bearer {self.tokens[name]}"}
        data = b"" if body is None else json.dumps(body).encode()
        return self.browser.ask(method, path, data, **headers)

    def test_without_a_token_a_browser_is_asked_for_one(self) -> None:
        for path in ("/", "/stream", "/snapshot", "/?action=snapshot", "/state", "/events",
                     "/metrics", "/recordings/x.mkv", "/api/v1/status", "/healthz",
                     "/api/v1/openapi.json"):  # fmt: skip
            self.assertEqual(self.ask(None, "GET", path), 401, path)
            self.assertIn('WWW-Authenticate: Basic realm="twistedcam"', self.browser.head)
            self.assertNotIn(b"door", self.browser.body)
        self.assertEqual(self.ask(None, "POST", "/api/v1/shutdown"), 401)

    def test_a_token_is_sent_as_bearer_as_password_or_in_the_address(self) -> None:
        token = self.tokens["viewer"]
        basic = base64.b64encode(f"any:{token}".encode()).decode()
        ask = self.connect().ask
        self.assertEqual(ask("GET", "/snapshot/yard", Authorization=f"Bearer {token}"), 200)
        self.assertEqual(ask("GET", "/snapshot/yard", Authorization=f"Basic {basic}"), 200)
        self.assertEqual(ask("GET", f"/snapshot/yard?token={token}"), 200)
        for wrong in ("Bearer x", "Bearer", "Basic !", "Basic /w=="):
            self.clock.advance(1000)
            ask = self.connect().ask
            self.assertEqual(ask("GET", "/snapshot/yard", Authorization=wrong), 401, wrong)

    def test_sound_needs_the_right_to_listen_and_pictures_that_to_view(self) -> None:
        file = TokenFile(self.folder / "tokens.toml")
        self.tokens["ear"] = file.add(Grant("ear", frozenset({"listen"})))
        self.server.authenticator = Authenticator(self.clock, file)
        for name, path, status in (
            ("viewer", "/live/door", 400),  # it is for WebSockets
            ("viewer", "/live/door?kind=audio", 403),
            ("ear", "/live/door?kind=audio", 400),
            ("ear", "/live/door", 403),
            ("ear", "/video/door?kind=audio", 403),
        ):
            self.assertEqual(self.ask(name, "GET", path), status, (name, path))

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

    def test_a_token_for_one_camera_allows_that_one_only(self) -> None:
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

    def test_a_token_for_one_camera_gets_no_other_names(self) -> None:
        for path in ("/api/v1/cameras/nowhere", "/snapshot/nowhere", "/state?camera=nowhere"):
            self.ask("attendant", "GET", path)
            self.assertNotIn("yard", self.browser.body.decode(), path)

    def test_the_checked_camera_is_the_shown_camera(self) -> None:
        """The token is for the second camera; without a name the first is meant."""
        switch = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"}
        switch["Sec-WebSocket-Key"] = base64.b64encode(bytes(16)).decode()
        bearer = {"Authorization": f"Bearer {self.tokens['neighbour']}"}
        for path, camera, status, extra in (
            ("/snapshot?camera=yard", "yard", 200, {}),
            ("/stream?camera=yard", "yard", 200, {}),
            ("/live?camera=yard", "yard", 101, switch),
            ("/?action=stream&camera=door&camera=yard", "yard", 200, {}),
            ("/stream/yard?camera=yard", "yard", 200, {}),
            ("/snapshot", None, 403, {}),
            ("/stream?camera=door", None, 403, {}),
            ("/live?camera=yard&camera=door", None, 403, switch),
            ("/?action=snapshot&camera=yard&camera=door", None, 403, {}),
            ("/state?camera=yard", None, 403, {}),
            ("/recordings/x.mkv/thumbnail?camera=yard", None, 403, {}),
            ("/snapshot/yard?camera=door", None, 400, {}),
            ("/stream/door?camera=yard", None, 400, {}),
            ("/snapshot?camera=%ff", None, 400, {}),
        ):
            browser = self.connect()
            with self.subTest(path=path):
                self.assertEqual(browser.ask("GET", path, **bearer, **extra), status)
                watched = [viewer.camera for viewer in self.server.viewers]
                if status == 200 and "snapshot" in path:
                    self.assertIn("X-Sequence: 2", browser.head)
                elif camera is not None:
                    self.assertEqual(watched, [camera])
                else:
                    self.assertEqual(watched, [])
                browser.channel.connectionLost()

    def test_a_page_without_scripts_shows_covered_cameras_with_its_token(self) -> None:
        token = self.tokens["guest"]
        self.assertEqual(self.connect().ask("GET", "/"), 401)
        browser = self.connect()
        self.assertEqual(browser.ask("GET", f"/?token={token}"), 200)
        self.assertIn(f'<img src="stream/door?token={token}"'.encode(), browser.body)
        self.assertIn(f'<a href="stream/door?token={token}"'.encode(), browser.body)
        self.assertNotIn(b"yard", browser.body)
        odd = self.connect()
        self.assertEqual(
            odd.ask("GET", "/?token=%22%3E%3Cscript%3E", Authorization=f"Bearer {token}"), 200
        )
        self.assertNotIn(b'"><script>', odd.body)

    def test_body_and_query_cannot_name_another_camera(self) -> None:
        self.assertEqual(self.ask("attendant", "POST", "/api/v1/cameras/door/stop"), 200)
        self.assertEqual(self.ask("attendant", "POST", "/api/v1/cameras/yard/stop"), 403)
        self.server.cameras["yard"].start()
        for path, body in (
            ("/api/v1/cameras/door/stop?camera=yard", None),
            ("/api/v1/cameras/door/snapshot", {"camera": "yard"}),
        ):
            self.ask("attendant", "POST", path, body)
            self.assertNotIn(b"yard", self.browser.body)
        self.assertEqual(self.server.cameras["yard"].state, "live")
        self.assertEqual(self.ask("guest", "GET", "/api/v1/status?camera=yard"), 403)

    def test_a_refusal_names_the_restriction_of_the_token(self) -> None:
        for method, path in (("DELETE", "/api/v1/recordings/x.mp4"), ("GET", "/metrics")):
            self.assertEqual(
                self.ask("attendant" if method == "DELETE" else "guest", method, path), 403
            )
            said = json.loads(self.browser.body)["message"]
            self.assertRegex(said, "^the token '(attendant|guest)' is valid only for door: "
                             "this needs one for all cameras$")  # fmt: skip

    def test_a_page_gets_the_rights_of_its_token(self) -> None:
        for name, rights, cameras in (("guest", ["view"], ["door"]), ("desk", ["control"], None)):
            self.ask(name, "GET", "/events?figures=1")
            told = self.browser.body.decode().partition("event: rights\ndata: ")[2].split("\n")[0]
            self.assertEqual(
                json.loads(told), {"token": name, "rights": rights, "cameras": cameras}
            )
            self.browser.channel.connectionLost()

    def test_events_of_other_cameras_are_not_sent(self) -> None:
        self.assertEqual(self.ask("guest", "GET", "/events?figures=1"), 200)
        for camera in ("yard", "door"):
            self.server.events.publish(ViewerChanged(camera, "joined", 1, "x", "tcp"))
        told = self.browser.body + self.browser.take()
        self.assertIn(b'"camera": "door"', told)
        self.assertNotIn(b"yard", told)
        self.browser.channel.connectionLost()

    def test_a_websocket_of_another_site_s_page_is_refused(self) -> None:
        status = self.connect().ask(
            "GET", "/live/door", Authorization=f"Bearer {self.tokens['viewer']}",
            Upgrade="websocket", Connection="Upgrade", Origin="http://elsewhere.example",
        )  # fmt: skip
        self.assertEqual(status, 403)

    def test_a_client_that_leaves_during_the_token_check_leaves_nothing(self) -> None:
        browser = self.connect()
        browser.ask("GET", "/snapshot", Authorization="Bearer wrong")
        self.assertEqual(browser.ask("GET", "/snapshot", Authorization="Bearer wrong"), 0)
        browser.channel.connectionLost()
        self.server.refusals.close()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_every_refusal_is_logged_with_address_and_name_and_never_with_a_token(self) -> None:
        guest, wrong = self.tokens["guest"], "my-guess"
        refused = (
            (f"/metrics?token={guest}&x=1", {}, "GET /metrics?token=...&x=1: the token 'guest'"),
            ("/snapshot/yard", {"Authorization": f"Bearer {guest}"}, "the token 'guest'"),
            ("/api/v1/cameras", {}, "this server requires a token"),
            (f"/snapshot?token={wrong}", {}, "that token is wrong"),
            (f"/metrics?tok%65n={guest}", {}, "GET /metrics?token=...: the token 'guest'"),
            (f"/metrics?x=1;token={guest}", {}, "GET /metrics?x=1;token=...: the token 'guest'"),
            (f"/metrics?TOKEN={guest}&x", {}, "GET /metrics?token=...&x: this server requires"),
            (f"/metrics?+token={guest}", {}, "GET /metrics?token=...: this server requires"),
        )
        for path, headers, said in refused:
            self.clock.advance(PERIOD)
            with capturedLogs() as events:
                self.assertIn(self.connect().ask("GET", path, **headers), (401, 403))
            text = " ".join(filter(None, map(formatEvent, events)))
            self.assertIn("192.0.2.9:4711: refused: ", text)
            self.assertIn(said, text)
            for token in (guest, wrong):
                self.assertNotIn(token, text)


class TokenInUrlTests(TokenSiteCase):
    def test_tokens_in_addresses_can_be_switched_off(self) -> None:
        token = self.tokens["viewer"]
        path = f"/snapshot/door?token={token}"
        ask = Connection(self.factory).ask
        self.assertEqual(ask("GET", path), 200)
        self.server.takes_token_in_url = False
        for each in (path, f"/?token={token}", f"/stream/door?fps=1&token={token}", "/?token="):
            browser = Connection(self.factory)
            self.assertEqual(browser.ask("GET", each), 401, each)
            self.assertIn("takes no token from an address", browser.json["message"])
            self.assertNotIn(token, str(browser.json))
        self.assertEqual(ask("GET", path, Authorization=f"Bearer {token}"), 200)

    def test_refused_tokens_in_addresses_cause_no_delay(self) -> None:
        self.server.takes_token_in_url = False
        for _ in range(10):
            self.assertEqual(Connection(self.factory).ask("GET", "/snapshot?token=x"), 401)
        token = f"Bearer {self.tokens['viewer']}"
        self.assertEqual(Connection(self.factory).ask("GET", "/snapshot", Authorization=token), 200)


class DigestTests(SiteCase):
    """Snapshots for ONVIF clients, which use Digest."""

    def setUp(self) -> None:
        super().setUp()
        file = TokenFile(self.folder / "tokens.toml")
        self.token = file.add(Grant("nvr", frozenset({"view"})), keep=True)
        self.server.authenticator = Authenticator(self.clock, file)
        router = make_router(self.server, standard_commands(), LiveStats(self.server))
        self.factory = HttpFactory(partial(router.answer, Guard(any_name=True)), self.server)

    def challenges(self, path: str) -> list[str]:
        """The challenges for a request without a token."""
        self.connection = Connection(self.factory)
        self.assertEqual(self.connection.ask("GET", path), 401)
        lines = self.connection.head.splitlines()
        [line] = [each for each in lines if each.startswith("WWW-Authenticate: ")]
        return line.partition(": ")[2].split(", Basic ")

    def test_a_snapshot_takes_digest_and_basic_if_the_server_has_the_tokens(self) -> None:
        challenge, basic = self.challenges("/snapshot/door")
        self.assertEqual(basic, 'realm="twistedcam"')
        for path, token, status in (
            ("/snapshot/door", self.token, 200),
            ("/snapshot", self.token, 200),
            ("/stream/door", self.token, 401),
        ):
            answer = digest(challenge, "any", token, "GET")
            asked = Connection(self.factory).ask("GET", path, Authorization=answer)
            self.assertEqual(asked, status, path)
        answer = digest(challenge, "any", "wrong", "GET")
        asked = Connection(self.factory).ask("GET", "/snapshot/door", Authorization=answer)
        self.assertEqual(asked, 401)

    def test_other_routes_and_hashed_tokens_have_no_digest(self) -> None:
        self.assertEqual(len(self.challenges("/stream/door")), 1)
        file = self.server.authenticator._file
        assert file is not None
        file.add(Grant("other", frozenset({"view"})))
        self.clock.advance(10)
        [challenge] = self.challenges("/snapshot/door")
        self.assertTrue(challenge.startswith("Basic "))


class AuthorizationTests(SiteCase):
    def test_an_invalid_authorization_is_a_wrong_token(self) -> None:
        file = TokenFile(self.folder / "tokens.toml")
        file.add(Grant("viewer", frozenset({"view"})))
        self.server.authenticator = Authenticator(self.clock, file)
        for kind in (b"Basic ", b"basic", b"Bearer ", b"Digest ", b""):
            for value in (b"\xff", b"\xff\xfe==", b"=", b"YQ", b"/w==", b"a" * 5000, b"\xc3\xa9"):
                self.clock.advance(1000)
                head = b"GET / HTTP/1.1\r\nHost: localhost\r\nAuthorization: "
                self.assertEqual(self.answered(head + kind + value + b"\r\n\r\n"), b"401")
