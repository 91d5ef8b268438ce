"""Settings of a camera's motion detection, and how they are read."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from twistedcam.errors import BadArgument
from twistedcam.util import quantities
from twistedcam.util.schedule import Schedule, read_schedule
from twistedcam.util.schema import Read, read_settings, read_switch, settings_of, split_words

#: A polygon: its corners as shares of the picture's width and height, from the upper left.
Polygon = tuple[tuple[float, float], ...]

_EXAMPLE = "write it as [[0, 0.5], [1, 0.5], [1, 1], [0, 1]], with shares of width and height"
_MAX_POLYGONS = 32
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
    if len(value) > _MAX_POLYGONS:
        raise BadArgument(f"{name} can have {_MAX_POLYGONS} polygons at most")
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


def _zones(value: Any, name: str) -> tuple[tuple[str, Polygon], ...]:
    """Return zones with their names: those of a table, or 1, 2, 3 …"""
    if not isinstance(value, dict):
        found = read_polygons(value, name)
        return tuple((str(number), each) for number, each in enumerate(found, 1))
    zones: list[tuple[str, Polygon]] = []
    for zone, given in value.items():
        polygons = read_polygons(given, f"{name}.{zone}")
        zones += [(zone, each) for each in polygons]
    return tuple(zones)


Share = Annotated[float, Meta(ge=0.01, le=100)]
Duration = Read(quantities.seconds, given=Any)
Pause = Read(
    lambda value, name: 0.0 if value in (0, "0", "0s") else quantities.seconds(value, name),
    given=Any,
)
Switch = Read(read_switch, given=Any)


class MotionSettings(Struct, frozen=True):
    """Settings of motion detection.

    Arguments:
        sensitivity: from 1 (only what is conspicuous) to 100.
        min_area: the least area of what moves, in percent of the picture.
        min_duration: seconds for which something has to move.
        zones: names and polygons in which motion counts; everywhere if there are none.
        ignore: polygons in which it does not count.
        record: True to record while something moves.
        before, after: seconds before and after the motion that are recorded too.
        when: the times of the week at which motion is detected; None for always.
        enabled: False to detect nothing until the command ``motion on``.
    """

    sensitivity: Annotated[float, Meta(ge=1, le=100)] = 50
    min_area: Share = 0.5
    min_duration: Annotated[float, Pause] = 0.2
    zones: Annotated[tuple[tuple[str, Polygon], ...], Read(_zones, given=Any)] = ()
    ignore: Annotated[tuple[Polygon, ...], Read(read_polygons, given=Any)] = ()
    record: Annotated[bool, Switch] = True
    before: Annotated[float, Pause] = 5.0
    after: Annotated[float, Pause] = 10.0
    when: Annotated[Schedule | None, Read(read_schedule, given=Any)] = None
    enabled: Annotated[bool, Switch] = True

    @classmethod
    def from_words(cls, words: Iterable[str], base: MotionSettings | None = None) -> MotionSettings:
        """Settings from ``NAME=VALUE`` words; others are as in ``base``.

        Raises:
            BadArgument: there is no such setting, or its value is invalid.
        """
        table = split_words(words, "sensitivity=70")
        return msgspec.structs.replace(base or cls(), **read_motion(table))


def read_motion(table: Mapping[str, Any], where: str = "") -> dict[str, Any]:
    """Return the values of a table by the fields of MotionSettings.

    Arguments:
        where: what its keys begin with in errors.

    Raises:
        BadArgument: there is no such setting, or its value is invalid.
    """
    return read_settings(settings_of(MotionSettings), table, where, "motion setting")
