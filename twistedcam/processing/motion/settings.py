"""Settings of a camera's motion detection, and how they are read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from twistedcam.camera.camera import check_source
from twistedcam.sources.spec import SourceSpec, parse
from twistedcam.util import quantities
from twistedcam.util.polygons import Polygon, read_polygons
from twistedcam.util.schedule import Schedule, read_schedule
from twistedcam.util.schema import Read, read_settings, read_switch, settings_of, split_words


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


def _source(text: str, name: str) -> SourceSpec:
    spec = parse(text)
    check_source(spec)
    return spec


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
        source: a smaller stream of the same camera, in which motion is looked for.
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
    source: Annotated[SourceSpec | None, Read(_source)] = None
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
