"""The barcode, also after JPEG compression and damage."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twistedcam import Stamp
from twistedcam.media import barcode

STAMP = Stamp(123_456, 1_795_000_000_123_456)


def picture(width: int, height: int) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 255, (height, width, 3), np.uint8)


@pytest.mark.parametrize("size", [(160, 120), (320, 240), (640, 480), (1280, 720), (1920, 1080)])
@pytest.mark.parametrize("quality", [100, 80, 50])
def test_it_survives_jpeg(size: tuple[int, int], quality: int) -> None:
    image = picture(*size)
    barcode.draw(image, STAMP)
    _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    assert barcode.read(cv2.imdecode(data, cv2.IMREAD_COLOR)) == STAMP
    assert barcode.read(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE)) == STAMP


@settings(max_examples=30)
@given(st.integers(0, 2**40 - 1), st.integers(0, 2**56 - 1))
def test_any_number_and_time_can_be_read(number: int, time_us: int) -> None:
    image = picture(320, 240)
    barcode.draw(image, Stamp(number, time_us))
    assert barcode.read(image) == (number, time_us)


def test_a_picture_without_a_barcode_has_none() -> None:
    assert barcode.read(picture(640, 480)) is None
    assert barcode.read(np.zeros((480, 640, 3), np.uint8)) is None
    assert barcode.read(np.zeros((10, 10, 3), np.uint8)) is None


def test_a_damaged_barcode_is_not_read() -> None:
    image = picture(640, 480)
    barcode.draw(image, STAMP)
    cell = barcode.cell_size(640)
    image[:cell, 37 * cell : 38 * cell] = 255 - image[:cell, 37 * cell : 38 * cell]
    assert barcode.read(image) is None


def test_a_picture_that_is_too_small_is_refused() -> None:
    with pytest.raises(ValueError, match="too small"):
        barcode.draw(np.zeros((50, 100, 3), np.uint8), STAMP)
