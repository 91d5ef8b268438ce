"""Answers that nobody takes: the connection of a client that has stopped reading is ended."""

from __future__ import annotations

from typing import Any

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from twistedcam.delivery.socket_state import stream_socket, unacknowledged
from twistedcam.delivery.transport_sender import bottom_of
from twistedcam.net.addresses import show_address
from twistedcam.runtime.timer import Timer

log = Logger()

#: Seconds in which a client takes not one byte. More than a viewer has: a player that is paused
#: reads nothing, and one with a large buffer tells the kernel of it seldom.
STALL_LIMIT = 60.0
#: Seconds between two looks at what a client has taken.
PERIOD = 5.0


class StallWatch:
    """Looks whether a client takes what was written, until it has all of it; ends one who does not.

    A transport knows only what the kernel took, which is megabytes more than a client that reads
    nothing has. So the kernel is asked; where it does not say, a transport that stays full does.

    Arguments:
        transport: the connection.
        clock: what waits.
    """

    __slots__ = (
        "_clock",
        "_emptied",
        "_is_full",
        "_seen",
        "_since",
        "_socket",
        "_timer",
        "_transport",
    )

    def __init__(self, transport: Any, clock: IReactorTime) -> None:
        self._transport = transport
        self._socket = stream_socket(bottom_of(transport))
        self._clock = clock
        self._is_full = False
        #: How often the transport has become empty, what the kernel held, and when that was new.
        self._emptied = 0
        self._seen = (0, 0)
        self._since = 0.0
        self._timer = Timer(clock)

    def wrote(self) -> None:
        """An answer, or a part of it, is on its way."""
        if not self._timer.is_pending:
            self._seen, self._since = self._state(), self._clock.seconds()
            self._timer.start(PERIOD, self._look)

    def filled(self) -> None:
        """The transport has more than it likes to hold."""
        self._is_full = True
        self.wrote()

    def emptied(self) -> None:
        """The transport holds nothing."""
        self._is_full = False
        self._emptied += 1

    def unread(self) -> int:
        """Bytes that the client's kernel has not taken; 0 where ours does not say."""
        number = -1 if self._socket is None else self._socket.fileno()
        return unacknowledged(number) if number >= 0 else 0

    def end(self) -> None:
        """Look no more."""
        self._timer.cancel()

    def _state(self) -> tuple[int, int]:
        return self._emptied, self.unread()

    def _look(self) -> None:
        state, now = self._state(), self._clock.seconds()
        if not self._is_full and not state[1]:
            return
        if state != self._seen:
            self._seen, self._since = state, now
        elif now - self._since >= STALL_LIMIT:
            log.info(
                "{peer} has not read for {limit:g} s: its connection is ended",
                peer=show_address(self._transport.getPeer()),
                limit=STALL_LIMIT,
            )
            self._transport.abortConnection()
            return
        self._timer.start(PERIOD, self._look)
