"""TLS connections of the server, with scheduled work and half-closed connections."""

from __future__ import annotations

from typing import Any

from OpenSSL import SSL
from twisted.internet.endpoints import TCP4ServerEndpoint
from twisted.internet.interfaces import IProtocol, IProtocolFactory, IStreamServerEndpoint
from twisted.internet.protocol import connectionDone
from twisted.protocols.tls import BufferingTLSTransport, TLSMemoryBIOFactory
from twisted.python.failure import Failure
from zope.interface import implementer

from twistedcam.runtime.scheduler import Job, Scheduler, StepResult

#: The most bytes that are always decrypted immediately: they contain few records.
MAX_SMALL = 128
#: Bytes that are decrypted in one step: a handshake, or up to forty records.
STEP_SIZE = 1024
#: More bytes than this are read at once only from a client with a right.
MAX_AT_ONCE = 4096


class TLSTransport(BufferingTLSTransport):
    """A connection with TLS.

    A handshake takes milliseconds, and so do many short records. With hundreds of clients that
    would block the reactor. So the scheduler runs them, and nothing more is read meanwhile.

    After a client has closed its side (close_notify, RFC 8446, 6.1) it still gets its answers, if
    the wrapped protocol has a true ``answers_after_end``; otherwise the connection is closed.
    """

    factory: TLSFactory

    def __init__(
        self, factory: TLSFactory, wrappedProtocol: IProtocol, _connectWrapped: bool = True
    ) -> None:
        super().__init__(factory, wrappedProtocol, _connectWrapped)
        self._pending = bytearray()
        self._job = Job(factory.scheduler, self._step, self._update_reading)
        #: True while the wrapped protocol has paused reading.
        self._is_paused = False
        #: True after the client has closed its side, until the wrapped protocol closes its own.
        self._is_half = False

    def makeConnection(self, transport: Any) -> None:
        self._job.source = str(getattr(transport.getPeer(), "host", ""))
        super().makeConnection(transport)

    def dataReceived(self, data: bytes) -> None:
        """Decrypt received bytes, immediately or in steps."""
        if not self._pending and self._has_begun and not MAX_SMALL < len(data) <= MAX_AT_ONCE:
            self._decrypt(data)
            return
        self._pending += data
        self._job.add()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._job.stop()
        self._pending.clear()
        super().connectionLost(reason)

    def pauseProducing(self) -> None:
        self._is_paused = True
        self._update_reading()

    def resumeProducing(self) -> None:
        self._is_paused = False
        self._update_reading()

    def _update_reading(self, _: object = None) -> None:
        transport: Any = self.transport
        if transport is None:
            return
        if self._is_paused or self._job.is_held:
            transport.pauseProducing()
        else:
            transport.resumeProducing()

    @property
    def _has_begun(self) -> bool:
        """True after the handshake."""
        return bool(self._handshakeDone)

    def _step(self) -> StepResult:
        if not self._pending:
            return StepResult.DONE
        piece = bytes(self._pending[:STEP_SIZE])
        del self._pending[:STEP_SIZE]
        self._decrypt(piece)
        return StepResult.MORE if self._pending else StepResult.DONE

    def _decrypt(self, data: bytes) -> None:
        if self._tlsConnection is None:
            return
        super().dataReceived(data)
        if self._is_half and self._tlsConnection is not None:
            self._lostTLSConnection = False  # it was set to leave Twisted's loop

    # Twisted closes the connection as soon as the client closes its side, and drops unsent answers.
    # It has no public hook for that or for the end of the handshake. The tests of this module
    # notice changes in these private attributes.

    def _shutdownTLS(self) -> None:
        connection = self._tlsConnection
        is_theirs = connection is not None and (
            connection.get_shutdown() == SSL.RECEIVED_SHUTDOWN and not self.disconnecting
        )
        above: Any = self.wrappedProtocol
        if is_theirs and getattr(above, "answers_after_end", False):
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
    """Wraps the connections of a factory in TLS.

    Arguments:
        contexts: creates the context of each connection.
        factory: the wrapped factory.
        reactor: the clock.
        scheduler: runs the work of all connections; by default the factory has its own.
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
        port, interface, backlog: those of the TCP port.
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
        """Listen (IStreamServerEndpoint)."""
        return self._tcp.listen(TLSFactory(self._contexts, factory, self._reactor, self._scheduler))
