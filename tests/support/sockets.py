"""A connection whose far end a test reads by hand, at its own pace."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import ssl
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.protocol import Protocol, ServerFactory
from twisted.internet.task import deferLater

from tests.support.process import PATIENCE
from twistedcam.media.frame import Frame
from twistedcam.tls.certificate import make_certificate


class Near(Protocol):
    """The server's end: remembers what it heard, and that it is gone."""

    def __init__(self) -> None:
        self.heard = b""
        self.gone: Deferred[None] = Deferred()

    def dataReceived(self, data: bytes) -> None:
        self.heard += data

    def connectionLost(self, reason: Any = None) -> None:
        self.gone.callback(None)


class SecureFar:
    """The far end of a TLS connection, with as much of a socket's ways as tests use."""

    def __init__(self, sock: socket.socket) -> None:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        self._sock = context.wrap_socket(sock, do_handshake_on_connect=False)
        self.close = self._sock.close
        self.fileno = self._sock.fileno

    async def shake_hands(self, reactor: Any) -> None:
        """Agree on keys."""
        while True:
            try:
                self._sock.do_handshake()
                return
            except ssl.SSLWantReadError:
                await deferLater(reactor, 0.001, lambda: None)

    def recv(self, size: int) -> bytes:
        """What has come; raises BlockingIOError if that is nothing. The end is answered."""
        try:
            data = self._sock.recv(size)
        except ssl.SSLWantReadError:
            raise BlockingIOError from None
        if not data:
            self._sock.close()
        return data

    def sendall(self, data: bytes) -> None:
        """Send."""
        self._sock.sendall(data)


@cache
def server_keys() -> Any:
    """A certificate for tests, made once."""
    from twisted.internet.ssl import DefaultOpenSSLContextFactory

    with tempfile.TemporaryDirectory() as folder:
        make_certificate(Path(folder), ["localhost"], datetime.now(UTC))
        return DefaultOpenSSLContextFactory(f"{folder}/key.pem", f"{folder}/cert.pem")


async def connect(
    test: Any, reactor: Any, kind: str = "tcp", receive_buffer: int | None = None
) -> tuple[Near, socket.socket]:
    """Both ends of a new connection; they are closed after the test."""
    made: Deferred[Near] = Deferred()

    class Factory(ServerFactory):
        noisy = False

        def buildProtocol(self, addr: Any) -> Near:
            near = Near()
            reactor.callLater(0, made.callback, near)
            return near

    if kind == "unix":
        folder = tempfile.mkdtemp()
        test.addCleanup(os.rmdir, folder)
        path = os.path.join(folder, "socket")
        port = reactor.listenUNIX(path, Factory())
        far = socket.socket(socket.AF_UNIX)
        far.connect(path)
    else:
        if kind == "tls":
            port = reactor.listenSSL(0, Factory(), server_keys(), interface="127.0.0.1")
        else:
            port = reactor.listenTCP(0, Factory(), interface="127.0.0.1")
        far = socket.socket()
        if receive_buffer is not None:
            far.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        far.connect(("127.0.0.1", port.getHost().port))
    far.setblocking(False)
    near = await made
    if kind == "tls":
        secure = SecureFar(far)
        await secure.shake_hands(reactor)
        far = secure  # type: ignore[assignment]

    async def end() -> None:
        far.close()
        if not near.gone.called:
            near.transport.abortConnection()
        await near.gone
        await port.stopListening()

    test.addCleanup(lambda: Deferred.fromCoroutine(end()))
    return near, far


async def read(reactor: Any, far: socket.socket, size: int) -> bytes:
    """The next bytes of a connection, exactly so many, or fewer at its end."""
    data = bytearray()
    while len(data) < size:
        try:
            more = far.recv(size - len(data))
        except BlockingIOError:
            await deferLater(reactor, 0.001, lambda: None)
            continue
        if not more:
            break
        data += more
    return bytes(data)


def read_at_once(far: socket.socket, size: int) -> bytes:
    """The next bytes that come while the reactor does nothing; up to so many, in one piece."""
    while True:
        ready, _, _ = select.select([far], [], [], PATIENCE)
        assert ready, "nothing has come without a turn of the reactor"
        with contextlib.suppress(BlockingIOError):  # a part of a record
            return far.recv(size)


async def turn(reactor: Any) -> None:
    """Let the reactor run once."""
    await deferLater(reactor, 0, lambda: None)


async def until(reactor: Any, condition: Callable[[], object]) -> None:
    """Wait until something is so; the test's own time-out ends it otherwise."""
    while not condition():
        await deferLater(reactor, 0.001, lambda: None)


def frame(seq: int, size: int) -> Frame:
    """A frame whose bytes all say its number."""
    return Frame(seq, seq * 33_333, 640, 480, bytes([seq % 256]) * size)


def serialize(frame: Frame) -> bytes:
    """A form for the wire: number, length, bytes."""
    return frame.seq.to_bytes(4, "big") + len(frame.jpeg).to_bytes(4, "big") + frame.jpeg


def failing(code: int) -> Callable[..., Any]:
    """A system call that fails with that error."""

    def call(*_: Any, **__: Any) -> Any:
        raise OSError(code, os.strerror(code))

    return call
