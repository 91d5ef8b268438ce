"""Wall clock, monotonic clock, the way from one to the other, and the time since boot."""

from __future__ import annotations

import ctypes
import time
from functools import cache
from pathlib import Path
from typing import Any

#: A kernel's time stamp may be so far from now, in seconds, and still be believed.
_PLAUSIBLE = 10.0
#: Both clocks are read again if that took longer, in seconds: the thread was kept waiting.
_AT_ONCE = 0.0005
_READINGS = 5
#: What adjtimex(2) returns for a clock that is not synchronized.
_TIME_ERROR = 5


def wall_time(stamp: float) -> float:
    """The UNIX time of a driver's time stamp, in seconds.

    V4L2 drivers stamp buffers with CLOCK_MONOTONIC, a few old ones with the wall clock, and some
    not at all (Linux media documentation, "Buffer Flags", V4L2_BUF_FLAG_TIMESTAMP_MASK). A stamp
    that is near neither clock is worth nothing; then it is now.
    """
    now, steady = _both_clocks()
    age = steady - stamp
    if 0 <= age < _PLAUSIBLE:
        return now - age
    if 0 <= now - stamp < _PLAUSIBLE:
        return stamp
    return now


def _both_clocks() -> tuple[float, float]:
    """Wall clock and monotonic clock, in seconds, at the same moment even on a busy machine."""
    before = time.monotonic()
    for _ in range(_READINGS):
        now, after = time.time(), time.monotonic()
        if after - before < _AT_ONCE:
            break
        before = after
    return now, after


def go_by_steady_clock(reactor: Any) -> None:
    """Let a reactor's timers go by a clock that nobody sets.

    Twisted's go by the wall clock (``twisted.internet.base.ReactorBase.seconds``): where that is
    set back, no timer is due until it has come to where it was; where it is set forward, as on a
    machine that learns the time only once it is on the net, all of them are due at once. This
    one begins at the present wall time, so that what waits already is due when it should be.

    Arguments:
        reactor: the process's own, before it runs.
    """
    monotonic = time.monotonic
    ahead = time.time() - monotonic()
    reactor.seconds = lambda: monotonic() + ahead


@cache
def boot_id() -> str:
    """What no other boot of any computer has; empty where the system does not say."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip().replace("-", "")[:16]
    except OSError:
        return ""


def uptime() -> float:
    """Seconds since boot, with those in which the computer slept."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if clock is None else time.clock_gettime(clock)


def is_synchronized() -> bool:
    """Whether the kernel says that something like NTP has set its clock (adjtimex(2))."""
    try:
        found = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(512))
    except (AttributeError, OSError, TypeError):
        return False
    return found not in (-1, _TIME_ERROR)
