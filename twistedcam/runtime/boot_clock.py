"""The time since boot, which nobody sets, and whether the wall clock was set."""

from __future__ import annotations

import ctypes
import time
from functools import cache
from pathlib import Path

#: What adjtimex(2) returns for a clock that is not synchronized.
_TIME_ERROR = 5


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
