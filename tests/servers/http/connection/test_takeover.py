"""Tests of the response heads of connections that are taken over."""

from __future__ import annotations

from tests.support.http_site import SiteCase


class ResponseHeadTests(SiteCase):
    def test_the_head_has_the_headers_of_the_guard_and_no_length(self) -> None:
        self.guarded(cors=["http://printer.local"])
        answer = self.ask("GET", "/events", Origin="http://printer.local")
        lines = answer.head.split("\r\n")
        self.assertEqual(lines[0], "HTTP/1.1 200 OK")
        for line in (
            "Connection: close",
            "X-Content-Type-Options: nosniff",
            "Content-Type: text/event-stream; charset=utf-8",
            "Access-Control-Allow-Origin: http://printer.local",
            "Vary: Origin",
        ):
            self.assertIn(line, lines)
        self.assertNotIn("Content-Length", answer.head)

    def test_data_that_comes_with_the_request_reaches_the_receiver(self) -> None:
        connection = self.connect()
        connection.send(b"GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\nignored")
        self.clock.advance(0)
        self.assertIn(b"200 OK", connection.take())
        connection.send(b"ignored too")
        self.show(2)
        self.assertIn(b"X-Timestamp: 1002", connection.take())
