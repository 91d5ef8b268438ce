"""A camera on the net that answers as a test wants, on real connections; a context manager."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Self
from weakref import WeakKeyDictionary

import numpy as np

from tests.fakecam import encode_jpeg, moving_picture
from tests.support.process import PATIENCE
from twistedcam.media.packet import Packet
from twistedcam.media.video_decoder import VideoDecoder
from twistedcam.sources.base import RawPacket, RawPicture, Source
from twistedcam.sources.registry import make_source
from twistedcam.sources.spec import parse

_NOISE = np.random.default_rng(7).integers(0, 255, (160, 240, 3), np.uint8) // 3
#: Pictures of more than 16 KB, as cameras give them.
PICTURES = [encode_jpeg(picture + _NOISE) for picture in moving_picture(240, 160, 5)]
assert min(map(len, PICTURES)) > 16 * 1024


@dataclass
class Request:
    """What was asked of the camera."""

    target: str
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def authorization(self) -> str:
        return self.headers.get("authorization", "")


#: Gives an answer's bytes, head and all, in as many pieces as it likes.
Answer = Callable[[Request], Iterable[bytes]]


class HttpCamera:
    """Answers each request; keeps a connection for as long as the answers have a length.

    Arguments:
        answer: gives what is sent, head and all.
        tls: what it is encrypted with, if it is.
    """

    def __init__(self, answer: Answer, tls: ssl.SSLContext | None = None) -> None:
        self._answer = answer
        self._tls = tls
        self.connections = 0
        self.requests: list[Request] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self._open: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]

    def url(self, path: str = "/", login: str = "") -> str:
        """Its address."""
        return f"http{'s' if self._tls else ''}://{login}127.0.0.1:{self.port}{path}"

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        for each in (self._listening, *self._open):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        for thread in self._threads:
            thread.join(PATIENCE)

    def hang_up(self) -> None:
        """Close all connections that are kept."""
        for each in self._open:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(connection)
            thread = threading.Thread(target=self._serve, args=(connection,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, plain: socket.socket) -> None:
        with contextlib.suppress(OSError):
            connection = self._tls.wrap_socket(plain, server_side=True) if self._tls else plain
            with connection, connection.makefile("rb") as lines:
                while request := _read_request(lines):
                    self.requests.append(request)
                    keep = False
                    for number, piece in enumerate(self._answer(request)):
                        head = piece.partition(b"\r\n\r\n")[0].lower()
                        if number == 0:
                            keep = b"content-length:" in head or b"chunked" in head
                            keep = keep and b"connection: close" not in head
                            keep = keep and head.startswith(b"http/1.1")
                        connection.sendall(piece)
                    if not keep:
                        connection.shutdown(socket.SHUT_WR)
                        return


def _read_request(lines: Iterable[bytes]) -> Request | None:
    request: Request | None = None
    for line in lines:
        text = line.decode("latin-1").strip()
        if request is None:
            request = Request(text.split(" ")[1])
        elif not text:
            return request
        else:
            name, _, value = text.partition(":")
            request.headers[name.lower()] = value.strip()
    return None


def head(*lines: str, status: str = "200 OK", version: str = "HTTP/1.1") -> bytes:
    """The head of an answer."""
    return "\r\n".join([f"{version} {status}", *lines, "", ""]).encode("latin-1")


def whole(body: bytes, *lines: str, kind: str = "image/jpeg", status: str = "200 OK") -> bytes:
    """An answer with a length."""
    return (
        head(f"Content-Type: {kind}", f"Content-Length: {len(body)}", *lines, status=status) + body
    )


def chunk(data: bytes) -> bytes:
    """A chunk of a chunked body."""
    return b"%x\r\n%b\r\n" % (len(data), data)


@contextlib.contextmanager
def opened(text: str) -> Iterator[Source]:
    """A source, open."""
    source = make_source(parse(text))
    try:
        source.open()
        yield source
    finally:
        source.close()


#: The decoders of sources that deliver packets.
_decoders: WeakKeyDictionary[Source, VideoDecoder] = WeakKeyDictionary()


def read(source: Source) -> RawPicture:
    """The next picture; that of a packet is decoded."""
    while True:
        raw = source.read()
        if isinstance(raw, RawPacket):
            decoder = _decoders.setdefault(source, VideoDecoder())
            packet = Packet(raw.track, 0, 0, 0, raw.data, raw.is_keyframe)
            for decoded in decoder.decode([packet]):
                return RawPicture(raw.time, image=decoded.picture.to_ndarray(format="bgr24"))
        elif raw is not None:
            return raw
