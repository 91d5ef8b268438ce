"""Motion is marked and reported, separately for each camera."""

from __future__ import annotations

import numpy as np

from tests.support.example_frames import all_of, check_cameras_are_separate, room
from twistedcam import Frame
from twistedcam.examples import motion


def test_motion_is_boxed_and_told_and_a_still_picture_is_not() -> None:
    *_, still, (image, told) = all_of(motion.motion, [*[room()] * 10, room(120)])
    assert isinstance(still, Frame)
    ((x, y, width, height),) = told["boxes"]
    assert abs(x + width / 2 - 145) < 8 and abs(y + height / 2 - 130) < 8
    assert (np.abs(image[y, x].astype(int) - motion.GREEN) < 3).all()


def test_cameras_are_separate() -> None:
    check_cameras_are_separate(motion.motion)
