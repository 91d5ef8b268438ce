"""Headers may say anything: what they say badly is passed over, or refused in words."""

from __future__ import annotations

from tests.support.http_site import SiteCase
from twistedcam.auth import Authenticator, Grant, TokenFile

OPENMETRICS = "application/openmetrics-text"


class HeaderTests(SiteCase):
    def test_figures_in_a_version_that_is_none_come_as_text(self) -> None:
        for kind in (OPENMETRICS, "text/plain"):
            answer = self.ask("GET", "/metrics", Accept=f"{kind};version=abc")
            self.assertEqual(self.status, 200, kind)
            self.assertIn("Content-Type: text/plain; version=0.0.4", answer.head)
        answer = self.ask("GET", "/metrics", Accept=f"{OPENMETRICS};version=1.0.0")
        self.assertIn(f"Content-Type: {OPENMETRICS}; version=1.0.0", answer.head)

    def test_bytes_that_are_no_text_fail_nowhere(self) -> None:
        for name, method, path, status in (
            ("Accept", "GET", "/metrics", 200),
            ("Authorization", "GET", "/state", 200),
            ("If-None-Match", "GET", "/static/app.js", 200),
            ("Cookie", "GET", "/state", 200),
            ("Content-Type", "POST", "/api/v1/cameras/door/record/start", 400),
            ("Range", "HEAD", "/recordings/film.mkv", 200),
            ("If-Range", "HEAD", "/recordings/film.mkv", 200),
            ("If-Modified-Since", "HEAD", "/recordings/film.mkv", 200),
        ):
            (self.folder / "film.mkv").write_bytes(b"x")
            connection = self.connect()
            lines = [f"{method} {path} HTTP/1.1", "Host: localhost", "Content-Length: 2"]
            head = "\r\n".join([*lines, f"{name}: "]).encode() + b"\xff\xfe\r\n\r\n"
            connection.send(head + b"{}")
            self.assertEqual(connection.take().split()[1:2], [str(status).encode()], name)


class HostTests(SiteCase):
    def sent(self, *lines: str) -> tuple[int, bytes]:
        """Status and body of what these lines are answered with."""
        connection = self.connect()
        connection.send("\r\n".join([*lines, "", ""]).encode())
        head, _, body = connection.take().partition(b"\r\n\r\n")
        return int(head.split()[1]), body

    def test_a_whole_url_is_taken_and_its_host_is_the_one_that_counts(self) -> None:
        for target in ("http://127.0.0.1:8080/api/v1/cameras", "HTTP://localhost/api/v1/cameras"):
            for host in ("localhost", "evil.example"):
                status, body = self.sent(f"GET {target} HTTP/1.1", f"Host: {host}")
                self.assertEqual((status, b'"door"' in body), (200, True), target)
        for target in ("http://evil.example/state", "http://localhost@evil.example/state"):
            self.assertEqual(self.sent(f"GET {target} HTTP/1.1", "Host: localhost")[0], 403)
        self.assertEqual(self.sent("GET http://evil.example/state HTTP/1.0")[0], 403)

    def test_what_stands_behind_its_host_is_asked_for(self) -> None:
        for rest, status in (("", 200), ("?action=snapshot", 200), ("?action=x", 400), ("/x", 404)):
            line = f"GET http://localhost{rest} HTTP/1.1"
            self.assertEqual(self.sent(line, "Host: localhost")[0], status, rest)

    def test_one_host_is_named_no_less_and_no_more(self) -> None:
        for line in ("GET /state HTTP/1.1", "GET http://localhost/state HTTP/1.1"):
            for hosts in ((), ("Host: localhost", "Host: localhost")):
                status, body = self.sent(line, *hosts)
                self.assertEqual((status, b"Host header" in body), (400, True))
            self.assertEqual(self.sent(line, "Host: localhost")[0], 200)
        self.assertEqual(self.sent("GET /state HTTP/1.0")[0], 200)

    def test_a_dot_at_the_end_of_a_name_is_no_part_of_it(self) -> None:
        self.guarded(names=["cam.example"])
        for host in ("localhost.", "localhost.:8080", "cam.example."):
            self.ask("GET", "/state", Host=host)
            self.assertEqual(self.status, 200, host)
        self.ask("GET", "/state", Host="evil.example.")
        self.assertEqual(self.status, 403)


