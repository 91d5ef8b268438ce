"""The first webcam that gives a picture, or else the test picture with the reason on it."""

from __future__ import annotations

import time
from collections.abc import Mapping

from twistedcam.errors import BadArgument, CameraFailed
from twistedcam.sources.base import Grab, Granted, Source
from twistedcam.sources.devices import LINUX, device_paths
from twistedcam.sources.pattern import DEFAULT_FPS, DEFAULT_SIZE, MIN_SIZE, PatternSource
from twistedcam.sources.spec import Settings, SourceSpec
from twistedcam.sources.webcam import WebcamSource, check_control

#: Seconds between two looks for a webcam that was plugged in meanwhile.
_LOOK_EVERY = 0.4
#: Seconds that a webcam may take to give its first picture.
_FIRST_PICTURE = 5.0


class AutoSource:
    """Looks for a webcam at every opening; while there is none, shows the pattern.

    Arguments:
        size: (width, height) to ask for, or None for the usual.
        fps: rate to ask for, or None for the usual.
        controls: values to set on a webcam, by the controls' names.
    """

    def __init__(
        self,
        size: tuple[int, int] | None = None,
        fps: float | None = None,
        controls: Mapping[str, str] | None = None,
    ) -> None:
        self._controls = dict(controls or {})
        self._size = size
        self._fps = fps
        self._source: Source | None = None
        self._first: Grab | None = None
        self._seen: list[str] | None = None
        self._look_at = 0.0

    @classmethod
    def from_settings(cls, spec: SourceSpec, settings: Settings) -> AutoSource:
        """``auto:?size=1280x720&fps=30``."""
        if spec.target:
            raise BadArgument("auto: takes settings only, as in auto:?fps=10")
        size, fps = settings.size(), settings.number("fps", 0.1, 1000)
        controls = settings.others()
        for control in controls:
            check_control(control)
        return cls(size, fps, controls)

    def open(self) -> Granted:
        """Try the webcams one after the other."""
        devices: list[str | int] = [*device_paths()] if LINUX else [0]
        reasons = []
        for device in devices:
            webcam = WebcamSource(device, controls=self._controls)
            webcam.size = self._size or webcam.size
            webcam.fps = self._fps or webcam.fps
            try:
                granted = webcam.open()
                self._first = _first_picture(webcam)
            except CameraFailed as error:
                webcam.close()
                reasons.append(str(error))
                continue
            self._source = webcam
            return granted
        return self._show_pattern(reasons, [str(device) for device in devices])

    def _show_pattern(self, reasons: list[str], devices: list[str]) -> Granted:
        self._seen = devices
        self._look_at = time.monotonic() + _LOOK_EVERY
        why = "; ".join(reasons) or "no webcam was found: plug one in"
        width, height = self._size or DEFAULT_SIZE  # which may be a webcam's, and small
        size = max(width, MIN_SIZE[0]), max(height, MIN_SIZE[1])
        pattern = PatternSource(size, self._fps or DEFAULT_FPS, why)
        self._source = pattern
        return pattern.open()

    def read(self) -> Grab | None:
        """The next picture of whatever was found."""
        assert self._source is not None, "not open"
        if self._first is not None:
            first, self._first = self._first, None
            return first
        self._look()
        return self._source.read()

    def interrupt(self) -> None:
        """Wake who waits for the next test picture."""
        source = self._source
        if isinstance(source, PatternSource):
            source.interrupt()

    def close(self) -> None:
        """Let the webcam go."""
        if self._source is not None:
            self._source.close()
            self._source = None
        self._first = self._seen = None

    def _look(self) -> None:
        """End the pattern when a webcam has come."""
        if self._seen is None or not LINUX or time.monotonic() < self._look_at:
            return
        self._look_at = time.monotonic() + _LOOK_EVERY
        devices: list[str] = device_paths()
        if set(devices) - set(self._seen):
            raise CameraFailed("a webcam was plugged in")
        self._seen = devices


def _first_picture(webcam: WebcamSource) -> Grab:
    """The first picture, which alone proves that a device is a camera.

    Raises:
        CameraFailed: none came in time.
    """
    until = time.monotonic() + _FIRST_PICTURE
    while time.monotonic() < until:
        grab = webcam.read()
        if grab is not None:
            return grab
    raise CameraFailed(f"{webcam.path} gives no picture")
