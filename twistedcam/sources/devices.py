"""The webcams of this machine: their files, their lasting names, and who has them open (Linux)."""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

LINUX = sys.platform.startswith("linux")
_LASTING = ("/dev/v4l/by-id", "/dev/v4l/by-path")
_SYSTEM = "/sys/class/video4linux"


@dataclass(frozen=True)
class Device:
    """A video device.

    Arguments:
        path: its file now, ``/dev/video0``.
        name: what it calls itself.
        stable: a path that stays its own when it is plugged in again, or None.
    """

    path: str
    name: str
    stable: str | None


class Holder(NamedTuple):
    """A process that has a device open."""

    pid: int
    name: str
    #: Its descriptor, ``/proc/PID/fd/N``: there as long as it has the device.
    link: str


def device_paths() -> list[str]:
    """The video devices of this machine, in the order in which they are tried."""
    names = [name for name in os.listdir("/dev") if re.fullmatch(r"video\d+", name)]
    return [f"/dev/{name}" for name in sorted(names, key=lambda name: int(name[5:]))]


def list_devices() -> list[Device]:
    """All video devices, with their names; those that give no pictures among them."""
    stable = _lasting_paths()
    return [Device(path, card_name(path), stable.get(path)) for path in device_paths()]


def find_by_name(name: str) -> str | None:
    """The first device whose name, or lasting path, has these words in it; None if there is none.

    A lasting path is preferred, so that the same camera is meant when it comes back.
    """
    words = name.lower()
    for device in list_devices():
        names = (device.name, device.stable or "")
        if any(words in each.lower().replace("_", " ") or words in each.lower() for each in names):
            return device.stable or device.path
    return None


def card_name(path: str) -> str:
    """What the device calls itself, or its path."""
    entry = Path(_SYSTEM, os.path.basename(os.path.realpath(path)), "name")
    try:
        return entry.read_text().strip() or path
    except OSError:
        return path


def holders(path: str) -> list[Holder]:
    """The processes that have a device open, as far as this user may see them.

    Reads all of /proc: some milliseconds, not for the reactor's thread.
    """
    real = os.path.realpath(path)
    return [
        Holder(pid, _command(pid), link)
        for pid in _processes()
        for link in _descriptors(pid)
        if _leads_to(link, real)
    ]


def _processes() -> Iterator[int]:
    with contextlib.suppress(OSError):
        yield from (int(name) for name in os.listdir("/proc") if name.isdigit())


def _descriptors(pid: int) -> Iterator[str]:
    folder = f"/proc/{pid}/fd"
    with contextlib.suppress(OSError):
        yield from (f"{folder}/{name}" for name in os.listdir(folder))


def _leads_to(link: str, real: str) -> bool:
    try:
        return os.readlink(link) == real
    except OSError:
        return False


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return "?"


def _lasting_paths() -> dict[str, str]:
    """Lasting paths by what they lead to; by-id, which follows the camera, before by-path."""
    found: dict[str, str] = {}
    for folder in _LASTING:
        with contextlib.suppress(OSError):
            for name in sorted(os.listdir(folder)):
                found.setdefault(os.path.realpath(f"{folder}/{name}"), f"{folder}/{name}")
    return found
