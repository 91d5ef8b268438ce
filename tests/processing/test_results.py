"""Values that user code returns become results, or are refused with a reason."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from twistedcam.codecs.jpeg_encoder import JpegEncoder
from twistedcam.media.frame import Frame
from twistedcam.processing.results import MAX_DATA, MAX_SIDE, BadResult, read_result

FRAME = Frame(1, 1, 4, 4, b"")


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ({"n": np.int64(3), "at": np.array([1, 2])}, {"n": 3, "at": [1, 2]}),
        ([1, "ä"], [1, "ä"]),
        ((None, {"a": 1}), {"a": 1}),
        (FRAME, None),
    ],
)
def test_data_is_json(value: Any, told: Any) -> None:
    result = read_result(value, FRAME)
    assert result is not None and (result.image, result.data) == (None, told)


def test_grey_pictures_are_accepted_and_arrays_are_copied() -> None:
    grey = np.full((4, 6), 7, np.uint8)
    colour = np.zeros((4, 6, 3), np.uint8)
    for value in (grey, colour):
        result = read_result(value, FRAME)
        assert result is not None and result.image is not None
        assert result.image.shape == (4, 6, 3)
        assert not np.shares_memory(result.image, value)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("text", "cannot be of type str"),
        (np.zeros((4, 4, 3)), "the type float64"),
        (np.zeros((4, 4, 4), np.uint8), "the shape"),
        (np.zeros((0, 4, 3), np.uint8), "the shape"),
        (np.zeros((MAX_SIDE + 1, 1, 3), np.uint8), "1x65501 pixels: a JPEG has at most 65500"),
        (np.zeros((1, MAX_SIDE + 1), np.uint8), "65501x1 pixels: a JPEG has at most 65500"),
        (
            np.broadcast_to(np.uint8(0), (10_001, 10_000)),
            "10000x10001 pixels: it can have 100,000,",
        ),
        (np.broadcast_to(np.uint8(0), (10_001, 10_000, 3)), "10000x10001 pixels: it can have 100,"),
        ({"f": FRAME}, "cannot be written as JSON"),
        ({"nan": float("nan")}, "cannot be written as JSON"),
        (["x" * MAX_DATA], "characters of JSON"),
    ],
)
def test_an_invalid_result_is_refused_with_the_valid_ones(value: Any, said: str) -> None:
    with pytest.raises(BadResult, match=said):
        read_result(value, FRAME)


def test_the_largest_picture_can_be_encoded() -> None:
    result = read_result(np.zeros((MAX_SIDE, 1), np.uint8), FRAME)
    assert result is not None
    assert JpegEncoder().finish(result.picture).height == MAX_SIDE
