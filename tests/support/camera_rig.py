"""A server in front of fake webcams, and a viewer and a watcher that see all it tells."""

from __future__ import annotations

import contextlib
import queue
import socket
import threading
import time
from pathlib import Path
from typing import Self

from tests.fakecam import FakeBus
from tests.support.process import PATIENCE, ServerProcess
from twistedcam.media.frame import Frame
from twistedcam.wire import Decoder, Join
from twistedcam.wire.messages import FrameMessage, Ping, Pong, State


def serving(folder: Path, bus: FakeBus, *options: str) -> ServerProcess:
    """A server that sees these cameras alone."""
    return ServerProcess(folder, *options, env=bus.variables)


class Viewer:
    """One connection to the frame port that takes all that comes, at once; a context manager."""

    def __init__(self, address: tuple[str, int], camera: str | None = None) -> None:
        self.states: list[State] = []
        self._messages: queue.Queue[object] = queue.Queue()
        self._socket = socket.create_connection(address, PATIENCE)
        self._socket.sendall(Join(camera=camera, window=0).encode())
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def frames(self, count: int) -> list[Frame]:
        """The next frames; states on the way are kept in ``states``."""
        found: list[Frame] = []
        while len(found) < count:
            message = self._messages.get(timeout=PATIENCE)
            assert message is not None, "the server has closed the connection"
            if isinstance(message, FrameMessage):
                found.append(message.frame)
            elif isinstance(message, State):
                self.states.append(message)
        return found

    def _read(self) -> None:
        decoder = Decoder()
        with contextlib.suppress(OSError):
            while data := self._socket.recv(1 << 16):
                for message in decoder.feed(data):
                    if isinstance(message, Ping):  # who does not answer is taken for dead
                        self._socket.sendall(Pong(message.data).encode())
                    self._messages.put(message)
        self._messages.put(None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):  # the server may have closed it
            self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(PATIENCE)
        self._socket.close()


class EventReader:
    """Hears a server's events, each with the monotonic second at which it came."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._events: queue.Queue[tuple[float, str]] = queue.Queue()
        self._socket = socket.create_connection(address, PATIENCE)
        self._file = self._socket.makefile("r")
        self._socket.sendall(b"watch\n")
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def wait_for(self, *words: str) -> tuple[float, str]:
        """The next event that has all these words in it, and when it came."""
        until = time.monotonic() + PATIENCE
        while True:
            at, line = self._events.get(timeout=max(0.01, until - time.monotonic()))
            if all(word in line for word in words):
                return at, line

    def _read(self) -> None:
        with contextlib.suppress(OSError):  # an event may cross the end on its way: a reset
            for line in self._file:
                self._events.put((time.monotonic(), line.rstrip("\n")))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(PATIENCE)
        self._file.close()
        self._socket.close()