class OddTests(SiteCase):
    """What once ended with a traceback has an answer, and leaves none."""

    def answered(self, data: bytes) -> bytes:
        connection = self.connect()
        connection.send(data)
        self.clock.advance(0)
        status = connection.take()[9:12]
        connection.channel.connectionLost()
        self.assertEqual(self.flushLoggedErrors(), [])
        return status

    def test_an_authorization_that_is_no_text_is_a_wrong_token(self) -> None:
        file = TokenFile(self.folder / "tokens.toml")
        file.add(Grant("viewer", frozenset({"view"})))
        self.server.authenticator = Authenticator(self.clock, file)
        for kind in (b"Basic ", b"basic", b"Bearer ", b"Digest ", b""):
            for value in (b"\xff", b"\xff\xfe==", b"=", b"YQ", b"/w==", b"a" * 5000, b"\xc3\xa9"):
                self.clock.advance(1000)
                head = b"GET / HTTP/1.1\r\nHost: localhost\r\nAuthorization: "
                self.assertEqual(self.answered(head + kind + value + b"\r\n\r\n"), b"401")

    def test_a_websocket_begins_with_a_get_over_http_1_1_and_little_else(self) -> None:
        upgrade = (
            b"Host: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEA==\r\n"
        )
        for first, more, status in (
            (b"GET /live HTTP/1.1", b"", b"101"),
            (b"GET /live HTTP/1.1", b"Transfer-Encoding: identity\r\n", b"101"),
            (b"GET /live HTTP/1.1", b"Connection: close\r\n", b"400"),
            (b"GET /live HTTP/1.1", b"X: \xff\r\n", b"101"),
            (b"GET /live HTTP/1.0", b"", b"400"),
            (b"HEAD /live HTTP/1.1", b"", b"400"),
            (b"GET /live HTTP/1.1", b"Sec-WebSocket-Version: \xff\r\n", b"400"),
            (b"GET /live HTTP/1.1", b"Transfer-Encoding: gzip\r\n", b"400"),
        ):
            data = first + b"\r\n" + upgrade + more + b"\r\n"
            self.assertEqual(self.answered(data), status, data)
        self.assertEqual(self.answered(b"GET /live HTTP/1.0\r\n\r\n"), b"400")
        # What comes in one packet with it reaches the WebSocket.
        self.assertEqual(self.answered(b"GET /live HTTP/1.1\r\n" + upgrade + b"\r\n\xff"), b"101")

    def test_a_length_that_is_no_number(self) -> None:
        for value in (b"9" * 5000, b"-1", b"+1", b"1.0", b"0x1", b"", b"1, 1"):
            head = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + value
            self.assertEqual(self.answered(head + b"\r\n\r\n"), b"400", value[:20])
        head = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + b"9" * 50
        self.assertEqual(self.answered(head + b"\r\n\r\n"), b"413")

    def test_a_form_is_neither_parsed_nor_a_place_for_a_token(self) -> None:
        file = TokenFile(self.folder / "tokens.toml")
        token = file.add(Grant("desk", frozenset({"view", "control"})))
        self.server.authenticator = Authenticator(self.clock, file)
        for kind, form in (
            (b"application/x-www-form-urlencoded", b"token=" + token.encode()),
            (b"multipart/form-data; boundary=x", b"--x\r\n\r\n" * 8000),
            (b"multipart/form-data", b"no boundary"),
            (b"\xff", b"x"),
        ):
            head = b"POST /api/v1/cameras/door/stop HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
            length = b"\r\nContent-Length: " + str(len(form)).encode()
            self.assertEqual(self.answered(head + kind + length + b"\r\n\r\n" + form), b"401")
