"""A client that is refused reads the reason, even if it sends before it reads."""

from __future__ import annotations

import socket
import time
from pathlib import Path

import pytest
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport

from tests.support.process import PATIENCE, ServerProcess, wait_for
from tests.support.viewer import Viewer
from twistedcam import wire
from twistedcam.net.graceful_close import MAX_HALF_CLOSED, GracefulCloser

HTTP = ("--http", "tcp:0:interface=127.0.0.1")
REQUEST = b"GET /snapshot HTTP/1.1\r\nHost: localhost\r\n\r\n"


class Transport(StringTransport):
    """A transport that can close its writing half."""

    half = False

    def loseWriteConnection(self) -> None:
        self.half = True


def speak_first(address: tuple[str, int], words: bytes) -> bytes:
    """Send data three times, with time for a reset to arrive, and then read all."""
    with socket.create_connection(address, PATIENCE) as connection:
        for _ in range(3):
            time.sleep(0.05)
            connection.sendall(words)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(4096), b""))


def test_each_port_reports_too_many_connections_to_a_client_that_sends_first(
    tmp_path: Path,
) -> None:
    options = ["--camera", "pattern:?size=160x120", "--max-connections", "2", *HTTP]
    with ServerProcess(tmp_path, *options) as server:
        host, _, port = server.http.removeprefix("http://").rpartition(":")
        viewers = [Viewer(server.frames), Viewer(server.frames)]
        for viewer in viewers:
            viewer.until(wire.FrameMessage)
        for _ in range(3):
            assert b"too-many" in speak_first(server.frames, wire.Join().encode())
            assert speak_first(server.control, b"status\n").startswith(b"ERR too-many")
            assert b" 503 " in speak_first((host, int(port)), REQUEST)
        viewers[0].close()
        # The first refusal of an address is logged on each port.
        told = lambda: [server.log.count(words) for words in ("refused: ", "too-many: ")]  # noqa: E731
        wait_for(lambda: told() == [2, 1], "the log")
        wait_for(lambda: len(server.command_lines("viewers")) > 1, "room")
        viewers[1].until(wire.FrameMessage)
        viewers[1].close()


def is_cut_off(connection: socket.socket) -> bool:
    """Return True if the other side has closed the connection."""
    try:
        connection.sendall(b"?")
    except ConnectionError:
        return True
    return False


def test_a_client_that_never_closes_is_not_waited_for(tmp_path: Path) -> None:
    with ServerProcess(tmp_path, "--camera", "pattern:?size=160x120", *HTTP) as server:
        host, _, port = server.http.removeprefix("http://").rpartition(":")
        ways = [
            (server.frames, b"garbage!" * 10),
            (server.control, b"x" * 5000 + b"\n"),
            ((host, int(port)), b"POST / HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n"),
        ]
        for address, words in ways:
            with socket.create_connection(address, PATIENCE) as connection:
                connection.sendall(words)
                while connection.recv(4096):
                    pass
                wait_for(lambda: is_cut_off(connection), "the end")
        assert "Traceback" not in server.log


def test_many_refused_connections_are_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("twistedcam.net.graceful_close.file_limit", lambda: None)
    closer = GracefulCloser(Clock())
    crowd = [Transport() for _ in range(MAX_HALF_CLOSED + 1)]
    for each in crowd:
        closer.close(each)
    assert [each.half for each in crowd] == [True] * MAX_HALF_CLOSED + [False]
    assert crowd[-1].disconnecting
    closer.forget(crowd[0])
    late = Transport()
    closer.close(late)
    assert late.half


def test_those_who_are_turned_away_take_a_small_part_of_the_files_that_there_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("twistedcam.net.graceful_close.file_limit", lambda: 64)
    closer, crowd = GracefulCloser(Clock()), [Transport() for _ in range(6)]
    for each in crowd:
        closer.close(each)
    assert [each.half for each in crowd] == [True] * 4 + [False] * 2
