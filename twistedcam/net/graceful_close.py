"""Closing of connections without losing the last bytes that were sent."""

from __future__ import annotations

from typing import Any

from twisted.internet.interfaces import IDelayedCall, IReactorTime, ISSLTransport

from twistedcam.runtime.file_limits import file_limit

#: Seconds after which a connection is aborted that the other side does not close.
LINGER = 2.0
#: The most half-closed connections of a port.
MAX_HALF_CLOSED = 64
#: The reciprocal of the share of the process's files that they may use.
SHARE = 16


class GracefulCloser:
    """Closes the connections of a port, the writing half first unless there are too many.

    If a connection is closed while received bytes are unread, the kernel sends a reset, and the
    other side may lose bytes that it has not read yet, such as an error message. So the writing
    half is closed, and the protocol discards what it receives until the other side closes, too,
    for at most LINGER seconds. TLS does this itself.

    Arguments:
        clock: the reactor.
    """

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._half_closed: set[Any] = set()
        self._timers: dict[Any, IDelayedCall] = {}

    def reserve(self, transport: Any) -> bool:
        """Reserve a place for a connection that is closed later; False if there is none."""
        if len(self._half_closed) >= _most():
            return False
        self._half_closed.add(transport)
        return True

    def close(self, transport: Any, linger: bool = True) -> None:
        """Close a connection after the written bytes are sent; abort it after LINGER.

        Arguments:
            linger: True to close the writing half first and wait for the other side.
        """
        self.abort_later(transport)
        can_half = hasattr(transport, "loseWriteConnection")
        crowded = transport not in self._half_closed and len(self._half_closed) >= _most()
        if not linger or crowded or not can_half or ISSLTransport.providedBy(transport):
            transport.loseConnection()
            return
        self._half_closed.add(transport)
        transport.resumeProducing()  # reading may be paused
        transport.loseWriteConnection()

    def forget(self, transport: Any) -> None:
        """Forget a connection, which is closed."""
        self._half_closed.discard(transport)
        if transport in self._timers:
            self._timers.pop(transport).cancel()

    def abort_later(self, transport: Any) -> None:
        """Abort a connection after LINGER, unless it is closed by then."""
        if transport not in self._timers:
            self._timers[transport] = self._clock.callLater(LINGER, self._abort, transport)

    def _abort(self, transport: Any) -> None:
        del self._timers[transport]
        transport.abortConnection()


def _most() -> int:
    files = file_limit()
    return MAX_HALF_CLOSED if files is None else min(MAX_HALF_CLOSED, files // SHARE)
