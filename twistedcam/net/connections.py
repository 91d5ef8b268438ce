"""The connections of a port, and the parts that their protocols share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Generic, TypeVar

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IReactorTime

from twistedcam.net.addresses import source_of
from twistedcam.net.connection_limits import Admission, ConnectionLimiter
from twistedcam.net.graceful_close import GracefulCloser
from twistedcam.net.refusal_log import RefusalLog
from twistedcam.runtime.scheduler import Job
from twistedcam.runtime.timer import Timer

T = TypeVar("T")


def send_without_delay(transport: Any) -> None:
    """Send small messages at once (TCP_NODELAY); a connection without that option is left alone."""
    set_no_delay = getattr(transport, "setTcpNoDelay", None)
    if set_no_delay is not None:
        set_no_delay(True)


class Connections(Generic[T]):
    """The open connections of a port.

    Arguments:
        clock: the reactor.
        limiter: counts the connections of all ports.
        refusals: limits the log of refusals.
    """

    def __init__(
        self, clock: IReactorTime, limiter: ConnectionLimiter, refusals: RefusalLog
    ) -> None:
        self.clock = clock
        self.limiter = limiter
        self.refusals = refusals
        self.closer = GracefulCloser(clock)
        self._open: set[T] = set()
        self._waiting: list[Deferred[None]] = []

    def __iter__(self) -> Iterator[T]:
        return iter(tuple(self._open))

    def __len__(self) -> int:
        return len(self._open)

    def __contains__(self, connection: object) -> bool:
        return connection in self._open

    def add(self, connection: T) -> None:
        """Add a connection."""
        self._open.add(connection)

    def discard(self, connection: T) -> None:
        """Remove a connection, if it is there."""
        self._open.discard(connection)
        if not self._open:
            waiting, self._waiting = self._waiting, []
            for each in waiting:
                each.callback(None)

    def when_empty(self) -> Deferred[None]:
        """Return a Deferred that fires when no connection is open."""
        if not self._open:
            return succeed(None)
        waiting: Deferred[None] = Deferred(lambda each: self._waiting.remove(each))
        self._waiting.append(waiting)
        return waiting


class ManagedConnection:
    """A mixin for protocols whose connections are counted, have a deadline and end gracefully.

    The protocol's factory has ``connections``. The protocol calls ``_register`` when the connection
    is made, and ``_unregister`` when it is lost.
    """

    factory: Any
    transport: Any
    #: The client's work.
    _job: Job
    _admission: Admission | None = None
    _deadline: Timer

    def _register(self, **conditions: Any) -> None:
        """Register and count the connection.

        Arguments:
            conditions: arguments of ConnectionLimiter.admit.

        Raises:
            TooMany: a limit is reached. The connection is registered, and has to be closed.
        """
        connections, peer = self.factory.connections, self.transport.getPeer()
        connections.add(self)
        self._job.source = source_of(peer)
        self._deadline = Timer(connections.clock)
        self._admission = connections.limiter.admit(peer, **conditions)

    def writeConnectionLost(self) -> None:
        """Do nothing: this side has closed its half (IHalfCloseableProtocol)."""

    def _joined(self) -> None:
        """Note that the client has joined."""
        if self._admission is not None:
            self._admission.joined()

    def _unregister(self) -> None:
        """Release everything that belongs to the connection, which is lost."""
        self.factory.connections.discard(self)
        self.factory.connections.closer.forget(self.transport)
        if self._admission is not None:
            self._admission.leave()
        self._job.stop()
        self._deadline.cancel()

    def _close_gracefully(self, linger: bool = True) -> None:
        """Close the connection after the written bytes are sent (GracefulCloser.close)."""
        self._deadline.cancel()
        self.factory.connections.closer.close(self.transport, linger)

    def _is_logged(self, kind: str) -> bool:
        """Return True if a refusal of this kind is to be logged (RefusalLog.should_log)."""
        return bool(self.factory.connections.refusals.should_log(self._job.source, kind))
