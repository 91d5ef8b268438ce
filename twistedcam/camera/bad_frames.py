"""Bad pictures: what is logged of them, and what it means that nothing else comes."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

log = Logger()

#: Seconds between two lines in the log about a camera's bad pictures.
LOG_EVERY = 60.0


class BadFrameDetector:
    """Says so when bad pictures are all that comes; once, until a good one has come.

    Until the first good one somebody may wait for an answer: it is due when the patience is over,
    whether more come or not. Later on a source may rightly be silent behind a bad one, and it is
    the next bad one that tells.

    Arguments:
        clock: what the time is measured by.
        tell: called with the reason.
    """

    def __init__(self, clock: IReactorTime, tell: Callable[[str], None]) -> None:
        #: Seconds that bad pictures are put up with; None for a source that must not be silent.
        self.patience: float | None = None
        self._clock = clock
        self._tell = tell
        self._has_given = False
        self._since: float | None = None
        self._is_told = False
        self._reason = ""
        self._due: IDelayedCall | None = None

    def bad(self, reason: str) -> None:
        """A picture was no good, for that reason."""
        if self.patience is None:
            return
        self._reason = reason
        now = self._clock.seconds()
        if self._since is None:
            self._since = now
            if not self._has_given:
                self._due = self._clock.callLater(self.patience, self._over)
        elif self._has_given and not self._is_told and now - self._since >= self.patience:
            self._over()

    def good(self) -> None:
        """A picture has come."""
        self._has_given = True
        self.forget()

    def forget(self) -> None:
        """What was bad so far counts no more."""
        if self._due is not None and self._due.active():
            self._due.cancel()
        self._due = self._since = None
        self._is_told = False

    def _over(self) -> None:
        assert self._since is not None
        self._is_told = True
        seconds = round(self._clock.seconds() - self._since, 1)
        self._tell(f"no picture for {seconds:g} s: {self._reason}")


class BadFrameLog:
    """Logs that pictures were no good: the first at once, others together, once a minute at most.

    Arguments:
        camera: its name.
        clock: what the time is measured by.
    """

    def __init__(self, camera: str, clock: IReactorTime) -> None:
        self._camera = camera
        self._clock = clock
        self._logged_at: float | None = None
        self._count = 0

    def tell(self, reason: str) -> None:
        """A picture was no good, for that reason."""
        self._count += 1
        now = self._clock.seconds()
        if self._logged_at is not None and now - self._logged_at < LOG_EVERY:
            return
        count, self._count, self._logged_at = self._count, 0, now
        what = "a picture was" if count == 1 else f"{count} pictures were"
        log.warn(
            "{camera}: {what} no good: {reason}", camera=self._camera, what=what, reason=reason
        )
