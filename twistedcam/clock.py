"""Wall clock, monotonic clock, and the way from one to the other."""

from __future__ import annotations

import time

#: A kernel's time stamp may be so far from now, in seconds, and still be believed.
_PLAUSIBLE = 10.0


def wall_time(stamp: float) -> float:
    """The UNIX time of a driver's time stamp, in seconds.

    V4L2 drivers stamp buffers with CLOCK_MONOTONIC, a few old ones with the wall clock, and some
    not at all (Linux media documentation, "Buffer Flags", V4L2_BUF_FLAG_TIMESTAMP_MASK). A stamp
    that is near neither clock is worth nothing; then it is now.
    """
    now = time.time()
    age = time.monotonic() - stamp
    if 0 <= age < _PLAUSIBLE:
        return now - age
    if 0 <= now - stamp < _PLAUSIBLE:
        return stamp
    return now
