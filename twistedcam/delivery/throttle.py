"""At most so many frames a second."""

from __future__ import annotations


class Throttle:
    """Says which frames of a stream to take so that no more than ``fps`` a second remain.

    Arguments:
        fps: frames a second, or None for all.
    """

    def __init__(self, fps: float | None) -> None:
        self._period = 0 if fps is None else round(1e6 / fps)
        self._due = 0
        #: A frame that comes this much early, in microseconds, is taken as on time: cameras jitter.
        self._slack = min(self._period // 4, 5_000)

    def admits(self, time_us: int) -> bool:
        """Whether a frame captured then, in microseconds, may be sent. Does not note it."""
        return time_us >= self._due - self._slack

    def note(self, time_us: int) -> None:
        """A frame captured then is sent.

        The next is due a period after this one was due, so that 30 frames a second cut down to
        20 give 20 and not 15; after a pause the count begins anew.
        """
        if self._period:
            behind = time_us - self._due
            base = self._due if behind < self._period else time_us
            self._due = base + self._period
