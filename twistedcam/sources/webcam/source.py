"""A webcam, read with OpenCV: V4L2 on Linux, AVFoundation on macOS, Media Foundation on Windows."""

from __future__ import annotations

import contextlib
import difflib
import errno
import os
import re
import time
from collections.abc import Mapping, Sequence
from typing import Any

from twistedcam.errors import BadArgument, CameraFailed, NotSupported
from twistedcam.runtime.clock import wall_time
from twistedcam.sources.base import RawPicture, RequestedMode, SourceInfo
from twistedcam.sources.spec import COMMON, Settings, SourceSpec
from twistedcam.sources.webcam.controls import set_control
from twistedcam.sources.webcam.devices import (
    LINUX,
    Device,
    Holder,
    InUse,
    card_name,
    device_paths,
    explain,
    explain_silent,
    find_devices,
    holders,
)
from twistedcam.sources.webcam.modes import FORMATS, MJPG, RAW, choose_format
from twistedcam.sources.webcam.v4l2 import Driver, Mode

# The seconds that OpenCV waits for a picture, ten by default. OpenCV reads this once, when it is
# imported.
os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", "2")

import cv2

DEFAULT_SIZE = (1280, 720)
DEFAULT_FPS = 30.0

#: The pictures, and the most seconds, that are skipped after an opening of a device that is closed
#: while nobody watches: they are dark until the camera has adjusted its exposure.
SETTLE_FRAMES = 10
SETTLE_SECONDS = 1.0

#: The seconds from which a failed grab means silence, not a lost device.
_SILENCE = 1.0
_JPEG_CODES = frozenset({MJPG, "JPEG"})
_SETTINGS = ("size", "fps", "format", "name", "serial", "port", "settle", *COMMON)


def _silence_opencv() -> None:
    """Stop OpenCV from writing to standard error; the log has the same reasons."""
    silent = 0
    if hasattr(cv2, "setLogLevel"):  # OpenCV 4
        cv2.setLogLevel(silent)
    else:
        cv2.utils.logging.setLogLevel(silent)


