"""Lets the bytes of a connection gather before they are read: fewer reads cost less."""

from __future__ import annotations

import socket
from contextlib import suppress
from typing import Any

from twisted.internet.interfaces import IReactorTime

from twistedcam.runtime.timer import Timer

#: Seconds by which bytes are read late at most.
MOST_SECONDS = 0.2
#: Seconds between two rounds of reads. They are never in step with pictures: else reads might never
#: come right after one, and the time when it has arrived would not be known.
_ROUND = 0.3 * 0.618034
#: Bytes that are read before the round, and bytes that one read takes.
_MANY_BYTES, _BUFFER = 192 << 10, 256 << 10


class ReadGathering:
    """Reads a TCP connection a few times a second, at the same moments as all others.

    The kernel wakes the process before only for many bytes, for a full buffer, and for the end of
    the connection (SO_RCVLOWAT).

    Arguments:
        transport: Twisted's TCP connection.
        clock: measures the time.
    """

    def __init__(self, transport: Any, clock: IReactorTime) -> None:
        self._transport = transport
        self._clock = clock
        self._next_round = Timer(clock)
        self._usual_buffer = transport.bufferSize
        transport.bufferSize = _BUFFER
        self._wait_for(_MANY_BYTES)
        self._wait()

    def end(self, is_lost: bool = False) -> None:
        """Read each byte as soon as it is there, from now on.

        Arguments:
            is_lost: True if the connection is lost, so that no byte comes.
        """
        self._next_round.cancel()
        if not is_lost:
            self._transport.bufferSize = self._usual_buffer
            self._wait_for(1)

    def read(self) -> None:
        """Read what has come so far."""
        # The reactor finds out by itself if the connection is lost.
        self._transport.doRead()

    def _wait(self) -> None:
        now = self._clock.seconds()
        self._next_round.start(_ROUND - now % _ROUND, self._read_round)

    def _read_round(self) -> None:
        self._wait()
        self.read()

    def _wait_for(self, size: int) -> None:
        with suppress(OSError):  # the connection has just ended
            self._transport.getHandle().setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, size)
