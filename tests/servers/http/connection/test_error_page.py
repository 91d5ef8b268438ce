"""Tests of error pages: HTML for browsers, JSON for other clients."""

from __future__ import annotations

import json
from html.parser import HTMLParser

import pytest

from tests.support.http_site import Connection, SiteCase
from twistedcam.net.connection_limits import ConnectionLimits
from twistedcam.net.graceful_close import LINGER
from twistedcam.servers.http.connection.error_page import wants_page, with_page
from twistedcam.servers.http.connection.reply import Reply, json_reply

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,*/*;q=0.8"


@pytest.mark.parametrize(
    ("accept", "page"),
    [
        (BROWSER, True),
        ("text/html", True),
        ("TEXT/HTML;q=0.5", True),
        ("application/json, text/html;q=0.9", False),
        ("text/html;q=0.9, application/json;q=0.8", True),
        ("text/html;q=0", False),
        ("text/html;q=x", False),
        ("text/html;q=nan", False),
        ("*/*", False),
        ("image/avif,image/webp,image/*,*/*;q=0.8", False),
        ("text/event-stream", False),
        ("", False),
        ("a/b," * 5000 + "text/html", False),
        ("\xff\xfe, text/html", True),
    ],
)
def test_a_page_is_sent_if_html_is_accepted_and_json_not_preferred(accept: str, page: bool) -> None:
    assert wants_page([accept.encode("latin-1")]) is page
    assert not wants_page(None)


def test_only_errors_become_pages() -> None:
    for reply in (json_reply({"a": 1}), Reply(b"jpeg", "image/jpeg", 503), Reply(status=304)):
        assert with_page(reply) is reply


def test_a_page_has_the_escaped_message() -> None:
    message = "there is no '<script>alert(1)</script>' here & nowhere"
    reply = with_page(json_reply({"code": "not-found", "message": message}, 404, Allow="GET"))
    assert reply.status == 404
    assert reply.headers["Allow"] == "GET"
    text: list[str] = []
    tags: list[str] = []
    parser = HTMLParser()
    parser.handle_data = text.append  # type: ignore[method-assign]
    parser.handle_starttag = lambda tag, attrs: tags.append(tag)  # type: ignore[method-assign]
    parser.feed(reply.body.decode())
    assert "There is no '<script>alert(1)</script>' here & nowhere" in text
    assert "script" not in tags


class PageTests(SiteCase):
    def both(self, method: str, path: str, status: int, body: bytes = b"", **headers: str) -> str:
        """Return the responses for a program and for a browser, and the page."""
        answer = self.ask(method, path, body, **headers)
        self.assertEqual(self.status, status)
        message = answer.json["message"]
        page = self.ask(method, path, body, **headers, Accept=BROWSER)
        self.assertEqual(self.status, status)
        self.assertIn("Content-Type: text/html; charset=utf-8", page.head)
        self.assertIn("Content-Security-Policy: default-src 'none'", page.head)
        text = page.body.decode()
        self.assertIn(f"<title>{status} ", text)
        self.assertIn(message[-12:].replace("'", "&#x27;"), text)
        return page.head

    def test_every_kind_of_error_has_a_page(self) -> None:
        self.both("GET", "/nothing", 404)
        self.both("GET", "/snapshot/nobody", 404)
        self.both("GET", "/?action=x", 400)
        self.both("GET", "/snapshot/yard", 503)
        self.both("GET", "/live", 400)
        self.both("GET", "/", 403, Host="camera.fritz.box")
        self.both("POST", "/api/v1/shutdown", 403, Origin="http://evil.example")
        self.assertIn("Allow: POST", self.both("GET", "/api/v1/shutdown", 405))
        self.both("PATCH", "/api/v1/cameras/door", 413, b"x" * 65537)
        self.both("GET", f"/?{'a&' * 200}", 400)

    def test_a_head_that_is_invalid_after_its_accept(self) -> None:
        for accept, kind in ((BROWSER, b"text/html"), ("*/*", b"application/json")):
            connection = self.connect()
            connection.send(f"GET / HTTP/1.1\r\nAccept: {accept}\r\nno colon\r\n\r\n".encode())
            head, _, body = connection.take().partition(b"\r\n\r\n")
            self.assertTrue(head.startswith(b"HTTP/1.1 400 "))
            self.assertIn(b"Content-Type: " + kind, head)
            self.assertIn(f"Content-Length: {len(body)}".encode(), head)

    def test_a_slow_request_gets_a_page(self) -> None:
        connection = self.connect()
        connection.send(f"GET / HTTP/1.1\r\nAccept: {BROWSER}\r\nX: y\r\n".encode())
        self.clock.advance(60)
        self.assertIn(b"<title>408 ", connection.take())

    def crowded(self) -> Connection:
        """A connection above the limit."""
        self.server.connection_limiter.limits = ConnectionLimits(connections=0)
        return self.connect()

    def test_a_refused_connection_gets_a_page_or_json(self) -> None:
        connection = self.crowded()
        self.assertEqual(connection.take(), b"")
        self.assertEqual(connection.ask("GET", "/", Accept=BROWSER), 503)
        self.assertIn(b"<title>503 ", connection.body)
        self.assertIn("Retry-After: 2", connection.head)
        self.assertEqual(self.crowded().ask("GET", "/"), 503)

    def test_a_refused_connection_without_request_is_answered_soon(self) -> None:
        connection = self.crowded()
        self.clock.advance(LINGER)
        head, _, body = connection.take().partition(b"\r\n\r\n")
        self.assertTrue(head.startswith(b"HTTP/1.1 503 "))
        self.assertEqual(json.loads(body)["code"], "too-many")
        self.clock.advance(LINGER)
        self.assertTrue(connection.transport.aborted)

    def test_many_refused_connections_are_answered_at_once(self) -> None:
        connections = [self.crowded() for _ in range(100)]
        answered = [each.take().startswith(b"HTTP/1.1 503 ") for each in connections]
        self.assertFalse(answered[0])
        self.assertTrue(answered[-1])
