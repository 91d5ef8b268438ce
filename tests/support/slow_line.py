"""A proxy with a limited bandwidth between a browser and a server on this machine.

Like the lines of mobile networks and full homes it holds much: who sends without being told what
arrived fills it, and is read a second late.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from queue import Queue

from tests.support.process import PATIENCE

PIECE = 4 * 1024
#: Pieces in transit: 1 MB.
HELD = 256
#: Bytes of the socket buffers.
BUFFER = 16 * 1024


class SlowLine:
    """Forwards connections to a port of this machine, with a limited rate of responses.

    Arguments:
        port: whose line it is, on 127.0.0.1.
        rate: bytes a second from there, over all connections together.
        is_uplink: True to limit what goes to the port in place of what comes from there.
    """

    def __init__(self, port: int, rate: float, *, is_uplink: bool = False) -> None:
        self._port = port
        self._rate = rate
        self._is_uplink = is_uplink
        self._free_at = 0.0
        self._turn = threading.Lock()
        self._ends: list[socket.socket] = []
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> SlowLine:
        self._listener = socket.create_server(("127.0.0.1", 0))
        if self._is_uplink:
            self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        for end in (self._listener, *self._ends):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(PATIENCE)
        for end in (self._listener, *self._ends):
            end.close()

    def limit(self, rate: float) -> None:
        """Forward so many bytes a second from now on."""
        self._rate = rate

    def stop(self, seconds: float) -> None:
        """Forward nothing in the limited direction for so long; what is sent then arrives later."""
        with self._turn:
            self._free_at = time.monotonic() + seconds

    def _start(self, target: object, *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.socket()
                far.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
                near.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER)
                # A line sends the last piece of a picture at once, not with the next picture.
                for end in (near, far):
                    end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._ends += [near, far]
                far.connect(("127.0.0.1", self._port))
                on_its_way: Queue[bytes] = Queue(HELD)
                slow, fast = (near, far) if self._is_uplink else (far, near)
                self._start(self._take, fast, slow.sendall, slow)
                self._start(self._take, slow, on_its_way.put, None)
                self._start(self._give, on_its_way, fast)

    def _take(
        self, source: socket.socket, give: Callable[[bytes], None], sink: socket.socket | None
    ) -> None:
        """Forward data, then an empty piece; then shut down the sink."""
        with suppress(OSError):
            while data := source.recv(PIECE):
                give(data)
        if sink is None:
            give(b"")
        else:
            with suppress(OSError):
                sink.shutdown(socket.SHUT_RDWR)

    def _give(self, pieces: Queue[bytes], sink: socket.socket) -> None:
        """Send pieces at the limited rate, and drop what cannot be sent."""
        is_open = True
        while data := pieces.get():
            if is_open:
                self._wait_for(len(data))
                try:
                    sink.sendall(data)
                except OSError:
                    is_open = False
        with suppress(OSError):
            sink.shutdown(socket.SHUT_RDWR)

    def _wait_for(self, size: int) -> None:
        with self._turn:
            now = time.monotonic()
            self._free_at = max(now, self._free_at) + size / self._rate
            left = self._free_at - now
        time.sleep(left)
