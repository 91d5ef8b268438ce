"""The configuration file: TOML with a key for each option of ``serve``, and tables of cameras.

A top-level key is the long name of an option. ``[camera.NAME]`` has the camera's ``source``,
settings of that source, ``publish`` and ``process``; ``[camera.NAME.recording]`` has its recording
settings, ``[camera.NAME.motion]`` those of motion detection, and ``[camera.NAME.video]`` those of
its viewers' video. ``[recording]``, ``[motion]`` and ``[video]`` apply to all cameras.
``[[hook]]`` are hooks.
"""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, NamedTuple

from msgspec import Struct

from twistedcam.automation.hooks import read_hooks
from twistedcam.codecs.video_settings import read_video
from twistedcam.config.options import OPTIONS
from twistedcam.errors import BadArgument
from twistedcam.processing.motion.settings import read_motion
from twistedcam.publishing.target import PublishTarget, parse_target
from twistedcam.recording.settings import read_recording
from twistedcam.sources.spec import SourceSpec, parse
from twistedcam.util.camera_name import check_distinct, check_name
from twistedcam.util.polygons import polygons_text, read_polygons
from twistedcam.util.schema import Read, read_settings, settings_of


def _source(value: Any, _: str) -> SourceSpec:
    if isinstance(value, bool) or not isinstance(value, str | int):  # the number of a webcam
        raise BadArgument("a camera needs a source: source = 'webcam:0'")
    return parse(str(value))


Targets = Annotated[list[PublishTarget], Read(lambda text, _: parse_target(text))]
#: The checked values of a ``recording`` table.
Recording = Annotated[
    dict[str, Any],
    Read(lambda table, label: read_recording(table, f"{label}."), given=dict[str, Any]),
]
#: The checked values of a ``motion`` table.
Motion = Annotated[
    dict[str, Any] | None,
    Read(lambda table, label: read_motion(table, f"{label}."), given=dict[str, Any]),
]
#: The checked values of a ``video`` table.
Video = Annotated[
    dict[str, Any],
    Read(lambda table, label: read_video(table, f"{label}."), given=dict[str, Any]),
]

#: The checked tables ``[[hook]]``.
Hooks = Annotated[Any, Read(lambda tables, _: read_hooks(tables), given=Any)]


class CameraTable(Struct):
    """The table of a camera. Other keys than these are settings of its source."""

    source: Annotated[SourceSpec, Read(_source, given=Any)]
    publish: Targets = []
    process: list[str] = []
    recording: Recording = {}
    motion: Motion = None
    video: Video = {}


class Tables(Struct):
    """The tables of a file: cameras by name, settings of all cameras, and hooks."""

    camera: dict[str, Any] = {}
    recording: Recording = {}
    motion: Motion = None
    video: Video = {}
    hook: Hooks = []


class ConfigContents(NamedTuple):
    """The contents of a file.

    Arguments:
        options: the options by field name, with the hooks as ``hook``.
        cameras: the tables of the cameras in their order.
        recording: recording settings of all cameras.
        motion: settings of motion detection of all cameras; None if there is no such table.
        video: settings of the viewers' video of all cameras.
    """

    options: dict[str, Any]
    cameras: dict[str, CameraTable]
    recording: dict[str, Any]
    motion: dict[str, Any] | None
    video: dict[str, Any]


#: The options that a file can have.
FILE_OPTIONS = {key: each for key, each in OPTIONS.items() if each.option.in_file}


def read_config(path: Path, text: str | None = None) -> ConfigContents:
    """Read and check a file.

    Arguments:
        text: contents to check in place of the file's.

    Raises:
        BadArgument: the file cannot be read, is not TOML, or has an invalid key or value.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8") if text is None else text)
    except OSError as error:
        raise BadArgument(f"the configuration {path} cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadArgument(f"{path} is not valid TOML: {error}") from None
    with _errors_in(str(path)):
        options = read_settings(FILE_OPTIONS | settings_of(Tables), document)
        tables, recording = options.pop("camera", {}), options.pop("recording", {})
        motion, video = options.pop("motion", None), options.pop("video", {})
        cameras: dict[str, CameraTable] = {}
        for written, table in tables.items():
            name = check_name(written)
            if name in cameras:  # in two Unicode forms
                raise BadArgument(f"two cameras are named {name!r}: give each another name")
            check_distinct(name, cameras)
            with _errors_in(f"[camera.{written}]"):
                cameras[name] = _read_camera(table)
    return ConfigContents(options, cameras, recording, motion, video)


def _read_camera(table: Any) -> CameraTable:
    if not isinstance(table, dict):
        raise BadArgument("a camera has to be a table with a source: source = 'webcam:0'")
    known = settings_of(CameraTable)
    own = {key: value for key, value in table.items() if key in known}
    camera = CameraTable(**read_settings(known, {"source": None, **own}))
    settings = {key: _text(key, value) for key, value in table.items() if key not in known}
    spec = camera.source
    camera.source = dataclasses.replace(spec, settings={**spec.settings, **settings})
    return camera


def _text(key: str, value: Any) -> str:
    if key == "privacy":
        return polygons_text(read_polygons(value, key))
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, str | int | float):
        return str(value)
    raise BadArgument(f"{key} has to be a string, a number, or true or false")


@contextmanager
def _errors_in(where: str) -> Iterator[None]:
    """Prefix errors with the place where they occurred."""
    try:
        yield
    except BadArgument as error:
        raise BadArgument(f"{where}: {error}") from None
