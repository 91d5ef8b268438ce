"""How many frames a second somebody wants at most: one range for all ways to ask."""

from __future__ import annotations

import math

from twistedcam.errors import BadArgument

LEAST, MOST = 0.001, 1000.0


def check_fps(fps: float) -> float:
    """The rate, if one can be asked for.

    Raises:
        BadArgument: it is no number, or not from LEAST to MOST.
    """
    return _check(fps, math.nan if isinstance(fps, str) else fps)


def read_fps(word: str) -> float:
    """The rate that a word says; raises as ``check_fps`` does."""
    return _check(word, word)


def _check(given: float | str, number: float | str) -> float:
    try:
        value = float(number)
    except (TypeError, ValueError, OverflowError):
        value = math.nan
    if not LEAST <= value <= MOST:
        raise BadArgument(f"fps={given}: a number of frames a second, from {LEAST:g} to {MOST:g}")
    return value
