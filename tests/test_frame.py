"""A frame is made once and never changes."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from twistedcam import Frame


def jpeg_of(width: int = 64, height: int = 48, grey: int = 100) -> bytes:
    ok, data = cv2.imencode(".jpg", np.full((height, width, 3), grey, np.uint8))
    assert ok
    return data.tobytes()


def test_the_image_is_decoded_once_and_cannot_be_written_to() -> None:
    frame = Frame(1, 1_500_000, 64, 48, jpeg_of())
    image = frame.image
    assert image.shape == (48, 64, 3)
    assert image.dtype == np.uint8
    assert frame.image is image
    with pytest.raises(ValueError, match="read-only"):
        image[0, 0] = 0


def test_a_jpeg_that_cannot_be_decoded_says_so() -> None:
    with pytest.raises(ValueError, match="frame 3 cannot be decoded"):
        Frame(3, 0, 64, 48, b"\xff\xd8 no picture \xff\xd9").image  # noqa: B018


def test_time_is_in_seconds() -> None:
    assert Frame(1, 1_500_000, 1, 1, b"").time == 1.5


def test_a_shared_form_is_made_once() -> None:
    made = []

    def make(frame: Frame) -> list[int]:
        made.append(frame.seq)
        return made

    frame = Frame(4, 0, 1, 1, b"")
    assert frame.shared(make) is frame.shared(make)
    assert made == [4]
