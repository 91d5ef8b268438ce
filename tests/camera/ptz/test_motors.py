"""Directions as words, and pictures that are turned."""

from __future__ import annotations

import pytest

from twistedcam.camera.ptz.motors import Velocity, as_seen, parse_direction
from twistedcam.errors import BadArgument


@pytest.mark.parametrize(
    ("word", "speed", "velocity"),
    [
        ("left", None, (-0.5, 0, 0)),
        ("right", "1", (1, 0, 0)),
        ("up", "0.25", (0, 0.25, 0)),
        ("DOWN", "1", (0, -1, 0)),
        ("in", "1", (0, 0, 1)),
        ("out", "0.01", (0, 0, -0.01)),
        ("up-left", "1", (-1, 1, 0)),
        ("right-down", "1", (1, -1, 0)),
    ],
)
def test_a_direction_is_a_velocity(word: str, speed: str | None, velocity: object) -> None:
    assert parse_direction(word, speed) == velocity


@pytest.mark.parametrize(
    ("word", "speed"),
    [("north", None), ("", None), ("left-right", None), ("left-", None), ("left-left", None),
     ("left", "0"), ("left", "2"), ("left", "fast"), ("left", "nan"), ("left", "-1")],
)  # fmt: skip
def test_other_words_are_errors(word: str, speed: str | None) -> None:
    with pytest.raises(BadArgument):
        parse_direction(word, speed)


@pytest.mark.parametrize(
    ("settings", "velocity"),
    [
        ({}, (1, 0, 0.5)),
        ({"rotate": "180"}, (-1, 0, 0.5)),
        ({"rotate": "90"}, (0, 1, 0.5)),
        ({"rotate": "270"}, (0, -1, 0.5)),
        ({"flip": "h"}, (-1, 0, 0.5)),
        ({"flip": "v"}, (1, 0, 0.5)),
        ({"rotate": "90", "flip": "h"}, (0, -1, 0.5)),
    ],
)
def test_right_is_right_in_the_picture(settings: dict[str, str], velocity: object) -> None:
    found = as_seen(Velocity(1, 0, 0.5), settings)
    assert tuple(each + 0.0 for each in found) == velocity
