"""The webcams of this machine (Linux): paths, stable names, and processes that use them."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from twistedcam.errors import CameraFailed

LINUX = sys.platform.startswith("linux")
_STABLE = ("/dev/v4l/by-id", "/dev/v4l/by-path")
_SYSTEM = "/sys/class/video4linux"
#: The serial number in a path of by-id.
_SERIAL = re.compile(r"/by-id/.*_([^_/]+)-video-index\d+$")


@dataclass(frozen=True)
class Device:
    """A video device.

    Arguments:
        path: its current path, such as ``/dev/video0``.
        name: its own name.
        stable: a path that it keeps when it is plugged in again, or None.
        serial: its serial number; empty if it has none.
        port: the USB port, by drivers' names: ``usb-0000:00:14.0-2``; empty if unknown.
        hardware: equal for all devices of one camera.
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
    #: Its descriptor ``/proc/PID/fd/N``, which exists while the device is open.
    link: str


def device_paths() -> list[str]:
    """Return the paths of all video devices, by number."""
    names = [name for name in os.listdir("/dev") if re.fullmatch(r"video\d+", name)]
    return [f"/dev/{name}" for name in sorted(names, key=lambda name: int(name[5:]))]


def list_devices() -> list[Device]:
    """Return all video devices, also those that are no cameras."""
    stable = _stable_paths()
    return [_device(path, stable.get(path)) for path in device_paths()]


def _device(path: str, stable: str | None) -> Device:
    interface = os.path.realpath(f"{_SYSTEM}/{os.path.basename(path)}/device")
    hardware = os.path.dirname(interface)  # of a USB camera, of which the interface is a part
    serial = _first_line(f"{hardware}/serial")
    if not os.path.isdir(interface):
        hardware, found = path, _SERIAL.search(stable or "")
        serial = found[1] if found else ""
    elif not os.path.exists(f"{hardware}/devpath"):
        hardware = interface
    return Device(path, card_name(path), stable, serial, _usb_port(hardware), hardware)


def _usb_port(hardware: str) -> str:
    """Return the port by drivers' names (usb_make_path), from the device's folder in /sys."""
    path = _first_line(f"{hardware}/devpath")
    bus = re.search(r"/([^/]+)/usb\d+/", hardware)
    return f"usb-{bus[1]}-{path}" if path and bus else ""


def _first_line(path: str) -> str:
    try:
        return Path(path).read_text(errors="replace").strip()
    except OSError:
        return ""


def find_devices(name: str = "", serial: str = "", port: str = "") -> list[Device]:
    """Return the cameras of that name, serial number and port, by the first device of each.

    Arguments:
        name: words of its name or stable path; empty for any.
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
    # A path in by-id has the serial number after the name, with special characters replaced.
    stable = f"_{re.sub(r'[^A-Za-z0-9#+.:=@_-]', '_', serial)}-video-index"
    return device.serial == serial or stable in (device.stable or "")


def card_name(path: str) -> str:
    """Return the device's own name, or its path."""
    entry = Path(_SYSTEM, os.path.basename(os.path.realpath(path)), "name")
    try:
        return entry.read_text().strip() or path
    except OSError:
        return path


def holders(path: str) -> list[Holder]:
    """Return the processes that have a device open, as far as this user may see them.

    Reads all of /proc, which blocks for some milliseconds.
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


def _stable_paths() -> dict[str, str]:
    """Return stable paths by their target; by-id, which follows the camera, before by-path."""
    found: dict[str, str] = {}
    for folder in _STABLE:
        with contextlib.suppress(OSError):
            for name in sorted(os.listdir(folder)):
                found.setdefault(os.path.realpath(f"{folder}/{name}"), f"{folder}/{name}")
    return found


class InUse(CameraFailed):
    """The device is in use.

    Arguments:
        path: the path of the device.
        found: the processes that use it, as far as this user may see them.
    """

    def __init__(self, path: str, found: Sequence[Holder]) -> None:
        #: The first process that uses it, or None if unknown.
        self.holder = found[0] if found else None
        super().__init__(f"{path} is in use {_by_whom(found)}")


def explain(path: str, error: OSError) -> CameraFailed:
    """Return a system error about a device as an error for people."""
    if error.errno == errno.EBUSY:
        return InUse(path, holders(path))
    if error.errno in (errno.ENOENT, errno.ENODEV, errno.ENXIO):
        return CameraFailed(f"there is no camera {path}: is it plugged in?")
    if error.errno in (errno.EACCES, errno.EPERM):
        hint = "add the user to the group 'video'"
        return CameraFailed(f"this user may not open {path}: {hint}")
    if error.errno == errno.ENOSPC:  # of STREAMON, not of a disk
        return CameraFailed(
            f"{path}: the USB bus has no bandwidth left for this camera. Set a smaller size, a"
            " lower fps or format=mjpg, or plug it into a port of another USB controller"
        )
    if error.errno in (errno.ENOTTY, errno.EINVAL):
        return CameraFailed(f"{path} is not a camera: it does not support V4L2")
    return CameraFailed(f"{path}: {error.strerror}")


def explain_silent(path: str) -> CameraFailed:
    """Return the reason why OpenCV cannot open a device."""
    found = holders(path)
    if found:
        return InUse(path, found)
    return CameraFailed(f"{path} is not a camera that delivers pictures, or it is in use")


def _by_whom(found: Sequence[Holder]) -> str:
    if not found:
        return "by another program, which this user may not see"
    if found[0].pid == os.getpid():
        return "by this server: by another camera, or by an opening that hangs in the driver"
    return "by " + ", ".join(dict.fromkeys(f"{each.name} (process {each.pid})" for each in found))
