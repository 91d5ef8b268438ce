"""The source ``picamera:``: a Raspberry Pi camera, which a process reads with Picamera2."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure

from twistedcam.errors import CameraFailed
from twistedcam.media.nal_codecs import NAL_CODECS
from twistedcam.runtime.child_process import ChildProcess, describe_exit, last_line
from twistedcam.runtime.timer import Timer
from twistedcam.sources.base import (
    RawPicture,
    ReactorSourceListener,
    RequestedMode,
    SourceInfo,
)
from twistedcam.sources.picamera.controls import Ranges, libcamera_values
from twistedcam.sources.picamera.interpreter import INSTALL, command, environment_of, find_python
from twistedcam.sources.picamera.messages import (
    CameraAnswer,
    CameraDecoder,
    CameraMessage,
    CameraOpened,
    PiCameraFailed,
    SensorPicture,
)
from twistedcam.sources.spec import Settings, SourceSpec
from twistedcam.sources.webcam.access_units import AccessUnitReader

FORMATS = ("mjpg", "h264")
_SIZE, _FPS = (1280, 720), 30.0
#: Seconds that the process has to close the camera before it is killed.
_GRACE = 3.0
_MAX_ERRORS = 4096
#: Seconds to wait for the last output of a process that has ended.
_LAST_WAIT = 1.0
#: libcamera writes this when no more pictures come from the sensor.
_UNPLUGGED = b"frontend has timed out"


@dataclass(frozen=True)
class PicameraOptions:
    """The request to open a camera.

    Arguments:
        camera: its number, or its id or model.
        size: the requested (width, height).
        fps: the requested frames per second.
        format: ``mjpg`` or ``h264``.
        bitrate: bits per second; None for one that suits size and rate.
        hflip, vflip: True if the sensor mirrors the picture.
        controls: texts by the names of ``controls.CONTROLS``.
    """

    camera: int | str = 0
    size: tuple[int, int] = _SIZE
    fps: float = _FPS
    format: str = FORMATS[0]
    bitrate: int | None = None
    hflip: bool = False
    vflip: bool = False
    controls: Mapping[str, str] = field(default_factory=dict)

    def as_json(self) -> bytes:
        """Return the first line for the process."""
        values = {**vars(self), "controls": libcamera_values(self.controls)}
        return json.dumps(values).encode() + b"\n"


class PicameraSource:
    """Receives JPEGs or H.264 of a Raspberry Pi camera from the process that reads it.

    Arguments:
        options: the request.
        reactor: the reactor; by default that of the process.
    """

    def __init__(self, options: PicameraOptions, reactor: Any = None) -> None:
        self.options = options
        #: The ranges of the camera's controls by libcamera's names; none while it is closed.
        self.ranges: Ranges = {}
        #: The number of pictures that were lost since it was opened.
        self.lost = 0
        self._given_reactor = reactor
        self._listener: ReactorSourceListener | None = None
        self._process: _CameraProcess | None = None
        self._units: AccessUnitReader | None = None
        self._orders: dict[int, Deferred[dict[str, float]]] = {}
        self._last_order = 0

    @classmethod
    def from_settings(cls, spec: SourceSpec, settings: Settings) -> PicameraSource:
        """Return the source for ``picamera:0?size=1920x1080&fps=30&format=h264&brightness=0.2``."""
        camera: int | str = spec.target or 0
        if spec.target.isascii() and spec.target.isdigit():
            camera = int(spec.target)
        size = settings.size(default=_SIZE) or _SIZE
        fps = settings.number("fps", 0.1, 1000, _FPS) or _FPS
        encoding = settings.choice("format", FORMATS, FORMATS[0])
        bitrate = settings.number("bitrate", 10_000, 100_000_000)
        rotate, flip = (spec.settings.get(name, "") for name in ("rotate", "flip"))
        hflip, vflip = device_flips(rotate, flip) or (False, False)
        controls = settings.others()
        libcamera_values(controls)  # unknown names and values that are no numbers are refused
        rate = None if bitrate is None else int(bitrate)
        return cls(PicameraOptions(camera, size, fps, encoding, rate, hflip, vflip, controls))

    def start(self, listener: ReactorSourceListener) -> None:
        """Start the process, and deliver until ``stop``."""
        self._listener = listener
        reactor = self._given_reactor
        if reactor is None:
            from twisted.internet import reactor
        self._process = _CameraProcess(reactor, self.options, self._take, self._ended)

    def stop(self) -> Deferred[None]:
        """End the process, which closes the camera first; fires when it has ended."""
        self._listener = None
        process, self._process = self._process, None
        self._drop_orders()
        return succeed(None) if process is None else process.close()

    def set_controls(self, values: Mapping[str, float]) -> Deferred[dict[str, float]]:
        """Set controls of the open camera by libcamera's names.

        Fires with CameraFailed if the camera refuses, or is closed.
        """
        return self._order({"set": dict(values)})

    def read_controls(self) -> Deferred[dict[str, float]]:
        """Return the values that the newest picture was taken with, by libcamera's names."""
        return self._order({"read": True})

    def _order(self, order: dict[str, Any]) -> Deferred[dict[str, float]]:
        if self._process is None or not self.ranges:
            return fail(CameraFailed("the camera is not open"))
        self._last_order += 1
        answer: Deferred[dict[str, float]] = Deferred()
        self._orders[self._last_order] = answer
        self._process.write({"id": self._last_order, **order})
        return answer

    def _drop_orders(self) -> None:
        self.ranges = {}
        orders, self._orders = self._orders, {}
        for each in orders.values():
            each.errback(CameraFailed("the camera was closed"))

    def _take(self, message: CameraMessage) -> None:
        listener = self._listener
        if listener is None:
            return
        if isinstance(message, SensorPicture):
            self._take_picture(message, listener)
        elif isinstance(message, CameraOpened):
            self.ranges = message.ranges
            if self.options.format == "h264":
                self._units = AccessUnitReader(NAL_CODECS["h264"], message.fps)
            listener.on_opened(self._describe(message))
        elif isinstance(message, CameraAnswer):
            answer = self._orders.pop(message.id, None)
            if answer is not None and message.error:
                answer.errback(CameraFailed(message.error))
            elif answer is not None:
                answer.callback(message.values)

    def _take_picture(self, picture: SensorPicture, listener: ReactorSourceListener) -> None:
        if picture.lost != self.lost:
            self.lost = picture.lost
            if self._units is not None:
                self._units.lose()
        time = picture.time_us / 1e6
        if self._units is None:
            listener.on_raw(RawPicture(time, picture.data))
            return
        try:
            packet = self._units.read(picture.data, time)
        except ValueError as error:
            self._units.lose()
            listener.on_corrupt(str(error))
            return
        if packet is not None:
            listener.on_raw(packet)

    def _describe(self, opened: CameraOpened) -> SourceInfo:
        options = self.options
        code = "MJPG" if options.format == "mjpg" else "H264"
        missing = ", ".join(opened.missing)
        return SourceInfo(
            opened.width,
            opened.height,
            opened.fps,
            code,
            f"Raspberry Pi camera {opened.model} ({opened.encoder})",
            asked=RequestedMode(*options.size, options.fps, code),
            note=f"this camera does not have {missing}" if missing else "",
        )

    def _ended(self, reason: str) -> None:
        self._process = None
        listener, self._listener = self._listener, None
        self._drop_orders()
        if listener is not None:
            listener.on_failed(CameraFailed(reason))


