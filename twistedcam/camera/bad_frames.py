"""Corrupt frames: logs them, and detects a source that delivers nothing else."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from twistedcam.runtime.timer import Timer

log = Logger()

#: Seconds between two log lines about a camera's corrupt frames.
LOG_EVERY = 60.0


class BadFrameDetector:
    """Detects that a source delivers corrupt frames only; reports it once until a good one arrives.

    Before the first good frame a caller may wait for an answer, so the report is due when the
    patience is over, with or without further frames. Later the source may be silent after a corrupt
    frame for valid reasons, so only another corrupt frame causes the report.

    Arguments:
        clock: measures the patience.
        on_bad: called with the reason.
    """

    def __init__(self, clock: IReactorTime, on_bad: Callable[[str], None]) -> None:
        #: Seconds of corrupt frames before the report; None for a source that must not be silent.
        self.patience: float | None = None
        self._clock = clock
        self._on_bad = on_bad
        self._had_good_frame = False
        self._since: float | None = None
        self._is_reported = False
        self._reason = ""
        self._due = Timer(clock)

    def note_bad(self, reason: str) -> None:
        """Note a corrupt frame."""
        if self.patience is None:
            return
        self._reason = reason
        now = self._clock.seconds()
        if self._since is None:
            self._since = now
            if not self._had_good_frame:
                self._due.start(self.patience, self._report)
        elif self._had_good_frame and not self._is_reported and now - self._since >= self.patience:
            self._report()

    def note_good(self) -> None:
        """Note a good frame."""
        self._had_good_frame = True
        self.forget()

    def forget(self) -> None:
        """Forget the corrupt frames so far."""
        self._due.cancel()
        self._since = None
        self._is_reported = False

    def _report(self) -> None:
        assert self._since is not None
        self._is_reported = True
        seconds = round(self._clock.seconds() - self._since, 1)
        self._on_bad(f"no picture for {seconds:g} s: {self._reason}")


class BadFrameLog:
    """Logs corrupt frames: the first at once, others together, at most once a minute.

    Arguments:
        camera: the camera's name.
        clock: measures the time between log lines.
    """

    def __init__(self, camera: str, clock: IReactorTime) -> None:
        self._camera = camera
        self._clock = clock
        self._logged_at: float | None = None
        self._count = 0

    def report(self, reason: str) -> None:
        """Log a corrupt frame now, or count it for the next line."""
        self._count += 1
        now = self._clock.seconds()
        if self._logged_at is not None and now - self._logged_at < LOG_EVERY:
            return
        count, self._count, self._logged_at = self._count, 0, now
        what = "a picture was" if count == 1 else f"{count} pictures were"
        log.warn(
            "{camera}: {what} no good: {reason}", camera=self._camera, what=what, reason=reason
        )
