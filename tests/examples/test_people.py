"""A person makes an event when coming and when going."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest

from tests.support.example_frames import all_of
from twistedcam.examples import people

EMPTY = np.full((360, 480, 3), 190, np.uint8)


def person() -> Any:
    """A person who is drawn, 240 pixels high."""
    image, dark = EMPTY.copy(), (40, 40, 40)
    cv2.circle(image, (240, 78), 16, dark, -1)
    cv2.ellipse(image, (240, 138), (31, 48), 0, 0, 360, dark, -1)
    for side in (-1, 1):
        cv2.line(image, (240 + side * 27, 111), (240 + side * 34, 183), dark, 15)
        cv2.line(image, (240 + side * 10, 174), (240 + side * 16, 294), dark, 21)
    return cv2.GaussianBlur(image, (5, 5), 0)


@pytest.mark.skipif(not hasattr(cv2, "HOGDescriptor"), reason="OpenCV 5 has no such detector")
def test_a_person_is_found(monkeypatch: Any) -> None:
    monkeypatch.setattr(people, "PATIENCE", 2)
    images = [EMPTY, person(), *[EMPTY] * (people.PATIENCE + 3)]
    found = [value for value in all_of(people.people, images) if isinstance(value, dict)]
    assert [(each["event"], each["kind"]) for each in found] == [
        ("begin", "person"),
        ("end", "person"),
    ]
    x, _, width, height = found[0]["box"]
    assert x < 0.5 < x + width
    assert 0.5 < height <= 1


def test_with_opencv_5_the_error_says_what_to_install(monkeypatch: Any) -> None:
    monkeypatch.delattr(cv2, "HOGDescriptor", raising=False)
    with pytest.raises(RuntimeError, match="opencv-python<5"):
        people.descriptor()
