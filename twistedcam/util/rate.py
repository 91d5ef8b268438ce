"""How many a second, over the last second and since the start."""

from __future__ import annotations


class Rate:
    """Counts events by their times.

    It is told of every frame of every viewer, so it keeps no time of each: only marks, a quarter
    of the span apart, of how many there had been until then.

    Arguments:
        span: the seconds that the current rate is taken over.
    """

    __slots__ = ("_due", "_first", "_last", "_marks", "_span", "count")

    def __init__(self, span: float = 1.0) -> None:
        self._span = span
        self._first: float | None = None
        self._last = 0.0
        #: Times and the number of the event that came then, oldest first: six at most. A deque
        #: takes the room of 64, and every viewer has a rate.
        self._marks: list[tuple[float, int]] = []
        self._due = float("-inf")
        self.count = 0

    def tick(self, now: float) -> None:
        """One event, at ``now`` seconds on any clock that only goes forward."""
        self.count += 1
        self._last = now
        if now >= self._due:
            self._mark(now)

    def current(self, now: float) -> float:
        """Events a second over the last span.

        Taken from the gaps between events, so that a steady 30 a second reads 30.0 and not
        29 or 31, as long as the last one is no more than two gaps old.
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
        """Events a second since the first."""
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


class ReportedRate(Rate):
    """A rate that is measured elsewhere and told."""

    __slots__ = ("told",)

    def __init__(self) -> None:
        super().__init__()
        #: Events a second, as last told.
        self.told = 0.0

    def current(self, now: float) -> float:
        """What was told."""
        return self.told
