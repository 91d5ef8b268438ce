"""Frame rates that clients ask for."""

from __future__ import annotations

import math
from typing import Any

import pytest

from twistedcam.errors import BadArgument
from twistedcam.media.fps import MAXIMUM, MINIMUM, check_fps, read_fps


@pytest.mark.parametrize("fps", [MINIMUM, 0.5, 25, MAXIMUM])
def test_rates_in_the_range_are_accepted(fps: float) -> None:
    assert check_fps(fps) == fps
    assert read_fps(str(fps)) == fps


@pytest.mark.parametrize(
    "fps", [0, -1, MINIMUM / 2, MAXIMUM + 1, math.nan, math.inf, None, "25", []]
)
def test_other_values_are_refused(fps: Any) -> None:
    with pytest.raises(BadArgument, match=r"a number of frames a second, from 0\.001 to 1000"):
        check_fps(fps)


@pytest.mark.parametrize("word", ["", "fast", "0", "1e9", "nan", "-5"])
def test_other_words_are_refused(word: str) -> None:
    with pytest.raises(BadArgument, match=f"fps={word}:"):
        read_fps(word)
