"""Folders in which the page may let the server record."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from twistedcam.errors import BadArgument, Forbidden
from twistedcam.recording.library.hidden_folder import HIDDEN
from twistedcam.recording.writer.disk_space import free_bytes, is_mounted
from twistedcam.runtime.home import home_folder

#: Folders in which disks are mounted.
_DISKS = (Path("/media"), Path("/run/media"), Path("/mnt"), Path("/srv"))
#: The name of a new folder on a disk.
_NAME = "twistedcam"
#: Disks that are offered.
_MAX_DISKS = 8


def offered_places(current: Path) -> list[dict[str, Any]]:
    """Return folders to choose from: ``folder``, and ``free`` and ``total`` bytes of the disk.

    Blocks, for a disk that must be mounted first.

    Arguments:
        current: the recordings folder now; it is the first.
    """
    found = [current, Path("recordings").absolute()]
    with suppress(BadArgument):
        home = home_folder()
        found.append((home / "Videos" if (home / "Videos").is_dir() else home) / _NAME)
    found += [disk / _NAME for disk in _disks()]
    places = []
    for folder in dict.fromkeys(found):
        with suppress(OSError, Forbidden):
            if folder != current:
                check_place(folder, current)
            disk = os.statvfs(_existing(folder))
            total = disk.f_blocks * disk.f_frsize
            free = free_bytes(_existing(folder))
            places.append({"folder": str(folder), "free": min(free, total), "total": total})
    return places


def check_place(folder: Path, current: Path) -> None:
    """Check that the page may let the server record in a folder.

    It has to be in the home folder or the working folder of the server, on a mounted disk, or in
    the recordings folder now; and to be new, empty, or a recordings folder already, because the
    page lists and deletes what is in it.

    Raises:
        Forbidden: only the file itself may name this folder.
    """
    real = Path(os.path.realpath(folder))
    if real == Path(os.path.realpath(current)):
        return
    bases = [each for each in _bases(current) if each in real.parents]
    if not bases:
        raise Forbidden(
            f"{folder}: choose a folder in the home folder or the working folder of the server, "
            f"or on a disk in {', '.join(map(str, _DISKS))}; others are set in the file itself"
        )
    if all(any(part.startswith(".") for part in real.relative_to(base).parts) for base in bases):
        raise Forbidden(f"{folder} is a hidden folder: choose another one")
    try:
        if real.exists() and not real.is_dir():
            raise Forbidden(f"{folder} is a file: choose a folder")
        if real.is_dir() and not (real / HIDDEN).is_dir() and any(real.iterdir()):
            raise Forbidden(f"{folder} has other files in it: choose a new or an empty folder")
        existing = _existing(real)
        if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
            raise Forbidden(f"{folder} cannot be written by the server: choose another folder")
    except OSError as error:
        raise Forbidden(f"{folder}: {error.strerror}") from None


def _bases(current: Path) -> Iterator[Path]:
    found = [Path.cwd(), current, *_DISKS]
    with suppress(BadArgument):
        found.append(home_folder())
    for each in found:
        real = Path(os.path.realpath(each))
        if real != Path("/"):
            yield real


def _disks() -> list[Path]:
    """Return the mounted disks that the server can write."""
    found: list[Path] = []
    for base in _DISKS:
        with suppress(OSError):
            inner = [each for each in sorted(base.iterdir()) if each.is_dir()]
            if base.name == "media":  # /media/USER/DISK
                inner += [disk for each in inner for disk in sorted(each.iterdir())]
            found += [each for each in inner if os.access(each, os.W_OK) and is_mounted(each)]
    return found[:_MAX_DISKS]


def _existing(folder: Path) -> Path:
    """Return the folder, or the nearest one above it that exists."""
    return next(each for each in (folder, *folder.parents) if each.exists())
