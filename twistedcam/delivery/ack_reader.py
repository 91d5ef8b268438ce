"""InputHandle what hundreds of viewers say, with little work for each word."""

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

#: So many viewers are heard before the reactor has a turn.
ROUND = 64
#: Bytes read at once: a viewer says little, sixteen bytes a frame.
READ_SIZE = 256


@implementer(IReadDescriptor)
class AckReader:
    """Reads from the sockets of viewers, in place of their transports.

    Each viewer acknowledges each frame: thousands of messages of sixteen bytes a second. For each
    of them a reactor looks up a transport, sets a logging context and reads into a large buffer,
    which costs as much as half of sending a frame. Here the sockets are in an epoll set of their
    own, and the reactor waits for that set as for one more socket.

    A transport whose socket is here is paused. It still writes, and it is what ends: at the end of
    what the viewer sends, or at an error, it gets its socket back and finds out for itself.

    Arguments:
        reactor: what waits for the set.
    """

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self._poll: Any = None
        #: What takes the bytes, and the transport, by the socket's number.
        self._listeners: dict[int, tuple[Callable[[bytes], object], Any]] = {}
        self._numbers: dict[Any, int] = {}

    def attach(self, transport: Any, received: Callable[[bytes], object]) -> bool:
        """Give all that comes to ``received``, from now on; False where that cannot be done.

        Arguments:
            transport: the connection; who attaches it detaches it when it is lost.
            received: takes bytes.
        """
        sock = stream_socket(transport) if HAS_SENDFILE else None
        if sock is None or not IReactorFDSet.providedBy(self._reactor):
            return False
        try:
            if self._poll is None:
                self._poll = select.epoll()
                self._reactor.addReader(self)
            self._poll.register(sock.fileno(), select.EPOLLIN)
        except OSError:  # no file to be had: the transport can do it too
            return False
        self._listeners[sock.fileno()] = received, transport
        self._numbers[transport] = sock.fileno()
        transport.pauseProducing()
        return True

    def detach(self, transport: Any) -> None:
        """Give the connection its socket back; nothing happens if it has it anyway."""
        if transport in self._numbers:
            self._give_back(transport)

    def hold(self, transport: Any, is_held: bool) -> None:
        """Whether what comes stays in the kernel for now.

        A connection whose both directions have ended is ended then, too.
        """
        if transport in self._numbers:
            self._poll.modify(self._numbers[transport], 0 if is_held else select.EPOLLIN)
        elif is_held:
            transport.pauseProducing()
        else:
            transport.resumeProducing()

    def watch_end(self, transport: Any) -> bool:
        """Say nothing of what comes, and end the connection as soon as the peer has closed it.

        For a transport at the end of what it reads, which would notice nothing before it writes.
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
        """The set."""
        return self._poll.fileno()  # type: ignore[no-any-return]

    def logPrefix(self) -> str:
        """What the reactor calls it in a log."""
        return "hearing viewers"

    def doRead(self) -> None:
        """Somebody has said something."""
        listeners, read = self._listeners, os.read
        for fd, event in self._poll.poll(0, ROUND):
            if fd not in listeners:  # the one before it has ended it
                continue
            received, transport = listeners[fd]
            if not event & select.EPOLLIN:  # it is held, and closed in both directions
                self.detach(transport)
                transport.abortConnection()
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
                received(data)
            except Exception:  # as a reactor does; it would close the whole set's ack_reader
                log.failure("hearing a viewer failed: its connection is ended")
                self.detach(transport)
                transport.abortConnection()

    def connectionLost(self, reason: Failure) -> None:
        """The reactor ends."""
