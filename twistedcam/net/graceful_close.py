"""Closes connections so that the last bytes sent are read."""

from __future__ import annotations

from typing import Any

from twisted.internet.interfaces import IDelayedCall, IReactorTime, ISSLTransport

from twistedcam.runtime.file_limits import file_limit

#: Seconds for which the other side may keep a connection open that this one has closed.
LINGER = 2.0
#: Connections of a port that may be half closed at a time: a crowd that is refused takes no more.
MOST = 64
#: One in so many of the files that the process may have, at most, is such a connection.
SHARE = 16


class GracefulCloser:
    """Closes a port's connections, the writing half first, as long as they are few.

    If a connection is closed while received bytes are unread, the kernel sends a reset, and the
    other side may lose what it has not read yet, such as the reason for the end. So the writing
    half is closed, and the protocol throws away what is still received until the other side closes
    too, for no longer than LINGER. TLS does this by itself.

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
        """Send no more than what was written, and close; abort the connection after LINGER.

        Arguments:
            linger: end the writing half first, and wait for the other side to close.
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
        """Release a connection: it is closed."""
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
    return MOST if files is None else min(MOST, files // SHARE)
