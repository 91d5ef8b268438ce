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


def test_the_image_is_what_opencv_makes_of_it() -> None:
    rng = np.random.default_rng(1)
    for noise in (
        rng.integers(0, 255, (48, 64, 3), np.uint8),
        rng.integers(0, 255, (9, 7), np.uint8),
    ):
        jpeg = cv2.imencode(".jpg", noise)[1]
        image = Frame(1, 0, 64, 48, jpeg.tobytes()).image
        assert (image == cv2.imdecode(jpeg, cv2.IMREAD_COLOR)).all()


def test_a_picture_that_is_to_be_turned_is_turned() -> None:
    tag = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
    exif = b"Exif\0\0" + tag
    segment = b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif
    jpeg = jpeg_of()
    assert Frame(1, 0, 64, 48, jpeg[:2] + segment + jpeg[2:]).image.shape == (64, 48, 3)


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
