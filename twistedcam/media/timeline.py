"""Maps times of capture to a timeline that only goes forward."""

from __future__ import annotations

#: A wall clock that gained so many microseconds on the monotonic one was set.
_SET_FORWARD = 60_000_000
#: Microseconds between two frames until they are known.
_USUAL = 33_333


class Timeline:
    """A timeline for one camera's frames.

    Differences are those of the times of capture, to the microsecond. Where the wall clock was set,
    back or forward by more than a minute, they are those of the monotonic clock. A frame is at
    least a microsecond later than the one before.
    """

    def __init__(self) -> None:
        self._offset = 0
        self._last: int | None = None
        self._last_arrival = 0.0
        #: Microseconds between the last two frames.
        self.interval = _USUAL

    def place(self, captured_us: int, arrival: float) -> int:
        """The time of a new frame, in microseconds.

        Arguments:
            captured_us: its time of capture, microseconds since the UNIX epoch.
            arrival: its time of arrival, seconds of a monotonic clock.
        """
        time = captured_us + self._offset
        if self._last is not None:
            elapsed = max(0, int((arrival - self._last_arrival) * 1e6))
            passed = time - self._last
            if passed < 0 or passed - elapsed > _SET_FORWARD:
                self._offset += max(elapsed, self.interval) - passed
                time = captured_us + self._offset
            time = max(time, self._last + 1)
            self.interval = time - self._last
        self._last, self._last_arrival = time, arrival
        return time

    def time_of(self, captured_us: int) -> int | None:
        """The time of something that was captured then, in microseconds; None before the first.

        Arguments:
            captured_us: microseconds since the UNIX epoch.
        """
        return None if self._last is None else captured_us + self._offset

    def at(self, now: float) -> int | None:
        """The time of ``now`` in microseconds; None before the first frame.

        Arguments:
            now: seconds of the clock of ``arrival``, after the last frame.
        """
        if self._last is None:
            return None
        return self._last + max(0, int((now - self._last_arrival) * 1e6))
