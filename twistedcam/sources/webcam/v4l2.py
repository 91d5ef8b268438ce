"""The modes and controls of a V4L2 device, by ioctl.

This works while another program streams from the device; ``v4l2_stream.py`` streams. Structures and
numbers are those of linux/videodev2.h; each structure here has the same layout on 64-bit and 32-bit
Linux.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import struct
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

if sys.platform != "win32":
    import fcntl

READ, WRITE = 2, 1
# V4L2_BUF_TYPE_VIDEO_CAPTURE, V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE
_CAPTURE, CAPTURE_MPLANE = 1, 9
_CAP_VIDEO_CAPTURE, _CAP_VIDEO_CAPTURE_MPLANE = 0x1, 0x1000
_CAP_STREAMING = 0x04000000
#: The kinds of devices that are no cameras, by their capabilities.
_OTHER_DEVICES = (
    (0xC000, "a codec or converter that needs pictures itself (memory to memory)"),
    (0xA00000, "a camera's second device, for metadata"),
    (0x2 | 0x2000, "a video output"),
    (0x50000, "a radio"),
    (0x10 | 0x40, "for teletext and captions (VBI)"),
    (0x300000, "for software-defined radio"),
    (0x10000000, "a touch sensor"),
)
_CAP_DEVICE_CAPS = 0x80000000
_DISCRETE = 1
#: V4L2_CID_MPEG_VIDEO_FORCE_KEY_FRAME
_FORCE_KEY_FRAME = 0x009909E5
_NEXT_CONTROL = 0x80000000
_DISABLED, _READ_ONLY, _INACTIVE, _WRITE_ONLY = 0x1, 0x4, 0x10, 0x40
_KINDS = {1: "integer", 2: "boolean", 3: "menu", 9: "integer menu"}

_CAPABILITY = struct.Struct("=16s32s32s6I")
_FORMAT_NAME = struct.Struct("=3I32s5I")
_SIZE = struct.Struct("=3I6I2I")
_INTERVAL = struct.Struct("=5I6I2I")
_QUERY = struct.Struct("=2I32s4i3I")
_VALUE = struct.Struct("=Ii")
_MENU = struct.Struct("=2I32sI")
BUFFERS = struct.Struct("=5I")
MEMORY_MMAP = 1
#: The size of struct v4l2_format, which is aligned like a pointer.
FORMAT_SIZE = 208 if struct.calcsize("P") == 8 else 204


def _request(access: int, number: int, size: int) -> int:
    return access << 30 | size << 16 | ord("V") << 8 | number


@dataclass(frozen=True)
class Mode:
    """A format in one size.

    Arguments:
        format: four letters, such as ``MJPG``.
        width, height: pixels.
        rates: frames per second, the highest first; empty if unknown.
    """

    format: str
    width: int
    height: int
    rates: tuple[float, ...]

    def __str__(self) -> str:
        rates = "/".join(f"{rate:g}" for rate in self.rates)
        return f"{self.format} {self.width}x{self.height}" + (f" at {rates}" if rates else "")


@dataclass(frozen=True)
class Control:
    """A control of a device, such as brightness.

    Arguments:
        id: the driver's number.
        name: the driver's name as one word: ``power_line_frequency``.
        kind: ``integer``, ``boolean``, ``menu`` or ``integer menu``.
        low, high, step, default: the range.
        menu: words by value, of a menu.
        active: True if it has an effect now; a manual value has none in automatic mode.
        writable: True if it can be set.
    """

    id: int
    name: str
    kind: str
    low: int
    high: int
    step: int
    default: int
    menu: dict[int, str]
    active: bool
    writable: bool


class Driver:
    """Queries and controls an open device; a context manager.

    Arguments:
        path: the path of the device.

    Raises:
        OSError: it cannot be opened, or does not answer; so does each method.
    """

    def __init__(self, path: str) -> None:
        self.fd = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        #: The kind of its buffers, for each structure that names one.
        self.buffer_type = _CAPTURE

    def __enter__(self) -> Driver:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the device."""
        os.close(self.fd)

    def no_camera(self) -> str:
        """Return the kind of a device that is no camera; empty for a camera.

        Many cameras have a second device. Must be called before ``modes``, since it detects whether
        pictures have several planes.
        """
        answer = self.call(READ, 0, bytearray(_CAPABILITY.size))
        _, _, _, _, capabilities, device, *_ = _CAPABILITY.unpack(answer)
        if capabilities & _CAP_DEVICE_CAPS:
            capabilities = device
        if not capabilities & (_CAP_VIDEO_CAPTURE | _CAP_VIDEO_CAPTURE_MPLANE):
            found = [what for bits, what in _OTHER_DEVICES if capabilities & bits]
            return found[0] if found else "no camera"
        if not capabilities & _CAP_STREAMING:
            return "a camera without streaming (read() alone), which is not supported"
        has_one = capabilities & _CAP_VIDEO_CAPTURE
        self.buffer_type = _CAPTURE if has_one else CAPTURE_MPLANE
        return ""

    def bus(self) -> str:
        """Return the port of the device: ``usb-0000:00:14.0-2``."""
        answer = self.call(READ, 0, bytearray(_CAPABILITY.size))
        return _text(_CAPABILITY.unpack(answer)[2])

    def modes(self) -> list[Mode]:
        """Return all formats in all sizes; of a range of sizes the largest."""
        found: list[Mode] = []
        for index in _count():
            answer = self._try(2, _FORMAT_NAME, index, self.buffer_type, 0, b"", 0, 0, 0, 0, 0)
            if answer is None:
                break
            pixel_format = answer[4]
            name = four_letters(pixel_format)
            for width, height in self._sizes(pixel_format):
                rates = tuple(self._rates(pixel_format, width, height))
                found.append(Mode(name, width, height, rates))
        return found

    def is_busy(self) -> bool:
        """Return True if the device is in use: then even its current format cannot be set."""
        form = bytearray(FORMAT_SIZE)
        form[:4] = struct.pack("=I", self.buffer_type)
        try:
            self.call(READ | WRITE, 4, form)
            self.call(READ | WRITE, 5, form)
        except OSError as error:
            return error.errno == errno.EBUSY
        return False

    def try_to_stream(self) -> None:
        """Start and stop streaming, to get the error of the driver.

        Raises:
            OSError: with ENOSPC the USB bus has no bandwidth left.
        """
        kind = struct.pack("=i", self.buffer_type)
        no_buffers = BUFFERS.pack(0, self.buffer_type, MEMORY_MMAP, 0, 0)
        self.call(READ | WRITE, 8, bytearray(BUFFERS.pack(2, self.buffer_type, MEMORY_MMAP, 0, 0)))
        try:
            self.call(WRITE, 18, bytearray(kind))
            self.call(WRITE, 19, bytearray(kind))
        finally:
            self.call(READ | WRITE, 8, bytearray(no_buffers))

    def controls(self) -> list[Control]:
        """Return all controls that are a number, a switch or a choice."""
        found: list[Control] = []
        number = 0
        while True:
            answer = self._try(36, _QUERY, number | _NEXT_CONTROL, 0, b"", 0, 0, 0, 0, 0, 0, 0)
            if answer is None:
                return found
            number, kind, name, low, high, step, default, flags, *_ = answer
            if kind not in _KINDS or flags & (_DISABLED | _WRITE_ONLY):
                continue
            menu = self._menu(number, low, high, kind) if "menu" in _KINDS[kind] else {}
            word = re.sub(r"[^a-z0-9]+", "_", _text(name).lower()).strip("_")
            active, writable = not flags & _INACTIVE, not flags & _READ_ONLY
            found.append(
                Control(
                    number, word, _KINDS[kind], low, high, step, default, menu, active, writable
                )
            )

    def get(self, control: Control) -> int:
        """Return the value of a control."""
        answer = bytearray(_VALUE.pack(control.id, 0))
        value: int = _VALUE.unpack(self.call(READ | WRITE, 27, answer))[1]
        return value

    def set(self, control: Control, value: int) -> int:
        """Set a control; return the value that the device has set."""
        self.call(READ | WRITE, 28, bytearray(_VALUE.pack(control.id, value)))
        return self.get(control)

    def request_keyframe(self) -> None:
        """Ask a camera that encodes for a key frame; most do not support it."""
        with contextlib.suppress(OSError):
            self.call(READ | WRITE, 28, bytearray(_VALUE.pack(_FORCE_KEY_FRAME, 1)))

    def _sizes(self, pixel_format: int) -> Iterator[tuple[int, int]]:
        for index in _count():
            answer = self._try(74, _SIZE, index, pixel_format, *[0] * 9)
            if answer is None:
                return
            if answer[2] != _DISCRETE:  # smallest, largest, step of width; the same of height
                yield answer[4], answer[7]
                return
            yield answer[3], answer[4]

    def _rates(self, pixel_format: int, width: int, height: int) -> Iterator[float]:
        for index in _count():
            answer = self._try(75, _INTERVAL, index, pixel_format, width, height, *[0] * 9)
            if answer is None:
                return
            seconds = Fraction(answer[5], answer[6] or 1)
            if seconds:
                yield float(1 / seconds)
            if answer[4] != _DISCRETE:  # the shortest interval comes first
                return

    def _menu(self, number: int, low: int, high: int, kind: int) -> dict[int, str]:
        menu = {}
        for index in range(max(0, low), min(high, 255) + 1):
            answer = self._try(37, _MENU, number, index, b"", 0)
            if answer is not None:
                name = answer[2]
                plain = _KINDS[kind] == "menu"
                menu[index] = _text(name) if plain else str(int.from_bytes(name[:8], "little"))
        return menu

    def _try(self, number: int, form: struct.Struct, *fields: int | bytes) -> Any:
        """Return a structure's fields from the driver.

        None at the end of a list (EINVAL), or if there is no such list (ENOTTY).
        """
        try:
            return form.unpack(self.call(READ | WRITE, number, bytearray(form.pack(*fields))))
        except OSError as error:
            if error.errno in (errno.EINVAL, errno.ENOTTY):
                return None
            raise

    def call(self, access: int, number: int, data: bytearray) -> bytearray:
        """Make an ioctl; return the structure, which the driver may have changed."""
        fcntl.ioctl(self.fd, _request(access, number, len(data)), data)
        return data


def four_letters(pixel_format: int) -> str:
    """Return the name of a format; bit 31 marks the big-endian variant of another."""
    letters = (pixel_format & 0x7FFFFFFF).to_bytes(4, "little").decode("ascii", "replace").strip()
    return letters + ("-BE" if pixel_format >> 31 else "")


def pixel_format(letters: str) -> int:
    """Return the number of a format by its name (four_letters)."""
    number = int.from_bytes(letters.removesuffix("-BE").ljust(4).encode("ascii"), "little")
    return number | letters.endswith("-BE") << 31


def _count() -> range:
    return range(256)


def _text(field: bytes) -> str:
    return field.split(b"\0")[0].decode("utf-8", "replace").strip()