def device_flips(rotate: str, flip: str) -> tuple[bool, bool] | None:
    """Return if the sensor mirrors the picture (horizontally, vertically) for these settings.

    Return None if it cannot do it, because of a quarter turn: the server turns the pictures then.
    """
    if rotate in ("90", "270"):
        return None
    half = rotate == "180"
    return half != (flip == "h"), half != (flip == "v")


class _OutputReader(Protocol):
    """Reads the output of a process from a socket: more at once than from Twisted's pipes."""

    def __init__(self, process: _CameraProcess) -> None:
        self._process = process

    def dataReceived(self, data: bytes) -> None:
        self._process.on_output(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._process.on_output_end()


class _CameraProcess(ChildProcess):
    """The process of a camera. No callback is called after ``close``."""

    def __init__(
        self,
        reactor: Any,
        options: PicameraOptions,
        on_message: Callable[[CameraMessage], None],
        on_end: Callable[[str], None],
    ) -> None:
        self._options = options
        self._on_message = on_message
        self._report_end = on_end
        self._decoder = CameraDecoder()
        self._errors = b""
        self._reason = ""
        self._is_closing = False
        self._python = find_python()
        self._exit: Failure | None = None
        self._output_has_ended = False
        self._last_wait = Timer(reactor)
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        with ours, theirs:
            super().__init__(
                reactor,
                command(self._python),
                {0: "w", 1: theirs.fileno(), 2: "r"},
                self._ended,
                environment_of(self._python),
            )
            reader = _OutputReader(self)
            reactor.adoptStreamConnection(
                ours.fileno(), socket.AF_UNIX, Factory.forProtocol(lambda: reader)
            )

    def connectionMade(self) -> None:
        self.transport.write(self._options.as_json())  # type: ignore[union-attr]

    def write(self, order: dict[str, Any]) -> None:
        """Send an order."""
        if not self._is_closing:
            self.transport.write(json.dumps(order).encode() + b"\n")  # type: ignore[union-attr]

    def close(self) -> Deferred[None]:
        """End the process, and kill it if it does not close the camera soon."""
        self._is_closing = True
        self.transport.closeStdin()  # type: ignore[union-attr]
        return self.wait_or_kill(_GRACE)

    def on_output(self, data: bytes) -> None:
        """Take data of the process; nothing more is done with it after ``close``."""
        if self._is_closing or self._reason:
            return
        try:
            for message in self._decoder.feed(data):
                if isinstance(message, PiCameraFailed):
                    self._reason = message.reason
                elif not self._is_closing:
                    self._on_message(message)
        except ValueError as error:
            self._give_up(f"the process that reads the camera sent nonsense: {error}")

    def errReceived(self, data: bytes) -> None:
        self._errors = (self._errors + data)[-_MAX_ERRORS:]
        if _UNPLUGGED in self._errors:
            self._give_up("the camera gives no more pictures: check its cable")

    def _give_up(self, reason: str) -> None:
        self._reason = self._reason or reason
        self.wait_or_kill(0)

    def on_output_end(self) -> None:
        """Report the end of the process, if it has ended."""
        self._output_has_ended = True
        self._report()

    def _ended(self, why: Failure) -> None:
        # What it has written last, which may say why, can still be on its way.
        self._exit = why
        self._last_wait.start(_LAST_WAIT, self.on_output_end)
        self._report()

    def _report(self) -> None:
        if self._exit is None or not self._output_has_ended:
            return
        self._last_wait.cancel()
        if not self._is_closing:
            self._is_closing = True
            self._report_end(self._reason_of_end(self._exit))

    def _reason_of_end(self, why: Failure) -> str:
        if "cannot be imported" in self._reason:
            return f"Picamera2 is not installed for {self._python}: {INSTALL}"
        if self._reason:
            return self._reason
        signal = getattr(why.value, "signal", None)
        status = -signal if signal else getattr(why.value, "exitCode", None) or 0
        output = last_line(self._errors)[:240]
        end = f"the process that reads the camera {describe_exit(status)}"
        return f"{end}: {output}" if output and not signal else end
