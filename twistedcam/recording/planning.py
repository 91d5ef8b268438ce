"""What a recording that begins now will be: its name, its format, its settings."""

from __future__ import annotations

import time
from pathlib import Path

from twistedcam.errors import BadArgument
from twistedcam.recording.disk import check_folder
from twistedcam.recording.formats import SUFFIXES, format_of_name
from twistedcam.recording.names import check_name, free_name, is_free
from twistedcam.recording.session import Plan
from twistedcam.recording.settings import RecordSettings


def choose_name(folder: Path, camera: str, name: str | None, settings: RecordSettings) -> str:
    """The name that a recording begun now would have.

    Raises:
        BadArgument: that is no name for a recording, or there is one of that name.
        DiskError: the folder cannot be written, or is full.
    """
    default = settings.default_format.container.suffix
    if name is not None:
        name = check_name(name, SUFFIXES, default)
    check_folder(folder)
    if name is None:
        return free_name(folder, camera, time.time(), default)
    if not is_free(folder, name):
        raise BadArgument(f"there is a recording {name!r} already")
    return name


def make_plan(
    folder: Path, camera: str, name: str | None, settings: RecordSettings, every: float | None
) -> Plan:
    """All of it; errors as choose_name."""
    chosen = choose_name(folder, camera, name, settings)
    format = format_of_name(chosen, settings.format)
    return Plan(folder, camera, chosen, name is not None, format, settings, every)
