"""What is done to pictures on their way: turned as asked, the time written in, else untouched."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest

from twistedcam.sources import Grab
from twistedcam.sources.encode import Encoder, Picture
from twistedcam.sources.spec import parse

GREY: Any = np.full((360, 640, 3), 128, np.uint8)


def jpeg_of(image: Any) -> bytes:
    return cv2.imencode(".jpg", image)[1].tobytes()


def image_of(picture: Picture) -> Any:
    assert isinstance(picture.jpeg, bytes)
    return cv2.imdecode(np.frombuffer(picture.jpeg, np.uint8), cv2.IMREAD_COLOR)


def marks(picture: Picture) -> tuple[bool, bool, bool, bool]:
    """Whether each corner is bright: upper left, upper right, lower left, lower right."""
    image = image_of(picture)
    corners = image[10, 10], image[10, -10], image[-10, 10], image[-10, -10]
    upper_left, upper_right, lower_left, lower_right = (bool(c.mean() > 190) for c in corners)
    return upper_left, upper_right, lower_left, lower_right


@pytest.mark.parametrize("as_jpeg", [True, False])
@pytest.mark.parametrize(
    ("query", "corner"),
    [
        ("rotate=90", 1),
        ("rotate=180", 3),
        ("rotate=270", 2),
        ("flip=h", 1),
        ("flip=v", 2),
        ("rotate=90&flip=h", 0),
    ],
)
def test_the_upper_left_corner_goes_where_it_is_asked_to(
    query: str, corner: int, as_jpeg: bool
) -> None:
    image = GREY.copy()
    image[:40, :40] = 255
    grab = Grab(1.0, jpeg=jpeg_of(image)) if as_jpeg else Grab(1.0, image=image)
    picture = Encoder.from_spec(parse(f"pattern:?{query}")).finish(grab)
    assert [index for index, bright in enumerate(marks(picture)) if bright] == [corner]


@pytest.mark.parametrize("as_jpeg", [True, False])
def test_the_time_of_capture_is_written_into_the_lower_left_and_nowhere_else(as_jpeg: bool) -> None:
    def written(query: str, seconds: float) -> Any:
        grab = Grab(seconds, jpeg=jpeg_of(GREY)) if as_jpeg else Grab(seconds, image=GREY)
        return image_of(Encoder.from_spec(parse(f"pattern:?{query}")).finish(grab)).astype(int)

    plain = written("", 1.7e9)
    one, same, other = (written("timestamp=1", at) for at in (1.7e9, 1.7e9, 1.7e9 + 86_400))
    changed = np.argwhere(abs(one - plain).max(axis=2) > 60)
    assert len(changed) > 200
    assert changed[:, 0].min() > 300
    assert changed[:, 1].max() < 400
    assert (one == same).all()
    assert abs(one - other).max() > 60, "another day is other words"
    assert (GREY == 128).all(), "the source's own picture is not drawn on"


def test_without_any_of_it_the_camera_s_bytes_are_the_picture() -> None:
    data = jpeg_of(GREY)
    assert Encoder.from_spec(parse("webcam:0")).finish(Grab(1.0, jpeg=data)).jpeg is data