class WebcamSource:
    """Reads a webcam; passes its JPEGs on unchanged if it has the format MJPEG.

    Arguments:
        device: a number or a path.
        size: the requested (width, height).
        fps: the requested rate in frames per second.
        format: ``mjpg``, ``yuyv``, or ``any``.
        name, serial, port: words of its name, its serial number, its USB port. If one is given,
            they select the device instead of ``device``.
        controls: values to set at each opening, by the controls' names.
    """

    def __init__(
        self,
        device: int | str = 0,
        size: tuple[int, int] = DEFAULT_SIZE,
        fps: float = DEFAULT_FPS,
        format: str = "any",
        name: str = "",
        serial: str = "",
        port: str = "",
        controls: Mapping[str, str] | None = None,
    ) -> None:
        self.device = device
        self.size = size
        self.fps = fps
        self.format = format
        self._wanted = {
            key: value
            for key, value in (("name", name), ("serial", serial), ("port", port))
            if value
        }
        #: The number of pictures to skip after each opening, and those still to skip now.
        self.settle = self._unsettled = 0
        #: The path of the device at the last opening.
        self._path = ""
        self.controls = dict(controls or {})
        self._capture: Any = None
        self._code = ""
        self._granted_size: tuple[int, int] | None = None
        self._holder: Holder | None = None

    @classmethod
    def from_settings(cls, spec: SourceSpec, settings: Settings) -> WebcamSource:
        """Return the source for ``webcam:0?size=1280x720&fps=30&format=mjpg&brightness=120``."""
        device: int | str = spec.target or 0
        if spec.target.isascii() and spec.target.isdigit():
            device = int(spec.target)
        elif spec.target and not spec.target.startswith("/"):
            raise BadArgument(f"webcam:{spec.target} is no device: webcam:0 or webcam:/dev/video0")
        wanted = {key: settings.text(key) for key in ("name", "serial", "port")}
        for key in (key for key, value in wanted.items() if value):
            if spec.target or not LINUX:
                instead = f"webcam:?{key}=… replaces a number or path, and needs Linux"
                raise BadArgument(instead)
        source = cls(
            device,
            settings.size() or DEFAULT_SIZE,
            settings.number("fps", 0.1, 1000) or DEFAULT_FPS,
            settings.choice("format", (*FORMATS, "any"), "any"),
            wanted["name"],
            wanted["serial"],
            wanted["port"],
        )
        source.settle = settle_frames(settings)
        source.controls = settings.others()
        for control in source.controls:
            check_control(control)
        return source

    @property
    def path(self) -> str:
        """The path of the device (Linux); empty unless exactly one device matches."""
        if self._wanted:
            found = find_devices(**self._wanted)
            if not found and "port" in self._wanted:
                return self._path  # of the last opening: the system does not know the ports
            return (found[0].stable or found[0].path) if len(found) == 1 else ""
        return f"/dev/video{self.device}" if isinstance(self.device, int) else self.device

    def open(self) -> SourceInfo:
        """Open the device, request format, size and rate, and return what was granted."""
        _silence_opencv()
        self._holder = None
        self._unsettled = self.settle
        path = self._path = self._find()
        if LINUX:
            code = choose_format(self._modes(path), self.size, self.fps, self.format)
            self._capture = cv2.VideoCapture(path, cv2.CAP_V4L2, self._requested(code))
        else:
            code = FORMATS.get(self.format, MJPG)
            self._capture = cv2.VideoCapture(self.device, cv2.CAP_ANY, self._requested(code))
        if not self._capture.isOpened():
            self.close()
            raise self._remember(self._no_bandwidth() or explain_silent(path))
        return self._granted(path)

    def read(self) -> RawPicture | None:
        """Wait for the next picture, for two seconds at most."""
        assert self._capture is not None, "not open"
        if self._unsettled:
            self._skip_first()
        asked = time.monotonic()
        if not self._capture.grab():
            # With a silent camera OpenCV waits for its timeout; a lost one fails at once.
            if LINUX and os.path.exists(self._path) and time.monotonic() - asked > _SILENCE:
                return None
            raise self._no_bandwidth() or CameraFailed(self._reason())
        stamp = self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000 if LINUX else 0.0
        captured = wall_time(stamp) if stamp else time.time()
        ok, picture = self._capture.retrieve()
        if not ok or picture is None or not picture.size:
            return None
        if self._code in _JPEG_CODES and (picture.ndim == 1 or 1 in picture.shape[:2]):
            return RawPicture(captured, jpeg=picture.tobytes(), size=self._granted_size)
        if self._code == RAW and picture.shape[-1] == 2:
            picture = cv2.cvtColor(picture, cv2.COLOR_YUV2BGR_YUYV)
        return RawPicture(captured, image=picture)

    def _skip_first(self) -> None:
        until = time.monotonic() + SETTLE_SECONDS
        count, self._unsettled = self._unsettled, 0
        for _ in range(count):
            if time.monotonic() > until or not self._capture.grab():
                return

    def close(self) -> None:
        """Close the device."""
        if self._capture is not None:
            self._capture.release()
            self._capture = None

    def device_signature(self) -> object:
        """Return a value that changes when the device is plugged in or becomes available."""
        try:
            status = os.stat(self.path or "/nowhere")
        except OSError:
            return None
        held = False
        if self._holder is not None:
            try:
                held = os.readlink(self._holder.link) == os.path.realpath(self.path)
            except OSError:
                held = False
        return (status.st_rdev, status.st_ino, status.st_mode, status.st_ctime_ns, held)

    def _find(self) -> str:
        """Return the path of the device; raise CameraFailed unless exactly one matches."""
        if not self._wanted:
            return self.path
        found = find_devices(**self._wanted)
        if not found and "port" in self._wanted:
            found = _find_by_driver(**self._wanted)
        described = ", ".join(f"{key} {value!r}" for key, value in self._wanted.items())
        if not found:
            raise CameraFailed(f"there is no camera with the {described}: is it plugged in?")
        if len(found) > 1:
            listed = ", ".join(map(_describe, found))
            raise CameraFailed(
                f"{len(found)} cameras have the {described}: {listed}. Choose one by serial=…,"
                " port=… or path"
            )
        # A stable path still means this camera after it was plugged in again.
        return found[0].stable or found[0].path

    def _modes(self, path: str) -> list[Mode]:
        """Return the modes of the device; raise CameraFailed if it is no camera."""
        try:
            with Driver(path) as driver:
                if what := driver.no_camera():
                    raise CameraFailed(f"{path} delivers no pictures: it is {what}")
                modes = driver.modes()
                busy = driver.is_busy()
        except OSError as error:
            raise self._remember(explain(path, error)) from None
        if busy:
            raise self._remember(InUse(path, holders(path)))
        return modes

    def _remember(self, refusal: CameraFailed) -> CameraFailed:
        """Remember the process that uses the device, to detect when it closes it."""
        self._holder = refusal.holder if isinstance(refusal, InUse) else None
        return refusal

    def _requested(self, code: str | None) -> Sequence[int]:
        """Return the parameters to open with; the format first, as it limits sizes and rates."""
        requested: list[int] = []
        if code is not None:
            requested += [cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*code)]
        requested += [
            cv2.CAP_PROP_FRAME_WIDTH,
            self.size[0],
            cv2.CAP_PROP_FRAME_HEIGHT,
            self.size[1],
        ]
        requested += [cv2.CAP_PROP_FPS, round(self.fps)]
        return requested

    def _granted(self, path: str) -> SourceInfo:
        capture = self._capture
        value = int(capture.get(cv2.CAP_PROP_FOURCC)) & 0xFFFFFFFF
        self._code = value.to_bytes(4, "little").decode("ascii", "replace").strip("\0 ")
        if LINUX and (self._code in _JPEG_CODES or self._code == RAW):
            capture.set(cv2.CAP_PROP_CONVERT_RGB, 0)
        width = int(capture.get(cv2.CAP_PROP_FRAME_WIDTH))
        height = int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
        self._granted_size = (width, height) if LINUX else None
        return SourceInfo(
            width,
            height,
            capture.get(cv2.CAP_PROP_FPS),
            self._code,
            card_name(path),
            asked=RequestedMode(*self.size, self.fps, FORMATS.get(self.format, self.format)),
            device=path,
            note=self._set_controls(path),
        )

    def _set_controls(self, path: str) -> str:
        """Set the controls; return a note about those that could not be set."""
        if not self.controls:
            return ""
        if not LINUX:
            return "controls are set on Linux only: " + ", ".join(self.controls)
        problems = []
        try:
            with Driver(path) as driver:
                for name, text in self.controls.items():
                    try:
                        set_control(driver, name, text)
                    except (BadArgument, NotSupported, CameraFailed) as error:
                        problems.append(str(error))
        except OSError as error:
            problems.append(f"its controls cannot be set: {error.strerror}")
        return "; ".join(problems)

    def _no_bandwidth(self) -> CameraFailed | None:
        """Close the device; return the error if the USB bus has no bandwidth left."""
        self.close()
        if not LINUX:
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
        if LINUX and not os.path.exists(self._path):
            return f"{self._path} was unplugged"
        return f"{self._path or self.path} delivers no more pictures"


