"""A webcam, by OpenCV: V4L2 on Linux, AVFoundation on macOS, Media Foundation on Windows."""

from __future__ import annotations

import errno
import os
import re
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from twistedcam.clock import wall_time
from twistedcam.errors import BadArgument, CameraFailed
from twistedcam.sources.base import Grab, Granted
from twistedcam.sources.spec import Settings, SourceSpec

# OpenCV waits so many seconds for a picture before it gives up; its own default is ten. It reads
# this once, when it is loaded, so it has to stand before the import.
os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", "2")

import cv2

LINUX = sys.platform.startswith("linux")
DEFAULT_SIZE = (1280, 720)
DEFAULT_FPS = 30.0
FORMATS = ("mjpg", "yuyv", "any")

#: Seconds after which a failed grab means silence and not a lost device.
_SILENCE = 1.0
_FOURCC = {"mjpg": "MJPG", "yuyv": "YUYV"}
_JPEG_CODES = frozenset({"MJPG", "JPEG"})


def device_paths() -> list[str]:
    """The video devices of this machine, in the order in which they are tried (Linux)."""
    names = [name for name in os.listdir("/dev") if re.fullmatch(r"video\d+", name)]
    return [f"/dev/{name}" for name in sorted(names, key=lambda name: int(name[5:]))]


class WebcamSource:
    """A webcam; one that speaks MJPEG is passed through without decoding.

    Arguments:
        device: a number or a path.
        size: (width, height) to ask for.
        fps: rate to ask for.
        format: ``mjpg``, ``yuyv``, or ``any`` (MJPEG where there is one).
    """

    def __init__(
        self,
        device: int | str,
        size: tuple[int, int] = DEFAULT_SIZE,
        fps: float = DEFAULT_FPS,
        format: str = "any",
    ) -> None:
        self.device = device
        self.size = size
        self.fps = fps
        self.format = format
        self._capture: Any = None
        self._code = ""

    @classmethod
    def from_settings(cls, spec: SourceSpec, settings: Settings) -> WebcamSource:
        """``webcam:0?size=1280x720&fps=30&format=mjpg``."""
        device: int | str = spec.target or 0
        if spec.target.isdigit():
            device = int(spec.target)
        elif spec.target and not spec.target.startswith("/"):
            raise BadArgument(f"webcam:{spec.target} is no device: webcam:0 or webcam:/dev/video0")
        return cls(
            device,
            settings.size() or DEFAULT_SIZE,
            settings.number("fps", 0.1, 1000) or DEFAULT_FPS,
            settings.choice("format", FORMATS, "any"),
        )

    @property
    def path(self) -> str:
        """The device's file (Linux)."""
        return f"/dev/video{self.device}" if isinstance(self.device, int) else self.device

    def open(self) -> Granted:
        """Open the device, ask for format, size and rate, and see what was granted."""
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
        if LINUX:
            check_access(self.path)
            self._capture = cv2.VideoCapture(self.path, cv2.CAP_V4L2, self._wishes())
        else:
            self._capture = cv2.VideoCapture(self.device, cv2.CAP_ANY, self._wishes())
        if not self._capture.isOpened():
            self.close()
            raise CameraFailed(f"{self.path} is no camera that gives pictures, or it is in use")
        return self._granted()

    def read(self) -> Grab | None:
        """Wait for the next picture, two seconds at most."""
        assert self._capture is not None, "not open"
        asked = time.monotonic()
        if not self._capture.grab():
            # A silent camera takes OpenCV its whole patience; a lost one fails at once.
            if LINUX and os.path.exists(self.path) and time.monotonic() - asked > _SILENCE:
                return None
            raise CameraFailed(self._why())
        stamp = self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000 if LINUX else 0.0
        captured = wall_time(stamp) if stamp else time.time()
        ok, picture = self._capture.retrieve()
        if not ok or picture is None or not picture.size:
            return None
        if self._code in _JPEG_CODES and picture.ndim >= 1 and min(picture.shape[:2]) == 1:
            return Grab(captured, jpeg=picture.tobytes())
        if self._code == "YUYV" and picture.shape[-1] == 2:
            picture = cv2.cvtColor(picture, cv2.COLOR_YUV2BGR_YUYV)
        return Grab(captured, image=picture)

    def close(self) -> None:
        """Let the device go."""
        if self._capture is not None:
            self._capture.release()
            self._capture = None

    def _wishes(self) -> Sequence[int]:
        """Format first: it decides which sizes and rates there are."""
        wishes: list[int] = []
        code = _FOURCC.get(self.format, "MJPG")
        wishes += [cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*code)]
        wishes += [cv2.CAP_PROP_FRAME_WIDTH, self.size[0], cv2.CAP_PROP_FRAME_HEIGHT, self.size[1]]
        wishes += [cv2.CAP_PROP_FPS, round(self.fps)]
        return wishes

    def _granted(self) -> Granted:
        capture = self._capture
        value = int(capture.get(cv2.CAP_PROP_FOURCC))
        self._code = (
            value.to_bytes(4, "little", signed=value < 0).decode("ascii", "replace").strip("\0 ")
        )
        if LINUX and (self._code in _JPEG_CODES or self._code == "YUYV"):
            capture.set(cv2.CAP_PROP_CONVERT_RGB, 0)
        width = int(capture.get(cv2.CAP_PROP_FRAME_WIDTH))
        height = int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
        return Granted(
            width, height, capture.get(cv2.CAP_PROP_FPS), self._code, card_name(self.path)
        )

    def _why(self) -> str:
        if LINUX and not os.path.exists(self.path):
            return f"{self.path} was unplugged"
        return f"{self.path} gives no picture"


def check_access(path: str) -> None:
    """Raise CameraFailed with the reason if the device cannot be opened."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_NONBLOCK))
    except OSError as error:
        raise CameraFailed(_explain(path, error)) from None


def _explain(path: str, error: OSError) -> str:
    if error.errno in (errno.ENOENT, errno.ENODEV, errno.ENXIO):
        return f"there is no camera {path}: is it plugged in?"
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"{path} may not be opened by this user: add the user to the group 'video'"
    if error.errno == errno.EBUSY:
        return f"{path} is in use by another program"
    return f"{path}: {error.strerror}"


def card_name(path: str) -> str:
    """What the device calls itself, or its path."""
    entry = Path("/sys/class/video4linux", os.path.basename(os.path.realpath(path)), "name")
    try:
        return entry.read_text().strip() or path
    except OSError:
        return path
