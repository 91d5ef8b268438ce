"""Wall clock, monotonic clock, conversion between them, and the time since boot."""

from __future__ import annotations

import ctypes
import time
from functools import cache
from pathlib import Path
from typing import Any

#: The greatest age of a driver's time stamp that is accepted, in seconds.
_PLAUSIBLE = 10.0
#: Both clocks are read again if reading took longer, in seconds: the thread was interrupted.
_MAX_READING_TIME = 0.0005
#: The most attempts to read both.
_READINGS = 5
#: The result of adjtimex(2) for a clock that is not synchronized.
_TIME_ERROR = 5


def wall_time(stamp: float) -> float:
    """Convert a driver's time stamp to UNIX time, in seconds.

    V4L2 drivers stamp buffers with CLOCK_MONOTONIC, a few old ones with the wall clock, and some
    not at all (Linux media documentation, "Buffer Flags", V4L2_BUF_FLAG_TIMESTAMP_MASK). A stamp
    that is near neither clock is replaced by the present time.
    """
    now, monotonic = _both_clocks()
    age = monotonic - stamp
    if 0 <= age < _PLAUSIBLE:
        return now - age
    if 0 <= now - stamp < _PLAUSIBLE:
        return stamp
    return now


def _both_clocks() -> tuple[float, float]:
    """Return wall clock and monotonic clock of the same moment, in seconds, also under load."""
    before = time.monotonic()
    for _ in range(_READINGS):
        now, after = time.time(), time.monotonic()
        if after - before < _MAX_READING_TIME:
            break
        before = after
    return now, after


def use_monotonic_clock(reactor: Any) -> None:
    """Make a reactor's timers use the monotonic clock.

    Twisted's use the wall clock (``twisted.internet.base.ReactorBase.seconds``). If that is set
    back, all timers are late; if it is set forward, as on a machine that gets the time from the
    network after its start, all are due at once. The new clock begins at the present wall time, so
    that calls that are scheduled already keep their time.

    Arguments:
        reactor: the process's reactor, before it runs.
    """
    monotonic = time.monotonic
    ahead = time.time() - monotonic()
    reactor.seconds = lambda: monotonic() + ahead


@cache
def boot_id() -> str:
    """Return an identifier of the present boot; empty if the system has none."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip().replace("-", "")[:16]
    except OSError:
        return ""


def uptime() -> float:
    """Return the seconds since boot, including suspension."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if clock is None else time.clock_gettime(clock)


def is_synchronized() -> bool:
    """Return True if the kernel's clock is synchronized, as by NTP (adjtimex(2))."""
    try:
        found = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(512))
    except (AttributeError, OSError, TypeError):
        return False
    return found not in (-1, _TIME_ERROR)
