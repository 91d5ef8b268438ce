"""Reads a webcam from V4L2 itself: opens at once, and needs no OpenCV for JPEG and H.264."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Sequence

from twistedcam.errors import CameraFailed
from twistedcam.media.h264 import H264
from twistedcam.media.h265 import H265
from twistedcam.runtime.clock import wall_time
from twistedcam.sources.base import RawPacket, RawPicture
from twistedcam.sources.webcam.access_units import AccessUnitReader
from twistedcam.sources.webcam.devices import explain, explain_silent
from twistedcam.sources.webcam.modes import JPEG_CODES, MJPG, list_modes
from twistedcam.sources.webcam.pixel_formats import CONVERTIBLE, convert_to_bgr
from twistedcam.sources.webcam.v4l2 import Driver, Mode, four_letters, pixel_format
from twistedcam.sources.webcam.v4l2_stream import FilledBuffer, GrantedFormat, VideoStream

#: The seconds that ``read`` waits for a picture.
_PATIENCE = 1.0
#: Buffers of the driver; more for pictures that depend on each other: a lost one costs several.
_BUFFERS, _MORE_BUFFERS = 4, 8
#: The most pictures that a gap in the driver's numbers can mean; a larger one is a new count.
_MAX_LOST = 10_000
#: The codecs of the formats whose pictures depend on each other.
_CODECS = {"H264": H264, "HEVC": H265}
#: The names of the formats that can be read.
READABLE = frozenset({*JPEG_CODES, *CONVERTIBLE, *_CODECS})


def can_read(modes: Sequence[Mode]) -> bool:
    """Return False if a device has only formats that cannot be read."""
    return not modes or any(mode.format in READABLE for mode in modes)


class V4l2Reader:
    """Reads one opening of a device.

    Arguments:
        path: the path of the device.
        driver: the open device, whose kind of buffers is known; the reader closes it.
        modes: the modes of the device.
    """

    def __init__(self, path: str, driver: Driver, modes: Sequence[Mode]) -> None:
        self._path = path
        self._driver = driver
        self._modes = modes
        self._is_open = True
        self._stream = VideoStream(driver)
        self._format = GrantedFormat(0, 0, 0, 0, 0.0)
        self._sequence: int | None = None
        #: Makes the packets of a format whose pictures depend on each other.
        self._units: AccessUnitReader | None = None
        #: The name of the granted format.
        self.code = ""
        #: The number of pictures that the driver has lost.
        self.lost = 0

    def open(self, code: str | None, size: tuple[int, int], fps: float) -> tuple[int, int, float]:
        """Begin to stream; return the granted width, height and rate.

        Arguments:
            code: the name of the format to request; None for any that can be read.
            size: the requested (width, height).
            fps: the requested frames per second.

        Raises:
            CameraFailed: the driver refuses, or has no format that can be read.
        """
        have = {mode.format for mode in self._modes}
        others = [each for each in (MJPG, *CONVERTIBLE, *_CODECS) if each in have and each != code]
        try:
            if not any(self._configure(each, size, fps) for each in filter(None, [code, *others])):
                raise CameraFailed(
                    f"{self._path} has no format that can be read: it has {list_modes(self._modes)}"
                )
            if self.code in _CODECS:
                self._units = AccessUnitReader(_CODECS[self.code], self._format.fps)
            self._stream.start(_BUFFERS if self._units is None else _MORE_BUFFERS)
        except OSError as error:
            self.close()  # the device would be in use by this process
            if error.errno in (errno.EINVAL, errno.ENOTTY):
                raise explain_silent(self._path) from None
            raise explain(self._path, error) from None
        return self._format.width, self._format.height, self._format.fps

    def _configure(self, code: str, size: tuple[int, int], fps: float) -> bool:
        """Request a format; return False if the driver refuses it, or grants one without reader."""
        try:
            self._format = self._stream.configure(pixel_format(code), size, fps)
        except OSError as error:
            if error.errno == errno.EINVAL:  # most drivers grant another format instead
                return False
            raise
        self.code = four_letters(self._format.pixel_format)
        return self.code in READABLE

    def read(self) -> RawPicture | RawPacket | None:
        """Return the next picture or packet; None if there was none for a second."""
        filled = self._take()
        if filled is None:
            return None
        captured = wall_time(filled.time) if filled.time else time.time()
        lost = self._count_lost(filled.sequence)
        is_bad = filled.is_damaged or not filled.data
        if self._units is not None and (lost or is_bad):
            self._units.lose()
            self._driver.request_keyframe()
        if is_bad:
            return RawPicture(captured, fault="the driver reports a damaged picture")
        if self._units is not None:
            return self._read_unit(self._units, filled.data, captured)
        size = (self._format.width, self._format.height)
        if self.code in JPEG_CODES:
            return RawPicture(captured, jpeg=filled.data, size=size)
        try:
            image = convert_to_bgr(self.code, filled.data, size, self._format.stride)
        except ValueError as error:
            return RawPicture(captured, fault=str(error))
        return RawPicture(captured, image=image)

    def skip(self) -> bool:
        """Skip a picture; return False if there was none for a second, or if others need it."""
        filled = self._take() if self._units is None else None
        if filled is not None:
            self._count_lost(filled.sequence)
        return filled is not None

    def close(self) -> None:
        """Stop streaming and close the device."""
        if self._is_open:
            self._is_open = False
            self._stream.stop()
            self._driver.close()

    def _take(self) -> FilledBuffer | None:
        try:
            return self._stream.take() if self._stream.wait(_PATIENCE) else None
        except BlockingIOError:
            return None
        except OSError as error:
            is_gone = error.errno == errno.ENODEV or not os.path.exists(self._path)
            what = "was unplugged" if is_gone else "delivers no more pictures"
            raise CameraFailed(f"{self._path} {what}") from None

    def _read_unit(
        self, units: AccessUnitReader, data: bytes, captured: float
    ) -> RawPicture | RawPacket | None:
        try:
            return units.read(data, captured)
        except ValueError as error:
            units.lose()
            self._driver.request_keyframe()
            return RawPicture(captured, fault=str(error))

    def _count_lost(self, sequence: int) -> int:
        """Count and return the pictures that the driver has lost before this one."""
        before, self._sequence = self._sequence, sequence
        lost = 0 if before is None else (sequence - before - 1) & 0xFFFFFFFF
        lost = lost if lost < _MAX_LOST else 0
        self.lost += lost
        return lost
