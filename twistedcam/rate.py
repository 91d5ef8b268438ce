"""How many a second, over the last second and since the start."""

from __future__ import annotations

from collections import deque


class Rate:
    """Counts events by their times.

    Arguments:
        span: the seconds that the current rate is taken over.
    """

    def __init__(self, span: float = 1.0) -> None:
        self._span = span
        self._times: deque[float] = deque()
        self._first: float | None = None
        self.count = 0

    def tick(self, now: float) -> None:
        """One event, at ``now`` seconds on any clock that only goes forward."""
        if self._first is None:
            self._first = now
        self.count += 1
        times = self._times
        times.append(now)
        oldest = now - self._span
        while times[0] < oldest:
            times.popleft()

    def current(self, now: float) -> float:
        """Events a second over the last span.

        Taken from the gaps between events, so that a steady 30 a second reads 30.0 and not
        29 or 31, as long as the last one is no more than two gaps old.
        """
        self._forget(now)
        if len(self._times) < 2:
            return len(self._times) / self._span if self._times else 0.0
        gaps = len(self._times) - 1
        length = self._times[-1] - self._times[0]
        if length <= 0:
            return len(self._times) / self._span
        silence = now - self._times[-1]
        mean = length / gaps
        return gaps / length if silence <= 2 * mean else gaps / (length + silence)

    def average(self, now: float) -> float:
        """Events a second since the first."""
        if self._first is None or now <= self._first:
            return 0.0
        return self.count / (now - self._first)

    def _forget(self, now: float) -> None:
        while self._times and now - self._times[0] > self._span:
            self._times.popleft()


class ReportedRate(Rate):
    """A rate that is measured elsewhere and told."""

    def __init__(self) -> None:
        super().__init__()
        #: Events a second, as last told.
        self.told = 0.0

    def current(self, now: float) -> float:
        """What was told."""
        return self.told
