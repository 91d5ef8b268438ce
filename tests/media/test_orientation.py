"""Rotations and flips, and EXIF's orientations before them."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest

from twistedcam.media.orientation import turn_image, turn_of

IMAGE: Any = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
#: What shows an image upright whose orientation is the key (EXIF 2.3, section 4.6.4).
UPRIGHT: dict[int, Any] = {
    1: lambda image: image,
    2: np.fliplr,
    3: lambda image: np.rot90(image, 2),
    4: np.flipud,
    5: lambda image: np.swapaxes(image, 0, 1),
    6: lambda image: np.rot90(image, -1),
    7: lambda image: np.rot90(np.swapaxes(image, 0, 1), 2),
    8: lambda image: np.rot90(image, 1),
}


@pytest.mark.parametrize("orientation", UPRIGHT)
def test_each_orientation_is_shown_upright(orientation: int) -> None:
    turned = turn_image(IMAGE, *turn_of(orientation, "", ""))
    assert np.array_equal(turned, UPRIGHT[orientation](IMAGE))


@pytest.mark.parametrize("orientation", UPRIGHT)
def test_a_rotation_and_a_flip_follow_the_orientation(orientation: int) -> None:
    for rotate, flip in product(("", "90", "180", "270"), ("", "h", "v")):
        at_once = turn_image(IMAGE, *turn_of(orientation, rotate, flip))
        one_by_one = turn_image(np.ascontiguousarray(UPRIGHT[orientation](IMAGE)), rotate, flip)
        assert np.array_equal(at_once, one_by_one), (rotate, flip)
