"""A webcam, by OpenCV: V4L2 on Linux, AVFoundation on macOS, Media Foundation on Windows."""

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
from twistedcam.sources.webcam.controls import turn
from twistedcam.sources.webcam.devices import (
    LINUX,
    Device,
    Holder,
    card_name,
    device_paths,
    find_devices,
    holders,
)
from twistedcam.sources.webcam.modes import FORMATS, MJPG, RAW, choose_format
from twistedcam.sources.webcam.open_errors import InUse, explain, explain_silent
from twistedcam.sources.webcam.v4l2 import Driver, Mode

# OpenCV waits so many seconds for a picture before it gives up; its own default is ten. It reads
# this once, when it is loaded, so it has to stand before the import.
os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", "2")

import cv2

DEFAULT_SIZE = (1280, 720)
DEFAULT_FPS = 30.0

#: Pictures that are left out after an opening where the device is closed while nobody watches:
#: the first ones are dark, until the camera has adjusted its exposure. They take a second at most.
SETTLE_FRAMES = 10
SETTLE_SECONDS = 1.0

#: Seconds after which a failed grab means silence and not a lost device.
_SILENCE = 1.0
_JPEG_CODES = frozenset({MJPG, "JPEG"})
_SETTINGS = ("size", "fps", "format", "name", "serial", "port", "settle", *COMMON)


def _silence_opencv() -> None:
    """Have OpenCV write nothing to standard error: what it says there is said in our log."""
    silent = 0
    if hasattr(cv2, "setLogLevel"):  # OpenCV 4
        cv2.setLogLevel(silent)
    else:
        cv2.utils.logging.setLogLevel(silent)


