"""Tests of requests: targets, hosts, invalid headers, bodies and forms."""

from __future__ import annotations

from tests.support.http_site import SiteCase
from twistedcam.auth import Authenticator, Grant, TokenFile
from twistedcam.servers.http.connection import request
from twistedcam.servers.http.connection.request import MAX_BODY

START = "/api/v1/cameras/door/record/start"


CAMERA = "/api/v1/cameras/door"


class HostTests(SiteCase):
    def sent(self, *lines: str) -> tuple[int, bytes]:
        """Return status and body of the response to these lines."""
        connection = self.connect()
        connection.send("\r\n".join([*lines, "", ""]).encode())
        head, _, body = connection.take().partition(b"\r\n\r\n")
        return int(head.split()[1]), body

    def test_the_host_of_an_absolute_url_replaces_the_host_header(self) -> None:
        for target in ("http://127.0.0.1:8080/api/v1/cameras", "HTTP://localhost/api/v1/cameras"):
            for host in ("localhost", "evil.example"):
                status, body = self.sent(f"GET {target} HTTP/1.1", f"Host: {host}")
                self.assertEqual((status, b'"door"' in body), (200, True), target)
        for target in ("http://evil.example/state", "http://localhost@evil.example/state"):
            self.assertEqual(self.sent(f"GET {target} HTTP/1.1", "Host: localhost")[0], 403)
        self.assertEqual(self.sent("GET http://evil.example/state HTTP/1.0")[0], 403)

    def test_the_rest_of_an_absolute_url_is_the_path(self) -> None:
        for rest, status in (("", 200), ("?action=snapshot", 200), ("?action=x", 400), ("/x", 404)):
            line = f"GET http://localhost{rest} HTTP/1.1"
            self.assertEqual(self.sent(line, "Host: localhost")[0], status, rest)

    def test_exactly_one_host_is_required(self) -> None:
        for line in ("GET /state HTTP/1.1", "GET http://localhost/state HTTP/1.1"):
            for hosts in ((), ("Host: localhost", "Host: localhost")):
                status, body = self.sent(line, *hosts)
                self.assertEqual((status, b"Host header" in body), (400, True))
            self.assertEqual(self.sent(line, "Host: localhost")[0], 200)
        self.assertEqual(self.sent("GET /state HTTP/1.0")[0], 200)


class BodyTests(SiteCase):
    def test_long_bodies_are_refused(self) -> None:
        self.ask("POST", START, b"{" + b" " * MAX_BODY + b"}")
        self.assertEqual(self.status, 413)
        connection = self.connect()
        head = f"POST {START} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
        connection.send(head.encode())
        for _ in range(20):
            connection.send(b"1000\r\n" + b" " * 4096 + b"\r\n")
        self.assertTrue(connection.take().startswith(b"HTTP/1.1 413 "))

    def test_the_bytes_of_a_body_are_limited(self) -> None:
        for size, status in ((request.MAX_BODY, 200), (request.MAX_BODY + 1, 413)):
            body = b'{"quality": 55' + b" " * (size - 15) + b"}"
            self.assertEqual(len(body), size)
            self.ask("PATCH", CAMERA, body)
            self.assertEqual(self.status, status)

    def test_a_form_is_not_parsed_and_contains_no_token(self) -> None:
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


class HeaderTests(SiteCase):
    def test_headers_that_are_not_utf_8_cause_no_error(self) -> None:
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
