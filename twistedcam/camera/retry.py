"""When a camera that failed is tried again."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from twistedcam.runtime.backoff import Backoff
from twistedcam.sources import Source
from twistedcam.sources.base import Reappearing

#: Seconds before a camera that failed is tried again: at first, and at most.
RETRY_FIRST = 0.5
RETRY_MOST = 10.0
#: Seconds before a camera that has refused a log-in is tried again: some lock the account after a
#: few tries.
RETRY_LOGIN = 60.0
#: Seconds between two looks whether its device is back.
LOOK_EVERY = 0.25


class Retry:
    """Waits twice as long each time, and no longer than until the device has come back.

    Arguments:
        clock: what it waits by.
        again: called when it is time.
    """

    def __init__(self, clock: IReactorTime, again: Callable[[], None]) -> None:
        self._clock = clock
        self._again = again
        self._backoff = Backoff(RETRY_FIRST, RETRY_MOST)
        self._began = 0.0
        self._due: IDelayedCall | None = None
        self._look: IDelayedCall | None = None
        self._signature: object = None

    @property
    def pending(self) -> bool:
        """Whether it waits."""
        return self._due is not None

    def trying(self, source: Source) -> None:
        """The source is about to be opened."""
        self._began = self._clock.seconds()
        self._signature = source.device_signature() if isinstance(source, Reappearing) else None

    def wait(self, source: Source | None, least: float = RETRY_FIRST) -> None:
        """Wait, from now on. What the attempt that failed has taken counts as waited.

        Arguments:
            source: what failed; if it can be watched, its return ends the wait.
            least: seconds to wait at least.
        """
        tried = self._clock.seconds() - self._began
        delay = max(least, self._backoff.next() - tried)
        self._due = self._clock.callLater(delay, self._now)
        if isinstance(source, Reappearing) and delay > RETRY_FIRST:
            self._look = self._clock.callLater(RETRY_FIRST, self._looked, source)

    def hasten(self) -> None:
        """Something has changed: if it waits, wait no longer than at first."""
        if self._due is not None and self._due.getTime() > self._clock.seconds() + RETRY_FIRST:
            self.cancel()
            self._backoff.reset()
            self._due = self._clock.callLater(0, self._now)

    def cancel(self) -> None:
        """Wait no more."""
        for call in (self._due, self._look):
            if call is not None and call.active():
                call.cancel()
        self._due = self._look = None

    def reset(self) -> None:
        """It has worked: the next wait is a short one."""
        self._backoff.reset()

    def _looked(self, source: Reappearing) -> None:
        signature = source.device_signature()
        if signature is not None and signature != self._signature:
            self.reset()
            self._now()
            return
        self._signature = signature
        self._look = self._clock.callLater(LOOK_EVERY, self._looked, source)

    def _now(self) -> None:
        self.cancel()
        self._again()
