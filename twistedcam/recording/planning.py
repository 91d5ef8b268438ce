"""What a recording that begins now will be: its name, its format, its settings."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from twistedcam.errors import BadArgument
from twistedcam.recording.containers import SUFFIXES, format_of_name
from twistedcam.recording.settings import RecordSettings
from twistedcam.recording.writer.disk_space import check_folder, check_mount
from twistedcam.recording.writer.file_names import check_name, is_free, take, take_free_name
from twistedcam.recording.writer.part_file import PREFIX, SUFFIX, disk_error
from twistedcam.recording.writer.session import Plan
from twistedcam.runtime.file_system import longest_name


def check_plan(folder: Path, name: str | None, settings: RecordSettings) -> None:
    """See that a recording could begin now.

    Raises:
        BadArgument: that is no name for a recording, or there is one of that name.
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
    """All of it, the name taken; errors as check_plan. The session gives the name back."""
    chosen = _checked(folder, name, settings)
    with _disk_errors(folder):
        if chosen is None:
            suffix = settings.default_format.container.suffix
            chosen = take_free_name(folder, camera, time.time(), suffix)
        elif not take(folder, chosen):
            raise _not_free(chosen)
    format = format_of_name(chosen, settings.format)
    return Plan(folder, camera, chosen, name is not None, format, settings, every, rate)


def _checked(folder: Path, name: str | None, settings: RecordSettings) -> str | None:
    if name is not None:
        name = check_name(name, SUFFIXES, settings.default_format.container.suffix)
    check_mount(folder, settings.require_mount)
    check_folder(folder)
    longest = longest_name(folder) - len(PREFIX + SUFFIX)
    if name is not None and len(os.fsencode(name)) > longest:
        raise BadArgument(
            f"{name!r} is too long for the file system of {folder}: at most {longest} bytes"
        )
    return name


@contextmanager
def _disk_errors(folder: Path) -> Iterator[None]:
    """What the system says while it is asked for names."""
    try:
        yield
    except OSError as error:
        raise disk_error(str(folder), error) from error


def _not_free(name: str) -> BadArgument:
    return BadArgument(f"there is a recording {name!r} already")
