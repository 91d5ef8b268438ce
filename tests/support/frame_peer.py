"""A server of the frame port that says what no server of ours would."""

from __future__ import annotations

import contextlib
import socket
import threading

from tests.support.fakes import TINY_JPEG
from twistedcam import wire
from twistedcam.media.frame import Frame

HELLO = wire.Hello("peer").encode()


def picture(seq: int = 1, time_us: int = 1_000_000, side: int = 1) -> bytes:
    """A FRAME whose header says that size."""
    return wire.FrameMessage(Frame(seq, time_us, side, side, TINY_JPEG)).encode()


class Peer:
    """Says the same to all who connect, and then listens; ends with the ``with`` block."""

    def __init__(self, *words: bytes) -> None:
        self._words = b"".join(words)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"twistedcam://127.0.0.1:{self._listener.getsockname()[1]}"
        self._connections: list[socket.socket] = []
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Peer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()
        for each in self._connections:
            each.close()

    def _run(self) -> None:
        with contextlib.suppress(OSError):  # the listener is closed
            while True:
                connection, _ = self._listener.accept()
                self._connections.append(connection)
                connection.sendall(self._words)
