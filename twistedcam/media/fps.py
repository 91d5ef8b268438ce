"""Checks frame rates that clients ask for."""

from __future__ import annotations

import math

from twistedcam.errors import BadArgument

MINIMUM, MAXIMUM = 0.001, 1000.0


def check_fps(fps: float) -> float:
    """Return the rate if it is valid.

    Raises:
        BadArgument: it is no number from MINIMUM to MAXIMUM.
    """
    return _check(fps, math.nan if isinstance(fps, str) else fps)


def read_fps(word: str) -> float:
    """The rate in a text; raises as ``check_fps`` does."""
    return _check(word, word)


def _check(given: float | str, number: float | str) -> float:
    try:
        value = float(number)
    except (TypeError, ValueError, OverflowError):
        value = math.nan
    if not MINIMUM <= value <= MAXIMUM:
        raise BadArgument(
            f"fps={given}: a number of frames a second, from {MINIMUM:g} to {MAXIMUM:g}"
        )
    return value
