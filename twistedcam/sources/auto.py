"""The first webcam that delivers a picture."""

from __future__ import annotations

import time
from collections.abc import Mapping

from twistedcam.errors import BadArgument, CameraFailed
from twistedcam.sources.base import RawPacket, RawPicture, SourceInfo
from twistedcam.sources.spec import Settings, SourceSpec
from twistedcam.sources.webcam.devices import LINUX, device_paths
from twistedcam.sources.webcam.source import (
    WebcamSource,
    check_control,
    choose_reader,
    settle_frames,
)

#: The reason without a webcam. The placeholder of such a camera is a test picture.
NO_WEBCAM = "No webcam was found. A test picture is shown. Plug one in."

#: The most seconds until the first picture of a webcam.
_FIRST_PICTURE = 5.0


class AutoSource:
    """Searches for a webcam at each opening, which fails if there is none.

    Arguments:
        size: the requested (width, height); None for the default.
        fps: the requested rate in frames per second; None for the default.
        controls: values of a webcam's controls by name.
        settle: the number of pictures to skip after an opening.
        reader: the setting ``reader`` of a webcam.
    """

    def __init__(
        self,
        size: tuple[int, int] | None = None,
        fps: float | None = None,
        controls: Mapping[str, str] | None = None,
        settle: int = 0,
        reader: str = "auto",
    ) -> None:
        self._controls = dict(controls or {})
        self._settle = settle
        self._reader = reader
        self._size = size
        self._fps = fps
        self._source: WebcamSource | None = None
        #: The number of pictures that earlier webcams have lost.
        self._lost = 0
        self._first: RawPicture | RawPacket | None = None
        #: The webcams without a picture, by path.
        self._failed: dict[str | int, WebcamSource] = {}

    @classmethod
    def from_settings(cls, spec: SourceSpec, settings: Settings) -> AutoSource:
        """Return the source for ``auto:?size=1280x720&fps=30``."""
        if spec.target:
            raise BadArgument("auto: takes settings only, as in auto:?fps=10")
        size, fps = settings.size(), settings.number("fps", 0.1, 1000)
        settle, reader = settle_frames(settings), choose_reader(settings)
        controls = settings.others()
        for control in controls:
            check_control(control)
        return cls(size, fps, controls, settle, reader)

    @property
    def lost(self) -> int:
        """The number of pictures that the webcam's driver has lost so far."""
        return self._lost + (self._source.lost if self._source is not None else 0)

    def open(self) -> SourceInfo:
        """Open the first webcam that delivers a picture.

        Raises:
            CameraFailed: none does; the message gives the reason of each.
        """
        devices: list[str | int] = [*device_paths()] if LINUX else [0]
        reasons = []
        self._failed = {}
        for device in devices:
            webcam = WebcamSource(device, controls=self._controls, reader=self._reader)
            webcam.size = self._size or webcam.size
            webcam.fps = self._fps or webcam.fps
            webcam.settle = self._settle
            try:
                granted = webcam.open()
                self._first = _first_picture(webcam)
            except CameraFailed as error:
                webcam.close()
                self._failed[device] = webcam
                reasons.append(str(error).rstrip("."))
                continue
            self._source = webcam
            return granted
        if not reasons:
            raise CameraFailed(NO_WEBCAM)
        why = "; ".join(reasons)
        raise CameraFailed(f"No webcam gives a picture: {why}. A test picture is shown.")

    def read(self) -> RawPicture | RawPacket | None:
        """Return the next picture of the webcam."""
        assert self._source is not None, "not open"
        if self._first is not None:
            first, self._first = self._first, None
            return first
        return self._source.read()

    def close(self) -> None:
        """Close the webcam."""
        if self._source is not None:
            self._source.close()
            self._lost += self._source.lost
            self._source = None
        self._first = None

    def device_signature(self) -> object:
        """Return a value that changes when a webcam is plugged in or becomes available."""
        if not LINUX:
            return None
        webcams = {path: self._failed.get(path) or WebcamSource(path) for path in device_paths()}
        return tuple((path, webcam.device_signature()) for path, webcam in webcams.items()) or None


def _first_picture(webcam: WebcamSource) -> RawPicture | RawPacket:
    """Return the first picture, which alone proves that a device is a camera.

    Raises:
        CameraFailed: there was none in time.
    """
    until = time.monotonic() + _FIRST_PICTURE
    while time.monotonic() < until:
        picture = webcam.read()
        if picture is not None:
            return picture
    raise CameraFailed(f"{webcam.path} gives no picture")
