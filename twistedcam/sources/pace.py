"""Timers that block a source's thread until a picture is due."""

from __future__ import annotations

import threading
import time


class Pace:
    """Waits for times on the monotonic clock.

    ``wait_until`` returns early if ``stop`` is called on another thread.
    """

    def __init__(self) -> None:
        self._stopped = threading.Event()

    def wait_until(self, due: float) -> bool:
        """Sleep until ``due``, in seconds of the monotonic clock; return False if stopped."""
        delay = due - time.monotonic()
        return not self._stopped.wait(delay) if delay > 0 else not self._stopped.is_set()

    def stop(self) -> None:
        """Wake the thread that waits."""
        self._stopped.set()


class Ticker:
    """Waits for ticks at a steady rate. Ticks that were missed are skipped.

    Arguments:
        fps: ticks per second.
    """

    def __init__(self, fps: float) -> None:
        self._period = 1.0 / fps
        self._pace = Pace()
        self._next = time.monotonic()

    def wait(self) -> bool:
        """Sleep until the next tick; return False if stopped."""
        now = time.monotonic()
        if self._next < now - self._period:
            missed = (now - self._next) // self._period
            self._next += missed * self._period
        due = self._next
        self._next += self._period
        return self._pace.wait_until(due)

    def stop(self) -> None:
        """Wake the thread that waits."""
        self._pace.stop()
