"""The plan of a recording: its name, its format, its settings."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from twistedcam.errors import BadArgument
from twistedcam.media.track import Track
from twistedcam.recording.containers import SUFFIXES, Format, format_of_name
from twistedcam.recording.settings import RecordSettings
from twistedcam.recording.writer.disk_space import check_folder, check_mount
from twistedcam.recording.writer.file_names import check_name, is_free, reserve, reserve_free_name
from twistedcam.recording.writer.part_file import PREFIX, SUFFIX, disk_error
from twistedcam.runtime.file_system import max_name_length

#: Frames a second at which a timelapse is played.
TIMELAPSE_FPS = 30


@dataclass(frozen=True)
class Plan:
    """The subject, format and settings of a recording.

    Arguments:
        name: the first file's name, taken by ``file_names.reserve``; the session gives it back.
        own_name: True if a person gave the name; the files that follow get it with a number.
        every: seconds from one frame of a timelapse to the next, or None.
        rate: highest number of frames a second from the camera, if known.
        sound: the track of the camera's sound at the start; None if it has none.
    """

    folder: Path
    camera: str
    name: str
    own_name: bool
    format: Format
    settings: RecordSettings
    every: float | None = None
    rate: float | None = None
    sound: Track | None = None

    @property
    def has_sound(self) -> bool:
        """True if the camera's sound is recorded, too; a timelapse has none."""
        return self.settings.audio and self.every is None

    @property
    def grid(self) -> float | None:
        """Steps a second of a file without time stamps (AVI); None for fine steps."""
        return self.rate if self.every is None else TIMELAPSE_FPS

    @property
    def pace(self) -> float:
        """Seconds of recording in one second of playback."""
        return 1.0 if self.every is None else self.every * TIMELAPSE_FPS


def check_plan(folder: Path, name: str | None, settings: RecordSettings) -> None:
    """Check that a recording can begin now.

    Raises:
        BadArgument: the name is not valid for a recording, or is in use.
        DiskError: the folder cannot be written, or is full.
    """
    name = _checked(folder, name, settings)
    with _disk_errors(folder):
        if name is not None and not is_free(folder, name):
            raise _not_free(name)


def make_plan(
    folder: Path,
    camera: str,
    name: str | None,
    settings: RecordSettings,
    every: float | None,
    rate: float | None = None,
) -> Plan:
    """Take a name and return the plan; raises as ``check_plan`` does."""
    chosen = _checked(folder, name, settings)
    with _disk_errors(folder):
        if chosen is None:
            suffix = settings.default_format.container.suffix
            chosen = reserve_free_name(folder, camera, time.time(), suffix)
        elif not reserve(folder, chosen):
            raise _not_free(chosen)
    format = format_of_name(chosen, settings.format)
    return Plan(folder, camera, chosen, name is not None, format, settings, every, rate)


def _checked(folder: Path, name: str | None, settings: RecordSettings) -> str | None:
    if name is not None:
        name = check_name(name, SUFFIXES, settings.default_format.container.suffix)
    check_mount(folder, settings.require_mount)
    check_folder(folder)
    longest = max_name_length(folder) - len(PREFIX + SUFFIX)
    if name is not None and len(os.fsencode(name)) > longest:
        raise BadArgument(
            f"{name!r} is too long for the file system of {folder}: at most {longest} bytes"
        )
    return name


@contextmanager
def _disk_errors(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise disk_error(str(folder), error) from error


def _not_free(name: str) -> BadArgument:
    return BadArgument(f"there is a recording {name!r} already")
