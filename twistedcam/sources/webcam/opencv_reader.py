"""Reads a webcam with OpenCV: V4L2 on Linux, AVFoundation on macOS, Media Foundation on Windows."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Sequence
from typing import Any

from twistedcam.errors import CameraFailed
from twistedcam.runtime.clock import wall_time
from twistedcam.sources.base import RawPicture
from twistedcam.sources.webcam.devices import explain, explain_silent
from twistedcam.sources.webcam.modes import JPEG_CODES, RAW
from twistedcam.sources.webcam.v4l2 import Driver

# The seconds that OpenCV waits for a picture, ten by default. OpenCV reads this once, when it is
# imported.
os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", "2")

import cv2

#: The seconds from which a failed grab means silence, not a lost device.
_SILENCE = 1.0


def _silence_opencv() -> None:
    """Stop OpenCV from writing to standard error; the log has the same reasons."""
    silent = 0
    if hasattr(cv2, "setLogLevel"):  # OpenCV 4
        cv2.setLogLevel(silent)
    else:
        cv2.utils.logging.setLogLevel(silent)


class OpenCvReader:
    """Reads one opening of a device.

    Arguments:
        path: the path of the device; elsewhere than on Linux only a name for messages.
        number: the number to open instead of the path, elsewhere than on Linux.
    """

    def __init__(self, path: str, number: int | str | None = None) -> None:
        self._path = path
        self._number = number
        self._is_v4l2 = number is None
        self._capture: Any = None
        self._size: tuple[int, int] | None = None
        #: The name of the granted format.
        self.code = ""
        #: The number of lost pictures, which OpenCV does not tell.
        self.lost = 0

    def open(self, code: str | None, size: tuple[int, int], fps: float) -> tuple[int, int, float]:
        """Open the device; return the granted width, height and rate.

        Arguments:
            code: the name of the format to request; None for the driver's default.
            size: the requested (width, height).
            fps: the requested frames per second.

        Raises:
            CameraFailed: it cannot be opened.
        """
        _silence_opencv()
        device, api = self._number, cv2.CAP_ANY
        if device is None:
            device, api = self._path, cv2.CAP_V4L2
        capture = cv2.VideoCapture(device, api, _parameters(code, size, fps))
        self._capture = capture
        if not capture.isOpened():
            raise self._no_bandwidth() or explain_silent(self._path)
        value = int(capture.get(cv2.CAP_PROP_FOURCC)) & 0xFFFFFFFF
        self.code = value.to_bytes(4, "little").decode("ascii", "replace").strip("\0 ")
        if self._is_v4l2 and (self.code in JPEG_CODES or self.code == RAW):
            capture.set(cv2.CAP_PROP_CONVERT_RGB, 0)
        width = int(capture.get(cv2.CAP_PROP_FRAME_WIDTH))
        height = int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
        self._size = (width, height) if self._is_v4l2 else None
        return width, height, capture.get(cv2.CAP_PROP_FPS)

    def read(self) -> RawPicture | None:
        """Return the next picture; None if there was none for two seconds."""
        asked = time.monotonic()
        if not self._capture.grab():
            # With a silent camera OpenCV waits for its timeout; a lost one fails at once.
            is_there = self._is_v4l2 and os.path.exists(self._path)
            if is_there and time.monotonic() - asked > _SILENCE:
                return None
            raise self._no_bandwidth() or CameraFailed(self._reason())
        stamp = self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000 if self._is_v4l2 else 0.0
        captured = wall_time(stamp) if stamp else time.time()
        ok, picture = self._capture.retrieve()
        if not ok or picture is None or not picture.size:
            return None
        if self.code in JPEG_CODES and (picture.ndim == 1 or 1 in picture.shape[:2]):
            return RawPicture(captured, jpeg=picture.tobytes(), size=self._size)
        if self.code == RAW and picture.shape[-1] == 2:
            picture = cv2.cvtColor(picture, cv2.COLOR_YUV2BGR_YUYV)
        return RawPicture(captured, image=picture)

    def skip(self) -> bool:
        """Skip a picture; return False if there was none."""
        return bool(self._capture.grab())

    def close(self) -> None:
        """Close the device."""
        if self._capture is not None:
            self._capture.release()
            self._capture = None

    def _no_bandwidth(self) -> CameraFailed | None:
        """Close the device; return the error if the USB bus has no bandwidth left."""
        self.close()
        if not self._is_v4l2:
            return None
        try:
            with Driver(self._path) as driver:
                driver.no_camera()
                driver.try_to_stream()
        except OSError as error:
            if error.errno == errno.ENOSPC:
                return explain(self._path, error)
        return None

    def _reason(self) -> str:
        if self._is_v4l2 and not os.path.exists(self._path):
            return f"{self._path} was unplugged"
        return f"{self._path} delivers no more pictures"


def _parameters(code: str | None, size: tuple[int, int], fps: float) -> Sequence[int]:
    """Return the parameters to open with; the format first, as it limits sizes and rates."""
    found: list[int] = []
    if code is not None:
        found += [cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*code)]
    found += [cv2.CAP_PROP_FRAME_WIDTH, size[0], cv2.CAP_PROP_FRAME_HEIGHT, size[1]]
    return [*found, cv2.CAP_PROP_FPS, round(fps)]
