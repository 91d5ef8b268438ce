"""The schedule by which a camera that failed is tried again."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.interfaces import IReactorTime

from twistedcam.runtime.backoff import Backoff
from twistedcam.runtime.timer import Timer
from twistedcam.sources.base import ReactorSource, Reappearing, Source

#: Seconds before a camera that failed is tried again: the first wait, and the longest.
RETRY_FIRST = 0.5
RETRY_MOST = 10.0
#: Seconds before a camera that refused a log-in is tried again: some cameras lock the account after
#: a few tries.
RETRY_LOGIN = 60.0
#: Seconds between two checks for the return of the device.
CHECK_EVERY = 0.25


class Retry:
    """Waits twice as long each time, but not longer than until the device is back.

    Arguments:
        clock: measures the waits.
        on_due: called when it is time to try again.
    """

    def __init__(self, clock: IReactorTime, on_due: Callable[[], None]) -> None:
        self._clock = clock
        self._on_due = on_due
        self._backoff = Backoff(RETRY_FIRST, RETRY_MOST)
        self._began = 0.0
        self._due_at = 0.0
        self._due = Timer(clock)
        self._check = Timer(clock)
        self._signature: object = None

    @property
    def pending(self) -> bool:
        """True while a retry is scheduled."""
        return self._due.is_pending

    def trying(self, source: Source | ReactorSource) -> None:
        """Note that the source is about to be opened."""
        self._began = self._clock.seconds()
        self._signature = source.device_signature() if isinstance(source, Reappearing) else None

    def wait(self, source: Source | ReactorSource | None, least: float = RETRY_FIRST) -> None:
        """Schedule a retry. The time that the failed attempt took counts as waited.

        Arguments:
            source: the source that failed; if it is Reappearing, its return ends the wait.
            least: the least seconds to wait.
        """
        tried = self._clock.seconds() - self._began
        delay = max(least, self._backoff.next() - tried)
        self._due_at = self._clock.seconds() + delay
        self._due.start(delay, self._now)
        if isinstance(source, Reappearing) and delay > RETRY_FIRST:
            self._check.start(RETRY_FIRST, self._checked, source)

    def retry_now(self) -> None:
        """Cut a long wait short, because something has changed."""
        if self._due.is_pending and self._due_at > self._clock.seconds() + RETRY_FIRST:
            self.cancel()
            self._backoff.reset()
            self._due.start(0, self._now)

    def cancel(self) -> None:
        """Cancel the scheduled retry."""
        self._due.cancel()
        self._check.cancel()

    def reset(self) -> None:
        """Note a success: the next wait is a short one."""
        self._backoff.reset()

    def _checked(self, source: Reappearing) -> None:
        signature = source.device_signature()
        if signature is not None and signature != self._signature:
            self.reset()
            self._now()
            return
        self._signature = signature
        self._check.start(CHECK_EVERY, self._checked, source)

    def _now(self) -> None:
        self.cancel()
        self._on_due()
