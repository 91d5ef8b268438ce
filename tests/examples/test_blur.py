"""What stands still is blurred, separately for each camera."""

from __future__ import annotations

import numpy as np

from tests.support.example_frames import all_of, check_cameras_are_separate, frame, room
from twistedcam.examples import blur


def test_what_stands_still_is_blurred_and_what_moves_is_sharp() -> None:
    *_, still, moving = all_of(blur.blur, [*[room()] * 30, room(120)])
    given = frame(room(120))
    assert still.std() < room().std() / 2
    middle = (slice(115, 145), slice(130, 160))
    assert np.abs(moving[middle].astype(int) - given.image[middle]).mean() < 10


def test_cameras_are_separate() -> None:
    check_cameras_are_separate(blur.blur)
