"""A stream of pictures from a V4L2 device, by ioctl and mmap.

The driver fills buffers that it shares with this process (Linux media documentation, "Streaming
I/O (Memory Mapping)"). Structures and numbers are those of linux/videodev2.h.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import mmap
import select
import struct
from fractions import Fraction
from typing import NamedTuple

from twistedcam.sources.webcam.v4l2 import (
    BUFFERS,
    CAPTURE_MPLANE,
    FORMAT_SIZE,
    MEMORY_MMAP,
    READ,
    WRITE,
    Driver,
)

_MAX_PLANES = 8
#: The greatest denominator of a rate: 30000/1001 is exact, and so are tenths.
_MAX_DENOMINATOR = 1001

#: struct v4l2_buffer. On 32-bit systems the one with 32-bit times, which suffice for times since
#: boot; every kernel for them has it.
_BUFFER = struct.Struct("@5I2l2I8B2IL2Ii0L")
_TIME_AT = struct.calcsize("@5I0l")
_SEQUENCE_AT = struct.calcsize("@5I2l2I8B")
_OFFSET_AT = struct.calcsize("@5I2l2I8B2I0L")
_LENGTH_AT = struct.calcsize("@5I2l2I8B2IL")
_TIME = struct.Struct("@2l")
_HEAD = struct.Struct("=4I")
_WORD = struct.Struct("=I")
#: struct v4l2_plane: bytes used, length, offset, bytes before the data.
_PLANE = struct.Struct("@2IL12I")
_PLANE_OFFSET_AT = struct.calcsize("@2I0L")
_PLANE_DATA_AT = struct.calcsize("@2IL")
#: The place of the union in struct v4l2_format, and its fields with one plane and with several.
_PIX_AT = struct.calcsize("@I0L")
_PIX = struct.Struct("=6I")
_PIX_MPLANE = struct.Struct("=5I2I")
_PLANES_AT = _PIX_AT + 20 + _MAX_PLANES * 20
_FIELD_ANY = 0
#: struct v4l2_streamparm up to the interval, and its size.
_PARAMETERS = struct.Struct("=5I")
_PARAMETERS_SIZE = 204
_CAN_SET_RATE = 0x1000

#: The flag of a buffer whose data may be wrong.
_ERROR = 0x40
#: The errors of a driver without rates.
_NO_RATE = (errno.EINVAL, errno.ENOTTY)

_SET_FORMAT, _REQUEST, _QUERY, _QUEUE, _DEQUEUE = 5, 8, 9, 15, 17
_STREAM_ON, _STREAM_OFF, _GET_PARAMETERS, _SET_PARAMETERS = 18, 19, 21, 22


class GrantedFormat(NamedTuple):
    """The format of a stream.

    Arguments:
        pixel_format: the driver's number (a four-character code, little-endian).
        width, height: pixels.
        stride: bytes from one row to the next; 0 if the format has no rows.
        fps: frames per second; 0 if unknown.
    """

    pixel_format: int
    width: int
    height: int
    stride: int
    fps: float


class FilledBuffer(NamedTuple):
    """The contents of a buffer.

    Arguments:
        data: a copy of its bytes.
        time: the driver's time stamp in seconds; 0 if it sets none.
        sequence: the driver's number of the picture, which also counts those that it has lost.
        is_damaged: True if the driver says that the data may be wrong.
    """

    data: bytes
    time: float
    sequence: int
    is_damaged: bool


class VideoStream:
    """Streams from an open device; only one open file can at a time.

    Each method raises OSError with the error of the driver.

    Arguments:
        driver: the device, whose kind of buffers is known (Driver.no_camera).
    """

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        self._kind = driver.buffer_type
        self._has_planes = self._kind == CAPTURE_MPLANE
        self._plane_count = 1
        self._maps: list[list[mmap.mmap]] = []
        self._planes = ctypes.create_string_buffer(_PLANE.size * _MAX_PLANES)
        self._filled = bytearray(_BUFFER.size)
        self._poll = select.poll()
        self._poll.register(driver.fd, select.POLLIN)

    def configure(self, pixel_format: int, size: tuple[int, int], fps: float) -> GrantedFormat:
        """Request a format; return the one that the driver has granted.

        Arguments:
            pixel_format: the driver's number.
            size: (width, height) in pixels.
            fps: frames per second.
        """
        data = bytearray(FORMAT_SIZE)
        _WORD.pack_into(data, 0, self._kind)
        if self._has_planes:
            _PIX_MPLANE.pack_into(data, _PIX_AT, *size, pixel_format, _FIELD_ANY, 0, 0, 0)
        else:
            _PIX.pack_into(data, _PIX_AT, *size, pixel_format, _FIELD_ANY, 0, 0)
        self._driver.call(READ | WRITE, _SET_FORMAT, data)
        if self._has_planes:
            width, height, granted, _, _, _, stride = _PIX_MPLANE.unpack_from(data, _PIX_AT)
            self._plane_count = max(1, min(data[_PLANES_AT], _MAX_PLANES))
        else:
            width, height, granted, _, stride, _ = _PIX.unpack_from(data, _PIX_AT)
        return GrantedFormat(granted, width, height, stride, self._set_rate(fps))

    def start(self, buffers: int) -> None:
        """Allocate buffers and begin to stream.

        Arguments:
            buffers: the number of pictures that can wait while the thread is late.
        """
        request = bytearray(BUFFERS.pack(buffers, self._kind, MEMORY_MMAP, 0, 0))
        count = _WORD.unpack_from(self._driver.call(READ | WRITE, _REQUEST, request))[0]
        for index in range(count):
            self._maps.append(self._map(index))
            self._driver.call(READ | WRITE, _QUEUE, self._buffer(index))
        self._driver.call(WRITE, _STREAM_ON, bytearray(_WORD.pack(self._kind)))

    def wait(self, seconds: float) -> bool:
        """Wait for a picture, or an error, for some seconds at most; return False without one."""
        return bool(self._poll.poll(seconds * 1000))

    def take(self) -> FilledBuffer:
        """Return the oldest picture that is not yet taken, and give its buffer back.

        Raises:
            BlockingIOError: there is none yet.
        """
        filled = self._driver.call(READ | WRITE, _DEQUEUE, self._prepare(self._filled, 0))
        index, _, used, flags = _HEAD.unpack_from(filled)
        seconds, micros = _TIME.unpack_from(filled, _TIME_AT)
        sequence = _WORD.unpack_from(filled, _SEQUENCE_AT)[0]
        data = self._plane_data(index) if self._has_planes else self._maps[index][0][:used]
        self._driver.call(READ | WRITE, _QUEUE, self._buffer(index))
        return FilledBuffer(data, seconds + micros / 1e6, sequence, bool(flags & _ERROR))

    def stop(self) -> None:
        """Stop streaming and free the buffers; a device that is gone has done so itself."""
        with contextlib.suppress(OSError):
            self._driver.call(WRITE, _STREAM_OFF, bytearray(_WORD.pack(self._kind)))
        for maps in self._maps:
            for each in maps:
                each.close()
        self._maps = []
        with contextlib.suppress(OSError):
            request = bytearray(BUFFERS.pack(0, self._kind, MEMORY_MMAP, 0, 0))
            self._driver.call(READ | WRITE, _REQUEST, request)

    def _set_rate(self, fps: float) -> float:
        """Request a rate; return the granted one, 0 if the driver has none."""
        interval = 1 / Fraction(fps).limit_denominator(_MAX_DENOMINATOR)
        data = bytearray(_PARAMETERS_SIZE)
        _WORD.pack_into(data, 0, self._kind)
        try:
            self._driver.call(READ | WRITE, _GET_PARAMETERS, data)
            if _PARAMETERS.unpack_from(data)[1] & _CAN_SET_RATE:
                _PARAMETERS.pack_into(
                    data, 0, self._kind, 0, 0, interval.numerator, interval.denominator
                )
                self._driver.call(READ | WRITE, _SET_PARAMETERS, data)
        except OSError as error:
            if error.errno in _NO_RATE:
                return 0.0
            raise
        *_, numerator, denominator = _PARAMETERS.unpack_from(data)
        return denominator / numerator if numerator else 0.0

    def _buffer(self, index: int) -> bytearray:
        return self._prepare(bytearray(_BUFFER.size), index)

    def _prepare(self, data: bytearray, index: int) -> bytearray:
        """Fill in the fields that the driver reads."""
        _HEAD.pack_into(data, 0, index, self._kind, 0, 0)
        _WORD.pack_into(data, _SEQUENCE_AT + 4, MEMORY_MMAP)
        if self._has_planes:
            struct.pack_into("@L", data, _OFFSET_AT, ctypes.addressof(self._planes))
            _WORD.pack_into(data, _LENGTH_AT, self._plane_count)
        return data

    def _map(self, index: int) -> list[mmap.mmap]:
        """Map a buffer, each of its planes, into memory."""
        data = self._driver.call(READ | WRITE, _QUERY, self._buffer(index))
        if not self._has_planes:
            places = [
                (_WORD.unpack_from(data, _LENGTH_AT)[0], _WORD.unpack_from(data, _OFFSET_AT)[0])
            ]
        else:
            places = [
                (
                    _WORD.unpack_from(self._planes, at + 4)[0],
                    _WORD.unpack_from(self._planes, at + _PLANE_OFFSET_AT)[0],
                )
                for at in range(0, self._plane_count * _PLANE.size, _PLANE.size)
            ]
        return [mmap.mmap(self._driver.fd, length, offset=offset) for length, offset in places]

    def _plane_data(self, index: int) -> bytes:
        """Return the bytes of all planes, one after the other."""
        parts = []
        for number, memory in enumerate(self._maps[index]):
            used = _WORD.unpack_from(self._planes, number * _PLANE.size)[0]
            before = _WORD.unpack_from(self._planes, number * _PLANE.size + _PLANE_DATA_AT)[0]
            parts.append(memory[before:used])
        return b"".join(parts)
