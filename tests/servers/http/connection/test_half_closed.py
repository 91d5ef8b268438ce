"""Clients that close their own half of a connection, end lines with LF, or add a slash."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.http_server import serve, state
from tests.support.http_site import SiteCase
from tests.support.process import PATIENCE, ServerProcess, wait_for
from twistedcam.servers.http.connection.half_closed import is_gone


@contextmanager
def half_closed(server: ServerProcess, request: bytes) -> Iterator[socket.socket]:
    """A connection whose client has sent this, and sends no more."""
    host, _, port = server.http.removeprefix("http://").rpartition(":")
    with socket.create_connection((host, int(port)), PATIENCE) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        yield connection


def whole_answer(server: ServerProcess, request: bytes) -> bytes:
    """All that comes until the server ends the connection."""
    with half_closed(server, request) as connection:
        return b"".join(iter(lambda: connection.recv(65536), b""))


GET = b"GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.mark.parametrize(
    ("request_", "answers"),
    [
        (b"GET /snapshot HTTP/1.0\r\n\r\n", [b"200"]),
        (b"HEAD /snapshot HTTP/1.1\r\nHost: localhost\r\n\r\n", [b"200"]),
        (GET % b"/api/v1/ping", [b"200"]),
        (GET % b"/api/v1/ping" * 3, [b"200"] * 3),
        (GET % b"/snapshot?after=0" + GET % b"/nothing", [b"200", b"404"]),
        (b"GET /healthz HTTP/1.0\n\n", [b"503"]),  # attic is not there
        (b"GET /snapshot HTTP/1.1\nHost: localhost\n\n", [b"200"]),
        (b"GET /snapshot HTTP/1.1\r\nHost: localhost\n\n", [b"200"]),
        (b"POST /api/v1/cameras/door/stop HTTP/1.0\r\nContent-Length: 9\r\n\r\n{", [b"400"]),
        (b"GET /snapshot HTTP/1.0\r\nHo", [b"400"]),
        (b"GET", [b"400"]),
        (b"", []),
        (b"\r\n", []),
    ],
)  # fmt: skip
def test_one_that_sends_no_more_has_its_whole_answer(
    cameras: ServerProcess, request_: bytes, answers: list[bytes]
) -> None:
    found = whole_answer(cameras, request_)
    assert re.findall(rb"HTTP/1\.[01] (\d+) ", found) == answers
    if answers == [b"200"] and b"GET /snapshot" in request_:
        assert found.endswith(b"\xff\xd9")


def watch_half_closed(server: ServerProcess) -> None:
    """Watch ``door`` without a word, and go; the server sees both."""
    with half_closed(server, b"GET /stream/door HTTP/1.0\r\n\r\n") as connection:
        with connection.makefile("rb") as stream:
            for _ in range(20):
                while not stream.readline().startswith(b"Content-Length: "):
                    pass
        assert state(server, "door")["viewers"] >= 1
    wait_for(lambda: not state(server, "door")["viewers"], "the viewer's end")


def test_a_viewer_that_sends_no_more_goes_on_watching(cameras: ServerProcess) -> None:
    watch_half_closed(cameras)


def test_so_does_one_that_a_worker_process_serves(tmp_path: Path) -> None:
    door = "door=pattern:?size=160x120&fps=20"
    with serve(tmp_path, "--camera", door, "--workers", "1") as server:
        wait_for(lambda: server.status("door").get("state") == "live", "a picture")
        watch_half_closed(server)


def test_one_that_is_gone_is_not_taken_for_half_closed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        server, _ = listener.accept()
    with server:
        assert not is_gone(server)
        client.shutdown(socket.SHUT_WR)
        assert server.recv(1) == b""
        assert not is_gone(server)
        client.close()

        def gone() -> bool:
            if not is_gone(server):
                try:
                    server.send(b"x")  # what is sent is answered with a reset
                except OSError:
                    return True
            return is_gone(server)

        wait_for(gone, "the reset")
        assert is_gone(server)


class HalfTests(SiteCase):
    def test_one_that_listens_goes_on_until_it_is_gone(self) -> None:
        connection = self.connect()
        connection.ask("GET", "/events")
        connection.channel.readConnectionLost()
        self.clock.advance(30)
        self.assertFalse(connection.transport.disconnecting)
        self.assertIn(b"still here", connection.take())
        connection.channel.connectionLost()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_a_websocket_ends(self) -> None:
        connection = self.connect()
        connection.ask("GET", "/live/door", Upgrade="websocket", Connection="Upgrade",
                       Sec_WebSocket_Version="13", Sec_WebSocket_Key="AQIDBAUGBwgJCgsMDQ4PEA==",
                       )  # fmt: skip
        connection.channel.readConnectionLost()
        self.assertTrue(connection.transport.aborted)
        connection.channel.connectionLost()

    def test_a_slash_at_the_end_of_a_known_address_changes_nothing(self) -> None:
        for path in ("/snapshot/", "/snapshot/door/", "/state/", "/healthz/", "/metrics/",
                     "/api/v1/cameras/", "/static/icon.svg/",
                     "/snapshot/?camera=door"):  # fmt: skip
            self.ask("GET", path)
            self.assertEqual(self.status, 200, path)
        for path in ("//", "/snapshot//", "/nothing/"):
            self.ask("GET", path)
            self.assertEqual(self.status, 404, path)
        self.ask("GET", "/api/v1/shutdown/")
        self.assertEqual(self.status, 405)
