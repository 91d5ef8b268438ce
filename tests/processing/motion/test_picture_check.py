"""A camera that is frozen or covered."""

from __future__ import annotations

import numpy as np

from twistedcam.processing.motion.picture_check import COVERED, FROZEN, PictureCheck

RANDOM = np.random.default_rng(1)


def noisy(level: float, spread: float) -> np.ndarray:
    noise = RANDOM.normal(0, 1, (30, 40))
    scene = np.linspace(-spread, spread, 40)[None]
    return np.clip(level + scene + noise, 0, 255).astype(np.uint8)


def test_the_same_picture_for_ten_seconds_is_frozen() -> None:
    check, picture = PictureCheck(), noisy(120, 50)
    found = [check.feed(picture.copy(), time / 2) for time in range(25)]
    assert found.index("frozen") == FROZEN * 2
    assert check.feed(noisy(120, 50), 13) is None


def test_one_grey_for_five_seconds_is_covered() -> None:
    check = PictureCheck()
    assert check.feed(noisy(120, 50), 0) is None
    found = [check.feed(noisy(9, 0), 1 + time / 2) for time in range(12)]
    assert found.index("covered") == (COVERED - 1) * 2
    assert check.feed(noisy(120, 50), 8) is None


def test_a_dark_scene_with_something_in_it_is_none() -> None:
    check = PictureCheck()
    assert not any(check.feed(noisy(20, 6), time) for time in range(30))