def _find_by_driver(port: str, **wanted: str) -> list[Device]:
    """Return the cameras at a port, by the answers of their drivers."""
    candidates = {device.path: device for device in find_devices(**wanted)}
    found = []
    for path in device_paths():
        with contextlib.suppress(OSError), Driver(path) as driver:
            if path in candidates and driver.bus() == port and not driver.no_camera():
                found.append(candidates[path])
    return found


def _describe(device: Device) -> str:
    details = {"serial": device.serial, "port": device.port}
    known = ", ".join(f"{key}={value}" for key, value in details.items() if value)
    return f"{device.stable or device.path}" + (f" ({known})" if known else "")


def settle_frames(settings: Settings) -> int:
    """Return the number of pictures that a webcam with these settings skips after each opening.

    Raises:
        BadArgument: ``settle`` is not a number from 0 to 100.
    """
    said = settings.number("settle", 0, 100)
    closes = settings.text("idle") == "close"
    return int(said) if said is not None else SETTLE_FRAMES * closes


def check_control(name: str) -> None:
    """Raise BadArgument if the name cannot be one of a control, such as a misspelt setting."""
    near = difflib.get_close_matches(name, _SETTINGS, 1, 0.7)
    if near:
        raise BadArgument(f"a webcam has no setting {name!r}: did you mean {near[0]!r}?")
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise BadArgument(f"a webcam has no setting {name!r}: a control's name is in lower case")
