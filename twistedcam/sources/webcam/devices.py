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
#: A serial number in a path of by-id.
_SERIAL = re.compile(r"/by-id/.*_([^_/]+)-video-index\d+$")


@dataclass(frozen=True)
class Device:
    """A video device.

    Arguments:
        path: its file now, ``/dev/video0``.
        name: what it calls itself.
        stable: a path that stays its own when it is plugged in again, or None.
        serial: its serial number, or an empty text where it has none.
        port: the USB port, as drivers name it: ``usb-0000:00:14.0-2``; empty where not known.
        hardware: what nodes of one camera have in common.
    """

    path: str
    name: str
    stable: str | None
    serial: str = ""
    port: str = ""
    hardware: str = ""


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
    return [_device(path, stable.get(path)) for path in device_paths()]


def _device(path: str, stable: str | None) -> Device:
    interface = os.path.realpath(f"{_SYSTEM}/{os.path.basename(path)}/device")
    hardware = os.path.dirname(interface)  # of a USB camera; the interface is a part of it
    serial = _first_line(f"{hardware}/serial")
    if not os.path.isdir(interface):
        hardware, found = path, _SERIAL.search(stable or "")
        serial = found[1] if found else ""
    elif not os.path.exists(f"{hardware}/devpath"):
        hardware = interface
    return Device(path, card_name(path), stable, serial, _usb_port(hardware), hardware)


def _usb_port(hardware: str) -> str:
    """The port as drivers name it (usb_make_path), from the device's folder in /sys."""
    path = _first_line(f"{hardware}/devpath")
    bus = re.search(r"/([^/]+)/usb\d+/", hardware)
    return f"usb-{bus[1]}-{path}" if path and bus else ""


def _first_line(path: str) -> str:
    try:
        return Path(path).read_text(errors="replace").strip()
    except OSError:
        return ""


def find_devices(name: str = "", serial: str = "", port: str = "") -> list[Device]:
    """The cameras of that name, serial number and port: the first node of each.

    Arguments:
        name: words of its name or of its lasting path; empty for any.
        serial: its serial number; empty for any.
        port: its USB port; empty for any.
    """
    found: dict[str, Device] = {}
    for device in list_devices():
        if (
            (not name or _has_words(device, name.lower()))
            and (not serial or _has_serial(device, serial))
            and (not port or device.port == port)
        ):
            found.setdefault(device.hardware, device)
    return list(found.values())


def _has_words(device: Device, words: str) -> bool:
    names = (device.name, device.stable or "", device.port)
    return any(words in each.lower().replace("_", " ") or words in each.lower() for each in names)


def _has_serial(device: Device, serial: str) -> bool:
    # A path in by-id has the serial number behind the name, with what is odd in it replaced.
    lasting = f"_{re.sub(r'[^A-Za-z0-9#+.:=@_-]', '_', serial)}-video-index"
    return device.serial == serial or lasting in (device.stable or "")


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
