"""Headers may say anything: what they say badly is passed over, or refused in words."""

from __future__ import annotations

from tests.http.site import SiteCase

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
