"""Waits between attempts, also for programs without Twisted, whose ``backoffPolicy`` is similar."""

from __future__ import annotations

import random


class Backoff:
    """Seconds to wait before the next attempt, longer after each failure in a row.

    Arguments:
        first: seconds after the first failure.
        most: seconds at most.
        factor: the ratio of each wait to the one before.
        spread: the part of a wait by which it varies at random, so that clients that have lost the
            same server do not all return at once.
    """

    def __init__(self, first: float, most: float, factor: float = 2.0, spread: float = 0.0) -> None:
        self._first = first
        self._most = most
        self._factor = factor
        self._spread = spread
        self._failures = 0

    def next(self) -> float:
        """Count a failure; return the seconds to wait."""
        self._failures += 1
        return self.after(self._failures)

    def reset(self) -> None:
        """Forget the failures: an attempt has succeeded."""
        self._failures = 0

    def after(self, failures: int) -> float:
        """Return the seconds to wait after a number of failures in a row, at least one."""
        wait = min(self._first * self._factor ** min(failures - 1, 100), self._most)
        return wait * random.uniform(1 - self._spread, 1 + self._spread)
