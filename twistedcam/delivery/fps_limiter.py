"""At most so many frames a second."""

from __future__ import annotations


class FpsLimiter:
    """Says which frames of a stream to take so that no more than ``fps`` a second remain.

    Arguments:
        fps: frames a second, or None for all.
    """

    def __init__(self, fps: float | None) -> None:
        self._period = 0 if fps is None else round(1e6 / fps)
        self._due = 0
        #: A frame that comes this much early, in microseconds, is taken as on time: cameras jitter.
        self._slack = min(self._period // 4, 5_000)
        #: No frame comes earlier than this, unless the clock that it was captured by stepped back.
        self._earliest = -self._period - self._slack

    def admits(self, time_us: int) -> bool:
        """Whether a frame captured then, in microseconds, may be sent. Does not note it."""
        late = time_us - self._due
        return late >= -self._slack or late < self._earliest

    def note(self, time_us: int) -> None:
        """A frame captured then is sent.

        The next is due a period after this one was due, so that 30 frames a second cut down to
        20 give 20 and not 15; after a pause, or a step of the clock, the count begins anew.
        """
        if self._period:
            is_due = -self._slack <= time_us - self._due < self._period
            self._due = (self._due if is_due else time_us) + self._period
