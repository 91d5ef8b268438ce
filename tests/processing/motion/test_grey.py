"""Small grey pictures of JPEGs of all sizes."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from tests.support.odd_jpegs import lossless
from twistedcam.processing.motion.grey import CELLS, reduce_jpeg


@pytest.mark.parametrize(
    ("width", "height"), [(1, 1), (64, 48), (320, 240), (640, 480), (1280, 720), (1920, 1080)]
)
def test_a_picture_keeps_its_form_and_brightness(width: int, height: int) -> None:
    image = np.full((height, width, 3), 60, np.uint8)
    image[:, width // 2 :] = 180
    grey = reduce_jpeg(cv2.imencode(".jpg", image)[1].tobytes())
    rows, columns = grey.shape
    assert rows * columns <= CELLS * 1.1
    assert columns / rows == pytest.approx(width / height, rel=0.05)
    if width >= 320:
        assert rows * columns >= 9_000
        assert abs(int(grey[rows // 2, columns // 4]) - 60) < 3
        assert abs(int(grey[rows // 2, columns * 3 // 4]) - 180) < 3


def test_an_unusual_jpeg_is_decoded_as_well() -> None:
    assert reduce_jpeg(lossless(160, 120)).shape == (120, 160)


def test_what_is_no_jpeg_is_an_error() -> None:
    with pytest.raises(ValueError, match="no JPEG"):
        reduce_jpeg(b"nothing")
