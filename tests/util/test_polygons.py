"""Polygons as lists, as JSON and as a text."""

from __future__ import annotations

import pytest

from twistedcam.errors import BadArgument
from twistedcam.util.polygons import polygons_text, read_polygons

READ = ((0.0, 0.5), (1.0, 0.5), (1.0, 1.0))


@pytest.mark.parametrize(
    "text", ["0,0.5 1,0.5 1,1", "[[0, 0.5], [1, 0.5], [1, 1]]", "[[[0,0.5],[1,0.5],[1,1]]]"]
)
def test_a_polygon_is_a_list_or_a_text(text: str) -> None:
    assert read_polygons(text, "ignore") == (READ,)


def test_several_polygons_become_a_text_and_are_read_from_it() -> None:
    several = (READ, ((0.125, 0.25), (0.5, 0.5), (0.0, 1.0)))
    assert polygons_text(several) == "0,0.5 1,0.5 1,1;0.125,0.25 0.5,0.5 0,1"
    assert read_polygons(polygons_text(several), "ignore") == several
    assert read_polygons("", "ignore") == ()


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (5, "has to be a list of polygons"),
        ([[0, 0]], "3 to 100 corners"),
        ([[[0, 0], [1, 1], [0, "x"]]], "is not a point of the picture"),
        ([[[0, 0], [1, 1], [0, True]]], "is not a point of the picture"),
        ([[[0, 0], [1, 1], [0, 1, 2]]], "is not a point of the picture"),
        ([[[0, 0], [1, 1], [0, float("nan")]]], "is not a point of the picture"),
        ([[[0, 0], [1, 1], [0, 1.5]]], "is not a point of the picture"),
        ([[[0, 0], [1, 1], [0, 1]]] * 33, "32 polygons at most"),
    ],
)
def test_another_form_is_one_clear_error(value: object, message: str) -> None:
    with pytest.raises(BadArgument, match=message):
        read_polygons(value, "ignore")
