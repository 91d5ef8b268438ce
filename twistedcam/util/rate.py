"""Rates of events, over the last second and since the start."""

from __future__ import annotations


class Rate:
    """Counts events by their times.

    It counts every frame of every viewer, so it does not keep the time of each event, only a few
    marks a quarter of the span apart.

    Arguments:
        span: seconds of the current rate.
    """

    __slots__ = ("_due", "_first", "_last", "_marks", "_span", "count")

    def __init__(self, span: float = 1.0) -> None:
        self._span = span
        self._first: float | None = None
        self._last = 0.0
        #: Times and numbers of events, oldest first, at most six. A list, because a deque
        #: allocates 64 entries, and every viewer has a rate.
        self._marks: list[tuple[float, int]] = []
        self._due = float("-inf")
        self.count = 0

    def tick(self, now: float) -> None:
        """Count an event at ``now`` seconds of a monotonic clock."""
        self.count += 1
        self._last = now
        if now >= self._due:
            self._mark(now)

    def current(self, now: float) -> float:
        """Return events per second over the last span.

        The rate is computed from the intervals, so that a steady 30 per second gives 30.0 and not
        29 or 31, while the last event is at most two intervals old.
        """
        silence = now - self._last
        if not self._marks or silence > self._span:
            return 0.0
        since, number = self._marks[0]
        gaps, length = self.count - number, self._last - since
        if not gaps or length <= 0:
            return (gaps + 1) / self._span
        return gaps / length if silence <= 2 * length / gaps else gaps / (length + silence)

    def average(self, now: float) -> float:
        """Return events per second since the first event."""
        if self._first is None or now <= self._first:
            return 0.0
        return self.count / (now - self._first)

    def _mark(self, now: float) -> None:
        if self._first is None:
            self._first = now
        self._marks.append((now, self.count))
        while self._marks[0][0] < now - self._span:
            del self._marks[0]
        self._due = now + self._span / 4


class LateRate(Rate):
    """A rate of events that may be counted late, with the times at which they were due."""

    __slots__ = ("late",)

    def __init__(self) -> None:
        super().__init__()
        #: Seconds by which events may be counted late.
        self.late = 0.0

    def current(self, now: float) -> float:
        """Return events per second over the last span; silence that is no longer counts not."""
        return super().current(max(self._last, now - self.late))


class ReportedRate(Rate):
    """A rate that another process measures."""

    __slots__ = ("reported",)

    def __init__(self) -> None:
        super().__init__()
        #: Events per second, as last reported.
        self.reported = 0.0

    def current(self, now: float) -> float:
        """Return the reported rate."""
        return self.reported
