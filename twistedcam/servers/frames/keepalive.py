"""Closes the connections of clients that are silent for too long."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.interfaces import IReactorTime

from twistedcam.errors import Silence
from twistedcam.runtime.timer import Timer

#: Seconds in which a client has to send its JOIN.
JOIN_TIMEOUT = 10.0
#: Seconds of silence after which the server sends a PING, and after which it gives up.
PING_AFTER = 5.0
SILENCE_LIMIT = 15.0
#: Seconds from the first byte of a message to its last, and the same for a frame. This is checked
#: every 5 s, so a client may take up to 5 s longer.
MESSAGE_LIMIT = 10.0
FRAME_LIMIT = 60.0


def _ignore(*_: object) -> None:
    """Do nothing: the client is disconnected."""


class KeepAlive:
    """Waits for a client's JOIN, then checks at intervals that the client still sends.

    Arguments:
        clock: measures time.
        on_ping_due: called when the client was silent for ``PING_AFTER``.
        on_timeout: called with the reason when it was silent for too long.
        current_message: returns the number of the message that was received in part, or None.
    """

    def __init__(
        self,
        clock: IReactorTime,
        on_ping_due: Callable[[], None],
        on_timeout: Callable[[Silence], None],
        current_message: Callable[[], int | None],
    ) -> None:
        self._clock = clock
        self._on_ping_due = on_ping_due
        self._on_timeout = on_timeout
        self._current_message = current_message
        self._message_limit = MESSAGE_LIMIT
        #: The current message at the last check, and the time when it began.
        self._message: int | None = None
        self._since = 0.0
        self._timer = Timer(clock)
        #: The time of the client's last data. Only set for each message: no timer is reset for it.
        self.received_at = 0.0

    def await_join(self) -> None:
        """Wait for the JOIN."""
        self._timer.start(JOIN_TIMEOUT, self._no_join)

    def watch(self, message_limit: float = MESSAGE_LIMIT) -> None:
        """Watch a client that has joined.

        Arguments:
            message_limit: seconds from a message's first byte to its last.
        """
        self._message_limit = message_limit
        self._timer.start(PING_AFTER, self._check)

    def watch_half(self) -> None:
        """Ping a client that has closed its half, and wait for no answer: if the client is
        gone, its system answers with a reset."""
        self.end()
        self._on_ping_due()
        self._timer.start(PING_AFTER, self.watch_half)

    def close(self) -> None:
        """Stop, and hold no reference to the client."""
        self.end()
        self._on_ping_due = self._on_timeout = self._current_message = _ignore

    def end(self) -> None:
        """Stop the timer."""
        self._timer.cancel()

    def _no_join(self) -> None:
        self._on_timeout(Silence(f"no JOIN was received within {JOIN_TIMEOUT:g} s"))

    def _check(self) -> None:
        now = self._clock.seconds()
        message = self._current_message()
        if message is None or message != self._message:
            self._message, self._since = message, now
        elif now - self._since >= self._message_limit:
            self._on_timeout(Silence(f"a message took longer than {self._message_limit:g} s"))
            return
        silence = now - self.received_at
        if silence >= SILENCE_LIMIT:
            self._on_timeout(Silence(f"nothing was received for {SILENCE_LIMIT:g} s"))
            return
        wait = PING_AFTER - silence
        if wait <= 0:
            self._on_ping_due()
            wait = PING_AFTER
        self._timer.start(wait, self._check)
