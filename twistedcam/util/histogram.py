"""A histogram that is cheap enough to count every delivered frame."""

from __future__ import annotations

from bisect import bisect_left

#: Upper bounds for ages of frames, in seconds.
AGES = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.035, 0.05, 0.1, 0.2, 0.35, 0.5, 1.0, 2.5)


class Histogram:
    """Counts values by the first bound that is not below them.

    Arguments:
        bounds: upper bounds in rising order. Values above the last are counted too.
    """

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...] = AGES) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        """Count a value."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def add(self, counts: list[int], total: float) -> None:
        """Add counts by the same bounds, and the sum of their values."""
        self.counts = [mine + more for mine, more in zip(self.counts, counts, strict=True)]
        self.total += total

    def cumulative(self) -> list[tuple[str, float]]:
        """Return each bound with the number of values up to it. The last bound is ``+Inf``."""
        rows, so_far = [], 0
        for bound, count in zip([*map(str, self.bounds), "+Inf"], self.counts, strict=True):
            so_far += count
            rows.append((bound, float(so_far)))
        return rows
