"""Polygons in a picture, and how they are read."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from typing import Any

from twistedcam.errors import BadArgument

#: A polygon: its corners as shares of the picture's width and height, from the upper left.
Polygon = tuple[tuple[float, float], ...]

_EXAMPLE = "write it as [[0, 0.5], [1, 0.5], [1, 1], [0, 1]], with shares of width and height"
#: The most polygons of a setting.
MAX_POLYGONS = 32
_MAX_CORNERS = 100


def read_polygons(value: Any, name: str) -> tuple[Polygon, ...]:
    """Return polygons from a list of lists of points, or from a text.

    Arguments:
        value: a list of polygons, or one polygon; or a text: JSON, or ``0,0.5 1,0.5 1,1; …``.
        name: the setting's name, for errors.

    Raises:
        BadArgument: it has another form.
    """
    if isinstance(value, str) and value.lstrip().startswith("["):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            raise BadArgument(f"{name}={value!r} is not valid JSON: {_EXAMPLE}") from None
    if isinstance(value, str):
        texts = [each.split() for each in value.split(";") if each.strip()]
        value = [[point.split(",") for point in points] for points in texts]
    if not isinstance(value, list | tuple):
        raise BadArgument(f"{name} has to be a list of polygons: {_EXAMPLE}")
    if value and all(_is_point(each) for each in value):
        value = [value]
    if len(value) > MAX_POLYGONS:
        raise BadArgument(f"{name} can have {MAX_POLYGONS} polygons at most")
    return tuple(_polygon(each, name) for each in value)


def _is_point(value: Any) -> bool:
    is_pair = isinstance(value, list | tuple) and len(value) == 2
    return is_pair and not any(isinstance(each, list | tuple) for each in value)


def _polygon(value: Any, name: str) -> Polygon:
    if not isinstance(value, list | tuple) or not 3 <= len(value) <= _MAX_CORNERS:
        raise BadArgument(f"a polygon of {name} needs 3 to {_MAX_CORNERS} corners: {_EXAMPLE}")
    return tuple(_corner(each, name) for each in value)


def _corner(value: Any, name: str) -> tuple[float, float]:
    if _is_point(value):
        try:
            x, y = (float(each) for each in value if not isinstance(each, bool))
        except (TypeError, ValueError):
            x = y = math.nan
        if 0 <= x <= 1 and 0 <= y <= 1:
            return x, y
    raise BadArgument(f"{name}: {value!r} is not a point of the picture: {_EXAMPLE}")


def polygons_text(polygons: Iterable[Polygon]) -> str:
    """Return polygons as a text that ``read_polygons`` reads."""
    return ";".join(" ".join(f"{x:g},{y:g}" for x, y in polygon) for polygon in polygons)
