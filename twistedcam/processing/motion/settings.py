"""Settings of a camera's motion detection, and how they are read."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from twistedcam.camera.source_settings import check_source
from twistedcam.errors import BadArgument
from twistedcam.sources.spec import SourceSpec, parse
from twistedcam.util import quantities
from twistedcam.util.polygons import MAX_POLYGONS, Polygon, polygons_text, read_polygons
from twistedcam.util.schedule import Schedule, read_schedule
from twistedcam.util.schema import (
    Option,
    Read,
    read_settings,
    read_switch,
    settings_of,
    split_words,
)

Zone = tuple[str, Polygon]

#: The most characters of a zone's name in a text.
_MAX_NAME = 64


def read_zones(value: Any, name: str) -> tuple[Zone, ...]:
    """Return zones with their names: those of a table or a text, or 1, 2, 3 …

    Arguments:
        value: a table of polygons or of lists of them; or as for ``read_polygons``. In a text, a
            polygon can have a name: ``drive: 0,0.6 0.5,0.6 0.5,1``.
        name: the setting's name, for errors.

    Raises:
        BadArgument: it has another form.
    """
    if isinstance(value, str) and value.lstrip().startswith("{"):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            raise BadArgument(f"{name}={value!r} is not valid JSON") from None
    if isinstance(value, str) and ":" in value:
        return _named_zones(value, name)
    if not isinstance(value, dict):
        found = read_polygons(value, name)
        return tuple((str(number), each) for number, each in enumerate(found, 1))
    zones: list[tuple[str, Polygon]] = []
    for zone, given in value.items():
        polygons = read_polygons(given, f"{name}.{zone}")
        zones += [(zone, each) for each in polygons]
    return tuple(zones)


def _named_zones(text: str, name: str) -> tuple[Zone, ...]:
    zones: list[Zone] = []
    parts = [each.rpartition(":") for each in text.split(";") if each.strip()]
    if len(parts) > MAX_POLYGONS:
        raise BadArgument(f"{name} can have {MAX_POLYGONS} polygons at most")
    for number, (zone, _, corners) in enumerate(parts, 1):
        zone = zone.strip() or str(number)
        if len(zone) > _MAX_NAME or not zone.isprintable():
            raise BadArgument(f"the name of a zone has at most {_MAX_NAME} printable characters")
        if corners.lstrip().startswith("[") or not corners.strip():
            raise BadArgument(f"{name}: write the zone {zone!r} as '{zone}: 0,0.5 1,0.5 1,1'")
        zones += [(zone, each) for each in read_polygons(corners, f"{name}.{zone}")]
    return tuple(zones)


def zones_text(zones: Iterable[Zone]) -> str:
    """Return zones as a text that ``read_zones`` reads."""
    zones = tuple(zones)
    if any(not _is_plain(zone) for zone, _ in zones):
        table: dict[str, list[Polygon]] = {}
        for zone, polygon in zones:
            table.setdefault(zone, []).append(polygon)
        return json.dumps(table, ensure_ascii=False)
    return "; ".join(f"{zone}: {polygons_text([polygon])}" for zone, polygon in zones)


def _is_plain(zone: str) -> bool:
    """True if a name can be written before a colon as it is."""
    fits = zone == " ".join(zone.split()) and 0 < len(zone) <= _MAX_NAME and zone.isprintable()
    return fits and ";" not in zone and not zone.startswith("{")


def _source(text: str, name: str) -> SourceSpec:
    spec = parse(text)
    check_source(spec)
    return spec


Share = Annotated[float, Meta(ge=0.01, le=100)]
Pause = Read(
    lambda value, name: 0.0 if value in (0, "0", "0s") else quantities.seconds(value, name),
    given=Any,
    kind="duration",
)
Switch = Read(read_switch, given=Any, kind="switch")


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

    sensitivity: Annotated[
        float, Meta(ge=1, le=100), Option("how little something may differ from the background")
    ] = 50
    min_area: Annotated[Share, Option("the least area of what moves", unit="% of the picture")] = (
        0.5
    )
    min_duration: Annotated[float, Pause, Option("how long something has to move")] = 0.2
    zones: Annotated[
        tuple[Zone, ...],
        Read(read_zones, given=Any, kind="zones"),
        Option(
            "areas in which motion counts; everywhere if there are none",
            example="drive: 0,0.6 0.5,0.6 0.5,1 0,1",
        ),
    ] = ()
    ignore: Annotated[
        tuple[Polygon, ...],
        Read(read_polygons, given=Any, kind="polygons"),
        Option("areas in which motion does not count", example="0,0 1,0 1,0.2 0,0.2"),
    ] = ()
    record: Annotated[bool, Switch, Option("record while something moves")] = True
    before: Annotated[
        float, Pause, Option("time before the motion that is recorded too", example="5s")
    ] = 5.0
    after: Annotated[
        float, Pause, Option("time after the motion that is recorded too", example="10s")
    ] = 10.0
    source: Annotated[
        SourceSpec | None,
        Read(_source, kind="source"),
        Option(
            "a smaller stream of the same camera, in which motion is looked for",
            example="rtsp://HOST/substream",
        ),
    ] = None
    when: Annotated[
        Schedule | None,
        Read(read_schedule, given=Any, kind="schedule"),
        Option(
            "times of the week at which motion is detected",
            "hooks.md#schedules",
            example="mo-fr 18:00-07:00; sa,su",
        ),
    ] = None
    enabled: Annotated[bool, Switch, Option("detect motion from the start")] = True

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
