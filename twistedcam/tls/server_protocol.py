"""The server's side of TLS: scheduled handshakes and records, and answers after a client's end."""

from __future__ import annotations

from typing import Any

from OpenSSL import SSL
from twisted.internet.endpoints import TCP4ServerEndpoint
from twisted.internet.interfaces import IProtocol, IProtocolFactory, IStreamServerEndpoint
from twisted.internet.protocol import connectionDone
from twisted.protocols.tls import BufferingTLSTransport, TLSMemoryBIOFactory
from twisted.python.failure import Failure
from zope.interface import implementer

from twistedcam.runtime.scheduler import Job, Progress, Scheduler

#: Bytes that hold few records, however short these are: they are dealt with at once.
FEW = 128
#: Bytes that are dealt with in one step: a handshake's, or up to forty records.
PIECE = 1024
#: More than this is read at once from a client alone that has shown a right.
MOST = 4096


class TLSTransport(BufferingTLSTransport):
    """One connection with TLS.

    A handshake takes milliseconds, and many short records take as much: hundreds of clients that
    send at the same time would keep everything else waiting. So the scheduler runs them, and
    nothing more is read meanwhile.

    A client that ends its side (close_notify, RFC 8446, 6.1) gets the answers that are under way,
    if the protocol above says so by ``is_answered_behind_end``; else the connection ends.
    """

    factory: TLSFactory

    def __init__(
        self, factory: TLSFactory, wrappedProtocol: IProtocol, _connectWrapped: bool = True
    ) -> None:
        super().__init__(factory, wrappedProtocol, _connectWrapped)
        self._pending = bytearray()
        self._job = Job(factory.scheduler, self._step, self._mind_reading)
        #: Whether the protocol above wants nothing now.
        self._is_paused = False
        #: Whether the client has ended its side, and the protocol above has yet to end its own.
        self._is_half = False

    def makeConnection(self, transport: Any) -> None:
        """Begin with a handshake."""
        self._job.source = str(getattr(transport.getPeer(), "host", ""))
        super().makeConnection(transport)

    def dataReceived(self, data: bytes) -> None:
        """Decrypt what has come, at once or step by step."""
        if not self._pending and self._begun and not FEW < len(data) <= MOST:
            self._decrypt(data)
            return
        self._pending += data
        self._job.add()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The connection is gone."""
        self._job.stop()
        self._pending.clear()
        super().connectionLost(reason)

    def pauseProducing(self) -> None:
        """The protocol above wants nothing now."""
        self._is_paused = True
        self._mind_reading()

    def resumeProducing(self) -> None:
        """The protocol above wants more."""
        self._is_paused = False
        self._mind_reading()

    def _mind_reading(self, _: object = None) -> None:
        transport: Any = self.transport
        if transport is None:
            return
        if self._is_paused or self._job.is_held:
            transport.pauseProducing()
        else:
            transport.resumeProducing()

    @property
    def _begun(self) -> bool:
        """True after the handshake."""
        return bool(self._handshakeDone)

    def _step(self) -> Progress:
        if not self._pending:
            return Progress.DONE
        piece = bytes(self._pending[:PIECE])
        del self._pending[:PIECE]
        self._decrypt(piece)
        return Progress.MORE if self._pending else Progress.DONE

    def _decrypt(self, data: bytes) -> None:
        if self._tlsConnection is None:
            return
        super().dataReceived(data)
        if self._is_half and self._tlsConnection is not None:
            self._lostTLSConnection = False  # it was set to end Twisted's loop

    # Twisted answers the client's end with its own at once, and drops what is under way. It has no
    # public hook for that, nor does it tell a wrapper of a handshake's end: the tests of this
    # module would notice if these private parts changed.

    def _shutdownTLS(self) -> None:
        connection = self._tlsConnection
        is_theirs = connection is not None and (
            connection.get_shutdown() == SSL.RECEIVED_SHUTDOWN and not self.disconnecting
        )
        above: Any = self.wrappedProtocol
        if is_theirs and getattr(above, "is_answered_behind_end", False):
            if not self._is_half:
                self._is_half = True
                above.readConnectionLost()
            return
        super()._shutdownTLS()

    def _tlsShutdownFinished(self, reason: Failure | None) -> None:
        if reason is None and self._is_half and not self.disconnecting:
            self._lostTLSConnection = True
            return
        super()._tlsShutdownFinished(reason)


class TLSFactory(TLSMemoryBIOFactory):
    """Makes TLS connections around those of a factory.

    Arguments:
        contexts: gives each connection its context.
        factory: what is wrapped.
        reactor: its clock.
        scheduler: shares the time that all connections take; by default these have their own.
    """

    protocol = TLSTransport

    def __init__(
        self, contexts: Any, factory: IProtocolFactory, reactor: Any, scheduler: Scheduler | None
    ) -> None:
        super().__init__(contexts, False, factory, reactor)
        self.scheduler = scheduler or Scheduler(reactor)


@implementer(IStreamServerEndpoint)
class TLSServerEndpoint:
    """A TCP port with TLS.

    Arguments:
        reactor: where to listen.
        port, interface, backlog: of the TCP port.
        contexts, scheduler: see TLSFactory.
    """

    def __init__(
        self,
        reactor: Any,
        port: int,
        contexts: Any,
        backlog: int,
        interface: str,
        scheduler: Scheduler | None,
    ) -> None:
        self._reactor = reactor
        self._contexts = contexts
        self._scheduler = scheduler
        self._tcp = TCP4ServerEndpoint(reactor, port, backlog, interface)

    def listen(self, factory: IProtocolFactory) -> Any:
        """Listen; what Twisted's own endpoints give."""
        return self._tcp.listen(TLSFactory(self._contexts, factory, self._reactor, self._scheduler))