class WebcamSource:
    """A webcam; one that speaks MJPEG is passed through without decoding.

    Arguments:
        device: a number or a path.
        size: (width, height) to ask for.
        fps: rate to ask for.
        format: ``mjpg``, ``yuyv``, or ``any``.
        name, serial, port: words of its name, its serial number, its USB port. If one of them is
            given, they find the device in place of ``device``.
        controls: values to set at every opening, by the controls' names.
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
        #: Pictures to leave out after each opening, and those that are still to be left out.
        self.settle = self._unsettled = 0
        #: The device's file since the last opening.
        self._path = ""
        self.controls = dict(controls or {})
        self._capture: Any = None
        self._code = ""
        self._granted_size: tuple[int, int] | None = None
        self._holder: Holder | None = None

    @classmethod
    def from_settings(cls, spec: SourceSpec, settings: Settings) -> WebcamSource:
        """``webcam:0?size=1280x720&fps=30&format=mjpg&brightness=120``."""
        device: int | str = spec.target or 0
        if spec.target.isascii() and spec.target.isdigit():
            device = int(spec.target)
        elif spec.target and not spec.target.startswith("/"):
            raise BadArgument(f"webcam:{spec.target} is no device: webcam:0 or webcam:/dev/video0")
        wanted = {key: settings.text(key) for key in ("name", "serial", "port")}
        for key in (key for key, value in wanted.items() if value):
            if spec.target or not LINUX:
                instead = f"webcam:?{key}=… stands in place of a number or path, and needs Linux"
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
        """The device's file (Linux); empty while not exactly one is as it has to be."""
        if self._wanted:
            found = find_devices(**self._wanted)
            if not found and "port" in self._wanted:
                return self._path  # of the last opening: the system does not tell ports
            return (found[0].stable or found[0].path) if len(found) == 1 else ""
        return f"/dev/video{self.device}" if isinstance(self.device, int) else self.device

    def open(self) -> SourceInfo:
        """Open the device, ask for format, size and rate, and see what was granted."""
        _silence_opencv()
        self._holder = None
        self._unsettled = self.settle
        path = self._path = self._find()
        if LINUX:
            code = choose_format(self._modes(path), self.size, self.fps, self.format)
            self._capture = cv2.VideoCapture(path, cv2.CAP_V4L2, self._wishes(code))
        else:
            code = FORMATS.get(self.format, MJPG)
            self._capture = cv2.VideoCapture(self.device, cv2.CAP_ANY, self._wishes(code))
        if not self._capture.isOpened():
            self.close()
            raise self._noted(self._crowded() or explain_silent(path))
        return self._granted(path)

    def read(self) -> RawPicture | None:
        """Wait for the next picture, two seconds at most."""
        assert self._capture is not None, "not open"
        if self._unsettled:
            self._leave_out_first()
        asked = time.monotonic()
        if not self._capture.grab():
            # A silent camera takes OpenCV its whole patience; a lost one fails at once.
            if LINUX and os.path.exists(self._path) and time.monotonic() - asked > _SILENCE:
                return None
            raise self._crowded() or CameraFailed(self._why())
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

    def _leave_out_first(self) -> None:
        until = time.monotonic() + SETTLE_SECONDS
        count, self._unsettled = self._unsettled, 0
        for _ in range(count):
            if time.monotonic() > until or not self._capture.grab():
                return

    def close(self) -> None:
        """Let the device go."""
        if self._capture is not None:
            self._capture.release()
            self._capture = None

    def device_signature(self) -> object:
        """Changes when it is plugged in, when it may be opened, and when its holder lets it go."""
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
        """The device's file; CameraFailed if none or several are as it has to be."""
        if not self._wanted:
            return self.path
        found = find_devices(**self._wanted)
        if not found and "port" in self._wanted:
            found = _find_by_driver(**self._wanted)
        described = ", ".join(f"{key} {value!r}" for key, value in self._wanted.items())
        if not found:
            raise CameraFailed(f"there is no camera with the {described}: is it plugged in?")
        if len(found) > 1:
            listed = ", ".join(map(_shown, found))
            raise CameraFailed(
                f"{len(found)} cameras have the {described}: {listed}. Choose one by serial=…,"
                " port=… or path"
            )
        # A path that lasts means the same camera when it comes back.
        return found[0].stable or found[0].path

    def _modes(self, path: str) -> list[Mode]:
        """What the device has; CameraFailed if it is none that gives pictures."""
        try:
            with Driver(path) as driver:
                if what := driver.no_camera():
                    raise CameraFailed(f"{path} gives no pictures: it is {what}")
                modes = driver.modes()
                busy = driver.is_busy()
        except OSError as error:
            raise self._noted(explain(path, error)) from None
        if busy:
            raise self._noted(InUse(path, holders(path)))
        return modes

    def _noted(self, refusal: CameraFailed) -> CameraFailed:
        """Remember who has the device, to see when it is let go."""
        self._holder = refusal.holder if isinstance(refusal, InUse) else None
        return refusal

    def _wishes(self, code: str | None) -> Sequence[int]:
        """Format first: it decides which sizes and rates there are."""
        wishes: list[int] = []
        if code is not None:
            wishes += [cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*code)]
        wishes += [cv2.CAP_PROP_FRAME_WIDTH, self.size[0], cv2.CAP_PROP_FRAME_HEIGHT, self.size[1]]
        wishes += [cv2.CAP_PROP_FPS, round(self.fps)]
        return wishes

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
        """Set what was asked for; what could not be set, in a sentence: pictures come first."""
        if not self.controls:
            return ""
        if not LINUX:
            return "controls are set on Linux only: " + ", ".join(self.controls)
        problems = []
        try:
            with Driver(path) as driver:
                for name, text in self.controls.items():
                    try:
                        turn(driver, name, text)
                    except (BadArgument, NotSupported, CameraFailed) as error:
                        problems.append(str(error))
        except OSError as error:
            problems.append(f"its controls cannot be set: {error.strerror}")
        return "; ".join(problems)

    def _crowded(self) -> CameraFailed | None:
        """The reason, if it is that the USB bus has no bandwidth left: OpenCV does not say it."""
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

    def _why(self) -> str:
        if LINUX and not os.path.exists(self._path):
            return f"{self._path} was unplugged"
        return f"{self._path or self.path} gives no more pictures"


def _find_by_driver(port: str, **wanted: str) -> list[Device]:
    """The cameras at that port, by what their drivers say of it."""
    candidates = {device.path: device for device in find_devices(**wanted)}
    found = []
    for path in device_paths():
        with contextlib.suppress(OSError), Driver(path) as driver:
            if path in candidates and driver.bus() == port and not driver.no_camera():
                found.append(candidates[path])
    return found


def _shown(device: Device) -> str:
    details = {"serial": device.serial, "port": device.port}
    known = ", ".join(f"{key}={value}" for key, value in details.items() if value)
    return f"{device.stable or device.path}" + (f" ({known})" if known else "")


def settle_frames(settings: Settings) -> int:
    """Pictures that a webcam with these settings leaves out after each opening.

    Raises:
        BadArgument: ``settle`` is no number from 0 to 100.
    """
    said = settings.number("settle", 0, 100)
    closes = settings.text("idle") == "close"
    return int(said) if said is not None else SETTLE_FRAMES * closes


def check_control(name: str) -> None:
    """Raise BadArgument for what can be no control: a misspelt setting above all."""
    near = difflib.get_close_matches(name, _SETTINGS, 1, 0.7)
    if near:
        raise BadArgument(f"a webcam has no setting {name!r}: did you mean {near[0]!r}?")
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise BadArgument(f"a webcam has no setting {name!r}: a control's name is in lower case")
