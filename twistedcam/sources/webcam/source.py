"""A webcam: which device it is, what it is asked for, and what reads it."""

from __future__ import annotations

import contextlib
import difflib
import os
import re
import time
from collections.abc import Mapping, Sequence
from typing import Protocol

from twistedcam.errors import BadArgument, CameraFailed, NotSupported
from twistedcam.sources.base import RawPacket, RawPicture, RequestedMode, SourceInfo
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
    find_devices,
    holders,
)
from twistedcam.sources.webcam.modes import FORMATS, MJPG, choose_format
from twistedcam.sources.webcam.v4l2 import Driver, Mode

DEFAULT_SIZE = (1280, 720)
DEFAULT_FPS = 30.0

#: The pictures, and the most seconds, that are skipped after an opening of a device that is closed
#: while nobody watches: they are dark until the camera has adjusted its exposure.
SETTLE_FRAMES = 10
SETTLE_SECONDS = 1.0

#: The words of the setting ``reader``.
READERS = ("auto", "v4l2", "opencv")
_SETTINGS = (
    *("size", "fps", "format", "name", "serial", "port", "settle", "reader"),
    *COMMON,
)


class Reader(Protocol):
    """Reads one opening of a device."""

    #: The name of the granted format.
    code: str
    #: The number of pictures that the driver has lost, as far as it tells.
    lost: int

    def open(self, code: str | None, size: tuple[int, int], fps: float) -> tuple[int, int, float]:
        """Begin to stream in that format, or any for None; return granted width, height, rate."""

    def read(self) -> RawPicture | RawPacket | None:
        """Return the next picture; None if there was none for a second or two."""

    def skip(self) -> bool:
        """Skip a picture; return False if there was none, or if others need it."""

    def close(self) -> None:
        """Close the device."""


