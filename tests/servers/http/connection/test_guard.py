"""Tests of the guard: host names, origins and other sites' pages."""

from __future__ import annotations

import socket

from hypothesis import given
from hypothesis import strategies as st

from tests.support.http_site import SiteCase
from twistedcam.net.proxies import TrustedProxies
from twistedcam.servers.http.connection.guard import host_name, is_same_site, proxied_names

START = "/api/v1/cameras/door/record/start"


class GuardTests(SiteCase):
    def test_a_page_of_another_site_changes_nothing(self) -> None:
        for origin in ("http://evil.example", "null", "http://localhost:81", "http://127.0.0.1"):
            self.ask("POST", "/api/v1/cameras/door/stop", Origin=origin)
            self.assertEqual((self.status, self.door.state), (403, "live"), origin)
        self.ask("POST", "/api/v1/cameras/door/stop", Sec_Fetch_Site="cross-site")
        self.assertEqual(self.status, 403)
        for origin in ("http://localhost", "https://localhost"):  # the latter behind a proxy
            self.ask("POST", "/api/v1/cameras/yard/stop", Origin=origin)
            self.assertEqual(self.status, 200, origin)

    def test_unknown_host_names_are_refused(self) -> None:
        for host in ("evil.example", "evil.example:8080", "localhost.evil.example"):
            self.ask("GET", "/api/v1/cameras", Host=host)
            self.assertEqual(self.status, 403, host)
        for host in ("localhost", "127.0.0.1:8080", "[::1]:8080", "192.0.2.7"):
            self.ask("GET", "/api/v1/cameras", Host=host)
            self.assertEqual(self.status, 200, host)
        self.guarded(names=["cam.example"])
        self.ask("GET", "/api/v1/cameras", Host="cam.example:8080")
        self.assertEqual(self.status, 200)

    def test_names_of_printer_proxies_allow_reading_only(self) -> None:
        self.guarded(proxied=proxied_names())
        own = f"{socket.gethostname().lower().partition('.')[0]}.local"
        for host in ("mjpgstreamer1", "mjpgstreamer4:80", own):
            self.ask("GET", "/?action=snapshot", Host=host)
            self.assertEqual(self.status, 200, host)
            self.ask("POST", "/api/v1/cameras/door/stop", Host=host)
            self.assertEqual((self.status, self.door.state), (403, "live"), host)
            self.ask("GET", "/live", Host=host, Upgrade="websocket", Connection="Upgrade")
            self.assertEqual(self.status, 403, host)
        self.ask("GET", "/?action=snapshot", Host="mjpgstreamer1.evil.example")
        self.assertEqual(self.status, 403)

    def test_other_sites_may_read_only_if_allowed(self) -> None:
        answer = self.ask("GET", "/state", Origin="http://printer.local")
        self.assertNotIn("Access-Control", answer.head)
        self.guarded(cors=["http://printer.local"])
        answer = self.ask("GET", "/state", Origin="http://printer.local")
        self.assertIn("Access-Control-Allow-Origin: http://printer.local", answer.head)
        self.ask("OPTIONS", START, Origin="http://printer.local")
        self.assertEqual(self.status, 204)
        connection = self.connect()
        connection.send(b"GET /stream HTTP/1.1\r\nHost: localhost\r\n"
                        b"Origin: http://printer.local\r\n\r\n")  # fmt: skip
        self.assertIn(b"Access-Control-Allow-Origin: http://printer.local", connection.take())

    def foreign(self, origin: str) -> dict[str, int]:
        """Return the statuses of requests from the page of another site."""
        asked = {"Origin": origin}
        self.ask("GET", "/state", **asked)
        found = {"read": self.status}
        self.ask("POST", "/api/v1/cameras/yard/stop", **asked)
        found["command"] = self.status
        for method in ("GET", "POST", "PATCH"):
            self.ask("OPTIONS", START, Access_Control_Request_Method=method, **asked)
            found[f"preflight {method}"] = self.status
        self.ask("GET", "/live", Upgrade="websocket", Connection="Upgrade", **asked)
        found["socket"] = self.status  # 400: it was let in, and is no whole handshake
        return found

    def test_sites_that_may_read_may_do_no_more(self) -> None:
        reads = {"read": 200, "command": 403, "preflight GET": 204, "preflight POST": 403,
                 "preflight PATCH": 403}  # fmt: skip
        self.guarded(cors=["*"])
        for origin in ("http://evil.example", "null", "*", "file://"):
            self.assertEqual(self.foreign(origin), {**reads, "socket": 403}, origin)
        self.guarded(cors=["http://printer.local"])
        self.assertEqual(self.foreign("http://printer.local"), {**reads, "socket": 400})
        self.assertIn(
            "--http-cors-control http://printer.local",
            self.ask("POST", START, Origin="http://printer.local").json["message"],
        )
        self.guarded(control=["http://desk.local"])
        every = {"read": 200, "command": 200, "preflight GET": 204, "preflight POST": 204,
                 "preflight PATCH": 204, "socket": 400}  # fmt: skip
        self.assertEqual(self.foreign("http://desk.local"), every)
        self.assertEqual(self.foreign("http://evil.example")["command"], 403)

    def test_a_refusal_says_which_two_addresses_differ_and_what_to_set(self) -> None:
        answer = self.ask("POST", START, Host="a", Origin="http://a:8181")
        self.assertEqual(self.status, 403)
        self.guarded(any_name=True)
        answer = self.ask("POST", START, Host="a", Origin="http://a:8181")
        self.assertEqual(
            answer.json["message"],
            "Refused: the page's address (http://a:8181) is not this server's (http://a). Behind "
            "a proxy, pass the Host header on: proxy_set_header Host $http_host;",
        )
        self.guarded()
        answer = self.ask("GET", "/", Host="camera.fritz.box:8080")
        self.assertIn("'camera.fritz.box:8080'", answer.json["message"])
        self.assertIn("--http-name camera.fritz.box", answer.json["message"])

    def test_http_and_https_are_different_sites(self) -> None:
        self.server.proxies = TrustedProxies(["127.0.0.1"])
        for proto, origin, status in (
            ("https", "https://localhost", 200),
            ("https", "https://localhost:443", 200),
            ("https", "http://localhost", 403),
            ("https", "http://localhost:443", 403),
            ("http", "http://localhost:80", 200),
            ("http", "https://localhost", 403),
            ("http", "ftp://localhost", 403),
        ):
            self.ask("POST", "/api/v1/cameras/yard/stop", Origin=origin, X_Forwarded_Proto=proto)
            self.assertEqual(self.status, status, (proto, origin))
        self.assertFalse(is_same_site("http://localhost", "localhost", "https"))
        self.assertTrue(is_same_site("https://localhost:8443", "localhost:8443", "https"))


@given(st.text(max_size=30), st.text(max_size=30))
def test_any_origin_and_host_can_be_compared(origin: str, host: str) -> None:
    host_name(host)
    assert is_same_site(origin, host) in (True, False)


class RefusalTests(SiteCase):
    def test_a_final_dot_in_a_host_name_is_ignored(self) -> None:
        self.guarded(names=["cam.example"])
        for host in ("localhost.", "localhost.:8080", "cam.example."):
            self.ask("GET", "/state", Host=host)
            self.assertEqual(self.status, 200, host)
        self.ask("GET", "/state", Host="evil.example.")
        self.assertEqual(self.status, 403)

    def test_refusals_without_tokens_have_the_code_forbidden(self) -> None:
        elsewhere = self.ask("POST", "/api/v1/cameras/door/stop", Origin="http://evil.example")
        name = self.ask("GET", "/state", Host="evil.example")
        self.ask("GET", "/snapshot/door?viewer=x")
        self.server.viewers.kick(next(iter(self.server.viewers)).id)
        for answer in (elsewhere, name, self.ask("GET", "/snapshot/door?viewer=x")):
            self.assertIn(" 403 ", answer.head)
            self.assertEqual(answer.json["code"], "forbidden")
        self.clock.advance(6)
