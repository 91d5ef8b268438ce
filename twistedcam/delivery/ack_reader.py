"""Reads the messages of hundreds of viewers, most of them acknowledgements, from one epoll set."""

from __future__ import annotations

import contextlib
import os
import select
from collections.abc import Callable
from typing import Any

from twisted.internet.interfaces import IReactorFDSet, IReadDescriptor
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from twistedcam.delivery.socket_state import HAS_SENDFILE, stream_socket

log = Logger()

#: Viewers that are read before the reactor runs other calls.
ROUND = 64
#: Bytes that are read at once. An acknowledgement has 16.
READ_SIZE = 256


@implementer(IReadDescriptor)
class AckReader:
    """Reads from the sockets of viewers, in place of their transports.

    Each viewer acknowledges each frame: thousands of messages of 16 bytes a second. For each of
    them a reactor looks up a transport, sets a logging context and reads into a large buffer, which
    costs as much as half of sending a frame. Here the sockets are in an epoll set of their own, and
    the reactor waits for that set as for one more socket.

    A transport whose socket is here is paused, and still writes. At the end of the stream or at an
    error it gets its socket back, and handles that by itself.

    Arguments:
        reactor: waits for the set.
    """

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self._poll: Any = None
        #: The receiver of the bytes, and the transport, by descriptor.
        self._listeners: dict[int, tuple[Callable[[bytes], object], Any]] = {}
        self._numbers: dict[Any, int] = {}

    def attach(self, transport: Any, on_data: Callable[[bytes], object]) -> bool:
        """Pass all bytes that arrive to ``on_data`` from now on. Return False if that is not
        possible; the transport then reads as before.

        Arguments:
            transport: the connection; ``detach`` it when it is lost.
        """
        sock = stream_socket(transport) if HAS_SENDFILE else None
        if sock is None or not IReactorFDSet.providedBy(self._reactor):
            return False
        try:
            if self._poll is None:
                self._poll = select.epoll()
                self._reactor.addReader(self)
            self._poll.register(sock.fileno(), select.EPOLLIN)
        except OSError:  # no file descriptor is available
            return False
        self._listeners[sock.fileno()] = on_data, transport
        self._numbers[transport] = sock.fileno()
        transport.pauseProducing()
        return True

    def detach(self, transport: Any) -> None:
        """Let the transport read again. Does nothing if it is not attached."""
        if transport in self._numbers:
            self._give_back(transport)

    def hold(self, transport: Any, is_held: bool) -> None:
        """Leave what arrives in the kernel, or read it again.

        A held connection that is closed in both directions is closed here, too.
        """
        if transport in self._numbers:
            self._poll.modify(self._numbers[transport], 0 if is_held else select.EPOLLIN)
        elif is_held:
            transport.pauseProducing()
        else:
            transport.resumeProducing()

    def watch_end(self, transport: Any) -> bool:
        """Read nothing, and close the connection as soon as the peer has closed it.

        For a transport at the end of its input, which would notice nothing until it writes.
        """
        if not self.attach(transport, lambda _: None):
            return False
        self.hold(transport, True)
        return True

    def _give_back(self, transport: Any) -> None:
        fd = self._numbers.pop(transport)
        del self._listeners[fd]
        with contextlib.suppress(OSError):  # it is closed already
            self._poll.unregister(fd)
        if not self._listeners:
            self._reactor.removeReader(self)
            self._poll.close()
            self._poll = None
        transport.resumeProducing()

    def fileno(self) -> int:
        return self._poll.fileno()  # type: ignore[no-any-return]

    def logPrefix(self) -> str:
        return "reading from viewers"

    def doRead(self) -> None:
        """Read from the viewers that have sent something."""
        listeners, read = self._listeners, os.read
        for fd, event in self._poll.poll(0, ROUND):
            if fd not in listeners:  # a viewer before it in this round has detached it
                continue
            on_data, transport = listeners[fd]
            if not event & select.EPOLLIN:  # it is held, and closed in both directions
                self._abort(transport)
                continue
            try:
                data = read(fd, READ_SIZE)
            except BlockingIOError:
                continue
            except OSError:
                data = b""
            if not data:
                self._give_back(transport)
                continue
            try:
                on_data(data)
            except Exception:  # as a reactor does; it would remove this whole set otherwise
                log.failure("reading from a viewer failed; its connection is closed")
                self._abort(transport)

    def _abort(self, transport: Any) -> None:
        self.detach(transport)
        transport.abortConnection()

    def connectionLost(self, reason: Failure) -> None:
        """Do nothing: the reactor ends."""
