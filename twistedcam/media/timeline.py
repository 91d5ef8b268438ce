"""From times of capture to times in a recording, whatever the clock does meanwhile."""

from __future__ import annotations

#: A wall clock that went forward so many microseconds more than the steady one was set.
_SET_FORWARD = 60_000_000
#: The time between two frames where nothing is known of it.
_USUAL = 33_333


class Timeline:
    """Times on one line that only goes forward.

    The difference of two times is that of the times of capture, to the microsecond; only where
    the wall clock was set (back, or forward by more than a minute) it is that of the steady clock.

    Two frames are never at the same time: the second is a microsecond later.
    """

    def __init__(self) -> None:
        self._offset = 0
        self._last: int | None = None
        self._last_arrival = 0.0
        #: Microseconds between the last two frames.
        self.interval = _USUAL

    def place(self, captured_us: int, arrival: float) -> int:
        """The time of a frame, in microseconds.

        Arguments:
            captured_us: its time of capture, microseconds since the UNIX epoch.
            arrival: when it came, seconds on a clock that is never set.
        """
        time = captured_us + self._offset
        if self._last is not None:
            steady = max(0, int((arrival - self._last_arrival) * 1e6))
            passed = time - self._last
            if passed < 0 or passed - steady > _SET_FORWARD:
                self._offset += max(steady, self.interval) - passed
                time = captured_us + self._offset
            time = max(time, self._last + 1)
            self.interval = time - self._last
        self._last, self._last_arrival = time, arrival
        return time

    def at(self, moment: float) -> int | None:
        """The time of a moment after the last frame, in microseconds; None before the first.

        Arguments:
            moment: seconds on the clock of ``arrival``.
        """
        if self._last is None:
            return None
        return self._last + max(0, int((moment - self._last_arrival) * 1e6))
