"""A line of a certain width, between a browser and a server on the same machine."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress
from types import TracebackType

#: Bytes that the line itself holds: what waits for it has to wait in the server.
HELD = 16 * 1024
PIECE = 4 * 1024


class SlowLine:
    """Passes connections on to a port of this machine; answers come at a certain rate.

    Arguments:
        port: whose line it is, on 127.0.0.1.
        rate: bytes a second from there, over all connections together.
    """

    def __init__(self, port: int, rate: float) -> None:
        self._port = port
        self._rate = rate
        self._free_at = 0.0
        self._turn = threading.Lock()
        self._ends: list[socket.socket] = []
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> SlowLine:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._start(self._accept)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for end in (self._listener, *self._ends):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)
        for end in (self._listener, *self._ends):
            end.close()

    def _start(self, target: object, *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.socket()
                far.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, HELD)
                near.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, HELD)
                self._ends += [near, far]
                far.connect(("127.0.0.1", self._port))
                self._start(self._pass, near, far, False)
                self._start(self._pass, far, near, True)

    def _pass(self, source: socket.socket, sink: socket.socket, slowly: bool) -> None:
        with suppress(OSError):
            while data := source.recv(PIECE):
                if slowly:
                    self._wait_for(len(data))
                sink.sendall(data)
        with suppress(OSError):
            sink.shutdown(socket.SHUT_RDWR)

    def _wait_for(self, size: int) -> None:
        with self._turn:
            now = time.monotonic()
            self._free_at = max(now, self._free_at) + size / self._rate
            left = self._free_at - now
        time.sleep(left)
