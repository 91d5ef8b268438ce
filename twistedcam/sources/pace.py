"""Waiting in a source's thread until a picture is due."""

from __future__ import annotations

import threading
import time


class Pace:
    """Times on the wall clock, kept without drift.

    ``wait`` comes back early when ``stop`` is called from another thread.
    """

    def __init__(self) -> None:
        self._stopped = threading.Event()

    def wait_until(self, due: float) -> bool:
        """Sleep until ``due``, seconds on the monotonic clock; False if stopped before."""
        delay = due - time.monotonic()
        return not self._stopped.wait(delay) if delay > 0 else not self._stopped.is_set()

    def stop(self) -> None:
        """Wake who waits."""
        self._stopped.set()


class Ticker:
    """Due times of a steady rate. Falls behind by whole periods rather than in bursts.

    Arguments:
        fps: ticks a second.
    """

    def __init__(self, fps: float) -> None:
        self._period = 1.0 / fps
        self._pace = Pace()
        self._next = time.monotonic()

    def wait(self) -> bool:
        """Sleep until the next tick; False if stopped before."""
        now = time.monotonic()
        if self._next < now - self._period:
            missed = (now - self._next) // self._period
            self._next += missed * self._period
        due = self._next
        self._next += self._period
        return self._pace.wait_until(due)

    def stop(self) -> None:
        """Wake who waits."""
        self._pace.stop()
