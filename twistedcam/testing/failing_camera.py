"""A network camera that fails when a test says so."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING, Self

from twistedcam.codecs.jpeg_encoder import JpegEncoder
from twistedcam.sources.base import RawPicture
from twistedcam.sources.pattern import PatternSource

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_BOUNDARY = "twistedcam-testing"
_HEAD = (
    "HTTP/1.1 200 OK\r\nConnection: close\r\n"
    f"Content-Type: multipart/x-mixed-replace;boundary={_BOUNDARY}\r\n\r\n"
).encode()
#: Seconds after which a client that reads nothing is disconnected.
_PATIENCE = 5.0
#: Bytes that are left of a JPEG that is cut off.
_CUT = 600


class FailingCamera:
    """An MJPEG camera over HTTP on a free port, with a test picture whose frames are numbered.

    A context manager. Each method takes effect before it returns; ``restore`` ends all faults.

    Arguments:
        size: (width, height) in pixels; at least 320x90.
        fps: frames per second.
    """

    def __init__(self, size: tuple[int, int] = (640, 480), fps: float = 30.0) -> None:
        self._fps = fps
        self._lock = threading.Lock()
        self._encoder = JpegEncoder()
        self._source = PatternSource(size, fps)
        self._connections: list[socket.socket] = []
        self._is_lost = self._is_stalled = self._is_corrupt = self._is_closed = False
        #: The number of pictures that were sent.
        self.sent = 0
        #: What is sent instead of the test picture.
        self._picture: bytes | None = None
        #: The newest picture that was sent.
        self._newest = b""
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._port: int = self._listening.getsockname()[1]
        self._threads = [
            threading.Thread(target=self._send_pictures, daemon=True),
            threading.Thread(target=self._accept, args=(self._listening,), daemon=True),
        ]

    @property
    def url(self) -> str:
        """The camera's address, for ``--camera NAME=URL``."""
        return f"http://127.0.0.1:{self._port}/"

    @property
    def fps(self) -> float:
        """The frames per second that it sends now."""
        return self._source.fps

    def lose(self) -> None:
        """Close all connections, and refuse new ones, as an unplugged camera does."""
        with self._lock:
            if self._is_lost:
                return
            self._is_lost = True
            self._shut(self._listening)
            # A socket that does not listen keeps the port: connections to it are refused.
            self._listening = socket.socket()
            self._listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._listening.bind(("127.0.0.1", self._port))
            for each in self._connections:
                self._shut(each)
            self._connections.clear()

    def freeze(self) -> None:
        """Send the same picture repeatedly, as a camera whose sensor hangs does."""
        with self._lock:
            self._picture = self._newest

    def stall(self) -> None:
        """Keep all connections, and send nothing."""
        with self._lock:
            self._is_stalled = True

    def slow_down(self, fps: float) -> None:
        """Send so many frames per second."""
        self._set_fps(fps)

    def show(self, picture: bytes | NDArray[np.uint8]) -> None:
        """Send this picture instead of the test picture.

        Arguments:
            picture: a JPEG, or (height, width, 3) uint8, BGR. Bytes are sent as they are.
        """
        data = picture if isinstance(picture, bytes) else self._encode(RawPicture(0, image=picture))
        with self._lock:
            self._picture = data

    def corrupt(self) -> None:
        """Send pictures that are cut off, as over a bad line."""
        with self._lock:
            self._is_corrupt = True

    def restore(self) -> None:
        """Work again: the test picture, at the rate from the beginning, and connections."""
        with self._lock:
            self._picture = None
            self._is_stalled = self._is_corrupt = False
            if self._is_lost:
                self._is_lost = False
                self._listening.listen()
                thread = threading.Thread(target=self._accept, args=(self._listening,), daemon=True)
                self._threads.append(thread)
                thread.start()
        self._set_fps(self._fps)

    def __enter__(self) -> Self:
        self._source.open()
        for each in self._threads:
            each.start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._is_closed = True
            self._source.interrupt()
            for each in (self._listening, *self._connections):
                self._shut(each)
            self._connections.clear()
        for thread in self._threads:
            thread.join(_PATIENCE)

    def _set_fps(self, fps: float) -> None:
        with self._lock:
            if fps != self._source.fps:
                self._source.interrupt()
                self._source.fps = fps
                self._source.open()  # goes on with the next number

    def _accept(self, listening: socket.socket) -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:  # it was closed
                return
            connection.settimeout(_PATIENCE)
            with contextlib.suppress(OSError):
                connection.recv(65536)  # the request: every path is the stream
                connection.sendall(_HEAD)
            with self._lock:
                if self._is_lost or self._is_closed:
                    self._shut(connection)
                else:
                    self._connections.append(connection)

    def _send_pictures(self) -> None:
        """Send pictures to all connections until the camera is closed."""
        while True:
            raw = self._source.read()  # waits until the next picture is due
            with self._lock:
                if self._is_closed:
                    return
                if raw is None or self._is_lost or self._is_stalled:
                    continue
                if self._picture is None:
                    self._newest = self._encode(raw)
                data = self._newest if self._picture is None else self._picture
                self._send(data[:_CUT] if self._is_corrupt else data)

    def _send(self, data: bytes) -> None:
        head = f"--{_BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(data)}\r\n\r\n"
        part = head.encode() + data + b"\r\n"
        self.sent += 1
        for each in list(self._connections):
            try:
                each.sendall(part)
            except OSError:
                self._connections.remove(each)
                self._shut(each)

    def _encode(self, picture: RawPicture) -> bytes:
        made = self._encoder.finish(picture).jpeg
        return made if isinstance(made, bytes) else made()

    @staticmethod
    def _shut(each: socket.socket) -> None:
        with contextlib.suppress(OSError):  # not connected, or closed by the client
            each.shutdown(socket.SHUT_RDWR)
        each.close()
