"""Whether a client still says anything."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from twistedcam.errors import Silence

#: Seconds in which a client has to send its JOIN.
JOIN_TIMEOUT = 10.0
#: Seconds of silence after which the server asks, and after which it gives up.
PING_AFTER = 5.0
SILENCE_LIMIT = 15.0


class Vigil:
    """Waits for a client's JOIN, and then looks now and then whether it was heard of late.

    Arguments:
        clock: what time is measured by.
        ask: called when the client was silent for ``PING_AFTER``.
        give_up: called with the reason when it was silent for too long.
    """

    def __init__(
        self, clock: IReactorTime, ask: Callable[[], None], give_up: Callable[[Silence], None]
    ) -> None:
        self._clock = clock
        self._ask = ask
        self._give_up = give_up
        self._call: IDelayedCall | None = None
        #: When the client was last heard. Set for each message, so no call is moved for it.
        self.heard_at = 0.0

    def await_join(self) -> None:
        """The client has connected."""
        self._call = self._clock.callLater(JOIN_TIMEOUT, self._no_join)

    def watch(self) -> None:
        """The client has joined."""
        self._call = self._clock.callLater(PING_AFTER, self._look)

    def end(self) -> None:
        """Wait no more."""
        if self._call is not None and self._call.active():
            self._call.cancel()
        self._call = None

    def _no_join(self) -> None:
        self._give_up(Silence(f"no JOIN came within {JOIN_TIMEOUT:g} s"))

    def _look(self) -> None:
        silence = self._clock.seconds() - self.heard_at
        if silence >= SILENCE_LIMIT:
            self._give_up(Silence(f"nothing was heard for {SILENCE_LIMIT:g} s"))
            return
        wait = PING_AFTER - silence
        if wait <= 0:
            self._ask()
            wait = PING_AFTER
        self._call = self._clock.callLater(wait, self._look)