class WebcamSource:
    """Reads a webcam; passes its JPEGs, H.264 or H.265 on unchanged if it encodes.

    On Linux, V4L2 is read directly, elsewhere by OpenCV.

    Arguments:
        device: a number or a path.
        size: the requested (width, height).
        fps: the requested rate in frames per second.
        format: ``mjpg``, ``yuyv``, ``h264``, ``hevc``, or ``any``.
        name, serial, port: words of its name, its serial number, its USB port. If one is given,
            they select the device instead of ``device``.
        controls: values to set at each opening, by the controls' names.
        reader: ``opencv`` to read with OpenCV on Linux, too; ``v4l2`` or ``auto``.
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
        reader: str = "auto",
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
        self._reader_name = reader
        self._reader: Reader | None = None
        #: The number of pictures that earlier readers have lost.
        self._lost = 0
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
        reader = choose_reader(settings)
        source = cls(
            device,
            settings.size(default=DEFAULT_SIZE) or DEFAULT_SIZE,
            settings.number("fps", 0.1, 1000, DEFAULT_FPS) or DEFAULT_FPS,
            _format_setting(settings, reader),
            wanted["name"],
            wanted["serial"],
            wanted["port"],
            reader=reader,
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

    @property
    def lost(self) -> int:
        """The number of pictures that the driver has lost so far."""
        return self._lost + (self._reader.lost if self._reader is not None else 0)

    def open(self) -> SourceInfo:
        """Open the device, request format, size and rate, and return what was granted.

        Raises:
            CameraFailed: it cannot be opened; the message says why.
        """
        self.close()
        self._holder = None
        self._unsettled = self.settle
        path = self._path = self._find()
        code: str | None = FORMATS.get(self.format, MJPG)
        if LINUX:
            driver, modes = self._ask_driver(path)
            try:
                code = choose_format(modes, self.size, self.fps, self.format)
            except CameraFailed:
                driver.close()
                raise
            self._reader = self._make_reader(path, driver, modes)
        else:
            self._reader = _opencv_reader(path, self.device)
        try:
            width, height, fps = self._reader.open(code, self.size, self.fps)
        except CameraFailed as error:
            self.close()
            raise self._remember(error) from None
        return SourceInfo(
            width,
            height,
            fps,
            self._reader.code,
            card_name(path),
            asked=RequestedMode(*self.size, self.fps, FORMATS.get(self.format, self.format)),
            device=path,
            note=self._set_controls(path),
        )

    def read(self) -> RawPicture | RawPacket | None:
        """Wait for the next picture, for two seconds at most."""
        assert self._reader is not None, "not open"
        if self._unsettled:
            self._skip_first(self._reader)
        return self._reader.read()

    def _skip_first(self, reader: Reader) -> None:
        until = time.monotonic() + SETTLE_SECONDS
        count, self._unsettled = self._unsettled, 0
        for _ in range(count):
            if time.monotonic() > until or not reader.skip():
                return

    def close(self) -> None:
        """Close the device."""
        if self._reader is not None:
            self._lost += self._reader.lost
            self._reader.close()
            self._reader = None

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

    def _ask_driver(self, path: str) -> tuple[Driver, list[Mode]]:
        """Open the device; return it with its modes.

        Raises:
            CameraFailed: it is no camera, or cannot be used.
        """
        try:
            driver = Driver(path)
        except OSError as error:
            raise self._remember(explain(path, error)) from None
        try:
            if what := driver.no_camera():
                raise CameraFailed(f"{path} delivers no pictures: it is {what}")
            modes = driver.modes()
            is_busy = driver.is_busy()
        except (OSError, CameraFailed) as error:
            driver.close()
            if isinstance(error, OSError):
                raise self._remember(explain(path, error)) from None
            raise
        if is_busy:
            driver.close()  # before the search for processes that have it open
            raise self._remember(InUse(path, holders(path)))
        return driver, modes

    def _make_reader(self, path: str, driver: Driver, modes: Sequence[Mode]) -> Reader:
        """Return what reads the device; OpenCV also knows a few old formats."""
        from twistedcam.sources.webcam.v4l2_reader import V4l2Reader, can_read

        if self._reader_name == "v4l2" or (self._reader_name == "auto" and can_read(modes)):
            return V4l2Reader(path, driver, modes)
        driver.close()
        return _opencv_reader(path)

    def _remember(self, refusal: CameraFailed) -> CameraFailed:
        """Remember the process that uses the device, to detect when it closes it."""
        self._holder = refusal.holder if isinstance(refusal, InUse) else None
        return refusal

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


def _format_setting(settings: Settings, reader: str) -> str:
    """Return the setting ``format``; raise BadArgument if the reader cannot read it."""
    found = settings.choice("format", (*FORMATS, "any"), "any")
    if found in ("h264", "hevc") and (reader == "opencv" or not LINUX):
        raise BadArgument(f"format={found} needs Linux, and not reader=opencv")
    return found


def _opencv_reader(path: str, number: int | str | None = None) -> Reader:
    # OpenCV takes a quarter of a second to import, and much memory.
    from twistedcam.sources.webcam.opencv_reader import OpenCvReader

    return OpenCvReader(path, number)


def choose_reader(settings: Settings) -> str:
    """Return the setting ``reader``.

    Raises:
        BadArgument: there is no such reader on this system.
    """
    reader = settings.choice("reader", READERS, "auto")
    if reader == "v4l2" and not LINUX:
        raise BadArgument("reader=v4l2 needs Linux")
    return reader


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
    given = settings.number("settle", 0, 100)
    closes = settings.text("idle") == "close"
    return int(given) if given is not None else SETTLE_FRAMES * closes


def check_control(name: str) -> None:
    """Raise BadArgument if the name cannot be one of a control, such as a misspelt setting."""
    near = difflib.get_close_matches(name, _SETTINGS, 1, 0.7)
    if near:
        raise BadArgument(f"a webcam has no setting {name!r}: did you mean {near[0]!r}?")
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise BadArgument(f"a webcam has no setting {name!r}: a control's name is in lower case")
