"""Clients that close their own half of a connection and go on reading."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.http_server import half_closed, serve, state, whole_answer
from tests.support.process import ServerProcess, wait_for

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
def test_a_half_closed_client_gets_its_complete_response(
    cameras: ServerProcess, request_: bytes, answers: list[bytes]
) -> None:
    found = whole_answer(cameras, request_)
    assert re.findall(rb"HTTP/1\.[01] (\d+) ", found) == answers
    if answers == [b"200"] and b"GET /snapshot" in request_:
        assert found.endswith(b"\xff\xd9")


def watch_half_closed(server: ServerProcess) -> None:
    """Watch ``door`` on a half-closed connection, then close it."""
    with half_closed(server, b"GET /stream/door HTTP/1.0\r\n\r\n") as connection:
        with connection.makefile("rb") as stream:
            for _ in range(20):
                while not stream.readline().startswith(b"Content-Length: "):
                    pass
        assert state(server, "door")["viewers"] >= 1
    wait_for(lambda: not state(server, "door")["viewers"], "the viewer's end")


def test_a_half_closed_viewer_keeps_watching(cameras: ServerProcess) -> None:
    watch_half_closed(cameras)


def test_a_half_closed_viewer_of_a_worker_process_keeps_watching(tmp_path: Path) -> None:
    door = "door=pattern:?size=160x120&fps=20"
    with serve(tmp_path, "--camera", door, "--workers", "1") as server:
        wait_for(lambda: server.status("door").get("state") == "live", "a picture")
        watch_half_closed(server)
