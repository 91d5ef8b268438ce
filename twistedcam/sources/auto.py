"""The first webcam that gives a picture."""

from __future__ import annotations

import time
from collections.abc import Mapping

from twistedcam.errors import BadArgument, CameraFailed
from twistedcam.sources.base import RawPicture, SourceInfo
from twistedcam.sources.spec import Settings, SourceSpec
from twistedcam.sources.webcam.devices import LINUX, device_paths
from twistedcam.sources.webcam.source import WebcamSource, check_control, settle_frames

#: Why there is no picture. The placeholder of such a camera is a test picture.
NO_WEBCAM = "No webcam was found. A test picture is shown. Plug one in."

#: Seconds that a webcam may take to give its first picture.
_FIRST_PICTURE = 5.0


class AutoSource:
    """Looks for a webcam at every opening. It cannot be opened while there is none.

    Arguments:
        size: (width, height) to ask for, or None for the usual.
        fps: rate to ask for, or None for the usual.
        controls: values to set on a webcam, by the controls' names.
        settle: pictures to leave out after an opening.
    """

    def __init__(
        self,
        size: tuple[int, int] | None = None,
        fps: float | None = None,
        controls: Mapping[str, str] | None = None,
        settle: int = 0,
    ) -> None:
        self._controls = dict(controls or {})
        self._settle = settle
        self._size = size
        self._fps = fps
        self._source: WebcamSource | None = None
        self._first: RawPicture | None = None
        #: The webcams that gave no picture, by their paths.
        self._failed: dict[str | int, WebcamSource] = {}

    @classmethod
    def from_settings(cls, spec: SourceSpec, settings: Settings) -> AutoSource:
        """``auto:?size=1280x720&fps=30``."""
        if spec.target:
            raise BadArgument("auto: takes settings only, as in auto:?fps=10")
        size, fps = settings.size(), settings.number("fps", 0.1, 1000)
        settle = settle_frames(settings)
        controls = settings.others()
        for control in controls:
            check_control(control)
        return cls(size, fps, controls, settle)

    def open(self) -> SourceInfo:
        """Open the first webcam that gives a picture.

        Raises:
            CameraFailed: none does; the message says why of each.
        """
        devices: list[str | int] = [*device_paths()] if LINUX else [0]
        reasons = []
        self._failed = {}
        for device in devices:
            webcam = WebcamSource(device, controls=self._controls)
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

    def read(self) -> RawPicture | None:
        """The next picture of the webcam that was found."""
        assert self._source is not None, "not open"
        if self._first is not None:
            first, self._first = self._first, None
            return first
        return self._source.read()

    def close(self) -> None:
        """Let the webcam go."""
        if self._source is not None:
            self._source.close()
            self._source = None
        self._first = None

    def device_signature(self) -> object:
        """Changes when a webcam is plugged in, may be opened, or is let go by its holder."""
        if not LINUX:
            return None
        webcams = {path: self._failed.get(path) or WebcamSource(path) for path in device_paths()}
        return tuple((path, webcam.device_signature()) for path, webcam in webcams.items()) or None


def _first_picture(webcam: WebcamSource) -> RawPicture:
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
