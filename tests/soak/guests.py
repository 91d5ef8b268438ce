"""Those who come to a server, and how they behave."""

from __future__ import annotations

import contextlib
import random
import socket
import threading
import time
from collections.abc import Callable, Iterator

from tests.support.process import ServerProcess
from twistedcam import wire
from twistedcam.errors import WireError
from twistedcam.wire.messages import FrameMessage

#: What the soak's cameras are called.
CAMERAS = ("one", "two")


class Guest:
    """One who comes, does one of the things that viewers do, and goes; again and again.

    Arguments:
        server: the server.
        until: when it stops coming, on the monotonic clock.
        seed: of what it does.
    """

    def __init__(self, server: ServerProcess, until: float, seed: int) -> None:
        host, _, port = server.http.removeprefix("http://").rpartition(":")
        self._addresses = {
            "frames": server.frames,
            "control": server.control,
            "http": (host, int(port)),
        }
        self._until = until
        self._chance = random.Random(seed)
        self.visits = 0
        self.frames = 0
        self.error: BaseException | None = None

    def run(self) -> None:
        """Come and go until the end."""
        ways: list[tuple[str, Callable[[socket.socket], None]]] = [
            *[("frames", self._watch)] * 6,
            ("frames", self._stop_reading),
            ("frames", self._send_garbage),
            ("frames", self._die),
            ("http", self._stream),
            ("http", self._stream),
            ("http", self._stop_reading_stream),
            ("http", self._ask),
            ("http", self._send_garbage),
            ("control", self._listen),
            ("control", self._send_garbage),
        ]
        while time.monotonic() < self._until:
            port, way = self._chance.choice(ways)
            try:
                with socket.create_connection(self._addresses[port], 10) as connection:
                    connection.settimeout(3)
                    way(connection)
            except (OSError, WireError):
                pass  # the server may end whom it likes; that it lives is seen at the end
            except BaseException as error:
                self.error = error
                return
            self.visits += 1
            time.sleep(self._chance.uniform(0, 0.5))

    def _end(self) -> float:
        return min(self._until, time.monotonic() + self._chance.uniform(0.1, 8.0))

    def _join(self, connection: socket.socket) -> None:
        camera, window = self._chance.choice(CAMERAS), self._chance.choice((0, 1, 2, 8))
        fps = self._chance.choice((None, 1.0, 5.0))
        connection.sendall(wire.Join("view", camera, fps, window).encode())

    def _watch(self, connection: socket.socket) -> None:
        self._join(connection)
        decoder, end = wire.Decoder(), self._end()
        while time.monotonic() < end:
            data = connection.recv(1 << 16)
            if not data:
                return
            for message in decoder.feed(data):
                if isinstance(message, FrameMessage):
                    self.frames += 1
                    connection.sendall(wire.Ack(message.frame.seq).encode())
        connection.sendall(wire.Bye().encode())

    def _stop_reading(self, connection: socket.socket) -> None:
        self._join(connection)
        self._wait()

    def _stream(self, connection: socket.socket) -> None:
        self._get(connection, f"/stream/{self._chance.choice(CAMERAS)}")
        end = self._end()
        while time.monotonic() < end and connection.recv(1 << 16):
            pass

    def _stop_reading_stream(self, connection: socket.socket) -> None:
        self._get(connection, f"/stream/{self._chance.choice(CAMERAS)}")
        self._wait()

    def _ask(self, connection: socket.socket) -> None:
        ways = (
            "/snapshot/two",
            "/api/v1/status",
            "/metrics",
            "/recordings/none.mp4",
            "/",
            "/events",
        )
        for _ in range(self._chance.randrange(1, 5)):
            self._get(connection, self._chance.choice(ways))
            connection.recv(1 << 16)

    def _listen(self, connection: socket.socket) -> None:
        connection.sendall(
            b"watch\r\n" if self._chance.random() < 0.5 else b"status one\r\nviewers\r\n"
        )
        self._wait()

    def _send_garbage(self, connection: socket.socket) -> None:
        if self._chance.random() < 0.5:
            self._join(connection)
        connection.sendall(self._chance.randbytes(self._chance.randrange(1, 5000)))
        while connection.recv(1 << 16):
            pass

    def _die(self, connection: socket.socket) -> None:
        self._join(connection)
        connection.recv(100)
        linger = b"\1\0\0\0\0\0\0\0"  # close with a reset
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)

    def _get(self, connection: socket.socket, path: str) -> None:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())

    def _wait(self) -> None:
        time.sleep(max(0.0, self._end() - time.monotonic()))


@contextlib.contextmanager
def guests(server: ServerProcess, until: float, count: int) -> Iterator[list[Guest]]:
    """So many guests, each in a thread of its own; gone at the end."""
    made = [Guest(server, until, seed) for seed in range(count)]
    threads = [threading.Thread(target=each.run, daemon=True) for each in made]
    for thread in threads:
        thread.start()
    try:
        yield made
    finally:
        for thread in threads:
            thread.join(30)
