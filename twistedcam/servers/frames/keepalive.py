"""Ends connections of clients that are silent for too long."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.interfaces import IReactorTime

from twistedcam.errors import Silence
from twistedcam.runtime.timer import Timer

#: Seconds in which a client has to send its JOIN.
JOIN_TIMEOUT = 10.0
#: Seconds of silence after which the server asks, and after which it gives up.
PING_AFTER = 5.0
SILENCE_LIMIT = 15.0
#: Seconds from a message's first byte to its last; and the same for a frame, which is large. It is
#: looked at every 5 s, so that it may be that much more.
MESSAGE_LIMIT = 10.0
FRAME_LIMIT = 60.0


def _ignore(*_: object) -> None:
    """Do nothing: the client is disconnected."""


class KeepAlive:
    """Waits for a client's JOIN, then checks at intervals that the client still sends.

    Arguments:
        clock: what time is measured by.
        ask: called to send a PING when the client was silent for ``PING_AFTER``.
        give_up: called with the reason when it was silent for too long.
        under_way: returns the number of the message that has been received in part, or None.
    """

    def __init__(
        self,
        clock: IReactorTime,
        ask: Callable[[], None],
        give_up: Callable[[Silence], None],
        under_way: Callable[[], int | None],
    ) -> None:
        self._clock = clock
        self._ask = ask
        self._give_up = give_up
        self._under_way = under_way
        self._message_limit = MESSAGE_LIMIT
        #: The message that was under way at the last look, and since when.
        self._message: int | None = None
        self._since = 0.0
        self._timer = Timer(clock)
        #: When the client was last heard. Set for each message, so no call is moved for it.
        self.heard_at = 0.0

    def await_join(self) -> None:
        """Wait for the JOIN."""
        self._timer.start(JOIN_TIMEOUT, self._no_join)

    def watch(self, message_limit: float = MESSAGE_LIMIT) -> None:
        """Watch a client that has joined.

        Arguments:
            message_limit: seconds from a message's first byte to its last.
        """
        self._message_limit = message_limit
        self._timer.start(PING_AFTER, self._look)

    def watch_half(self) -> None:
        """Ping a client that has closed its half, and wait for no answer: if the client is
        gone, its system answers with a reset."""
        self.end()
        self._ask()
        self._timer.start(PING_AFTER, self.watch_half)

    def close(self) -> None:
        """Wait no more, and hold no reference to the client."""
        self.end()
        self._ask = self._give_up = self._under_way = _ignore

    def end(self) -> None:
        """Wait no more."""
        self._timer.cancel()

    def _no_join(self) -> None:
        self._give_up(Silence(f"no JOIN came within {JOIN_TIMEOUT:g} s"))

    def _look(self) -> None:
        now = self._clock.seconds()
        message = self._under_way()
        if message is None or message != self._message:
            self._message, self._since = message, now
        elif now - self._since >= self._message_limit:
            self._give_up(Silence(f"a message took longer than {self._message_limit:g} s"))
            return
        silence = now - self.heard_at
        if silence >= SILENCE_LIMIT:
            self._give_up(Silence(f"nothing was heard for {SILENCE_LIMIT:g} s"))
            return
        wait = PING_AFTER - silence
        if wait <= 0:
            self._ask()
            wait = PING_AFTER
        self._timer.start(wait, self._look)
