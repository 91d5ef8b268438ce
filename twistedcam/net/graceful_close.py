"""Ending a connection in such a way that its last words are read."""

from __future__ import annotations

from typing import Any

from twisted.internet.interfaces import IDelayedCall, IReactorTime, ISSLTransport

from twistedcam.runtime.file_limits import file_limit

#: Seconds for which the other side may keep a connection open that this one has ended.
LINGER = 2.0
#: Connections of a port that may be about to end at a time: a crowd that is refused takes no more.
MOST = 64
#: One in so many of the files that the process may have, at most, is such a connection.
SHARE = 16


class GracefulCloser:
    """Ends a port's connections, each half first, as long as they are few.

    Where a connection is closed on which something has come that was not read, the other side is
    told by a reset, which may take back what it has not read yet: the reason, to one who sends
    before it reads. So the writing half is ended, and the protocol throws away what still comes
    until the other side closes too, for no longer than LINGER. TLS does this by itself.

    Arguments:
        clock: the reactor.
    """

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._under_way: set[Any] = set()
        self._timers: dict[Any, IDelayedCall] = {}

    def reserve(self, transport: Any) -> bool:
        """Keep a place for a connection that is ended a little later; False if there is none."""
        if len(self._under_way) >= _most():
            return False
        self._under_way.add(transport)
        return True

    def close(self, transport: Any, linger: bool = True) -> None:
        """Send no more than what was written, and close; abort the connection after LINGER.

        Arguments:
            linger: end the writing half first, and wait for the other side to close.
        """
        self.abort_later(transport)
        can_half = hasattr(transport, "loseWriteConnection")
        crowded = transport not in self._under_way and len(self._under_way) >= _most()
        if not linger or crowded or not can_half or ISSLTransport.providedBy(transport):
            transport.loseConnection()
            return
        self._under_way.add(transport)
        transport.resumeProducing()  # one whose words wait is not read
        transport.loseWriteConnection()

    def forget(self, transport: Any) -> None:
        """A connection is closed, whoever did it."""
        self._under_way.discard(transport)
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
