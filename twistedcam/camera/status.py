"""The state of a camera, and the counts and rates of its frames."""

from __future__ import annotations

import time
from dataclasses import dataclass

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from twistedcam.camera.state_machine import CameraState
from twistedcam.codecs.jpeg_encoder import EncodedPicture
from twistedcam.events import CameraChanged
from twistedcam.media.frame import Frame
from twistedcam.media.packet import Packet
from twistedcam.sources.base import RawPacket, SourceInfo
from twistedcam.sources.spec import SourceSpec
from twistedcam.util.histogram import Histogram
from twistedcam.util.least_lag import LeastLag
from twistedcam.util.rate import LateRate

log = Logger()

#: Seconds of frames after which the measured frame rate is logged.
MEASURED_OVER = 5.0


@dataclass
class CameraCounts:
    """The number of frames by what was done to them, and of restarts, since the server started.

    Arguments:
        frames: all frames that were passed on.
        bytes: the bytes of frames that arrived as JPEG or were encoded at once.
        encoded: frames that were encoded to JPEG here.
        passed: frames that were passed on unchanged.
        turned: frames that were rotated or flipped without loss.
        repaired: frames whose JPEG lacked a part that was added.
        corrupt: pictures that could not be used; they are not in ``frames``.
        restarts: failures after which the source was to be opened again.
        from_camera: True if the newest frame is the camera's own JPEG, not one encoded here.
    """

    frames: int = 0
    bytes: int = 0
    encoded: int = 0
    passed: int = 0
    turned: int = 0
    repaired: int = 0
    corrupt: int = 0
    restarts: int = 0
    from_camera: bool = False

    def note_encoded(self) -> None:
        """Count a frame that was made of a packet."""
        self.encoded += 1

    def add(self, picture: EncodedPicture) -> None:
        """Count a picture that is passed on."""
        self.frames += 1
        self.from_camera = isinstance(picture.jpeg, bytes) and not picture.encoded
        if isinstance(picture.jpeg, bytes):
            self.bytes += len(picture.jpeg)
            self.passed += not picture.encoded and not picture.turned
        self.encoded += picture.encoded
        self.turned += picture.turned
        self.repaired += picture.repaired


class CameraStatus:
    """The settings and state of a camera, and the measurements of its frames.

    Arguments:
        name: the camera's name.
        spec: the source, with its current settings.
        clock: measures rates and ages.
    """

    def __init__(self, name: str, spec: SourceSpec, clock: IReactorTime) -> None:
        self.name = name
        self.spec = spec
        self.state: CameraState = "stopped"
        #: The reason why it is not live, or None.
        self.reason: str | None = None
        #: True if it is started, but its device is closed because nobody needs frames.
        self.is_idle = False
        #: The format of the source at its last opening.
        self.source_info = SourceInfo()
        #: True if the last failure was only silence: the device is present and delivers no frame.
        self.stalled = False
        #: The size of the newest frame in pixels; 0 before the first.
        self.width = 0
        self.height = 0
        self.rate = LateRate()
        self.counts = CameraCounts()
        #: The age of frames when they were passed on, in seconds; not of those that have gathered.
        self.ages = Histogram()
        #: The least age of those that have gathered.
        self._least_age = LeastLag()
        #: The clock's time in seconds and the reason of the last fault, or None.
        self.last_fault: tuple[float, str] | None = None
        #: The clock's time in seconds when it became live; None while it is not live.
        self.live_since: float | None = None
        self._clock = clock
        self._sequence = 0
        #: The number of frames when it became live; None once its rate was logged.
        self._frames_before: int | None = None

    def changed(self) -> CameraChanged:
        """The camera's state as an event."""
        fps = self.source_info.fps
        return CameraChanged(self.name, self.state, self.reason, self.width, self.height, fps)

    def set_state(self, state: CameraState, reason: str | None, is_idle: bool = False) -> None:
        """Note the new state."""
        self.state, self.reason, self.is_idle = state, reason, is_idle
        is_live = state == "live"
        self.live_since = self._clock.seconds() if is_live else None
        self._frames_before = self.counts.frames if is_live else None

    def number(self, picture: EncodedPicture) -> Frame:
        """Count a picture; return it as a frame with the next sequence number."""
        self.counts.add(picture)
        self._measure(picture.time_us)
        self.width, self.height = picture.width, picture.height
        return Frame(self._sequence, picture.time_us, picture.width, picture.height, picture.jpeg)

    def number_packet(self, raw: RawPacket, size: tuple[int, int]) -> Packet:
        """Count a packet of video; return it with the next sequence number.

        Arguments:
            size: (width, height) of its picture as viewers see it.
        """
        counts, time_us = self.counts, round(raw.time * 1e6)
        counts.frames += 1
        counts.passed += 1
        counts.bytes += len(raw.data)
        counts.from_camera = True
        self._measure(time_us)
        self.width, self.height = size
        dts = time_us - raw.reorder_us
        return Packet(raw.track, self._sequence, time_us, time_us, raw.data, raw.is_keyframe, dts)

    def _measure(self, time_us: int) -> None:
        """Count a picture of that capture time in the rates and ages."""
        self._sequence += 1
        now, age = self._clock.seconds(), time.time() - time_us / 1e6
        if self.rate.late:
            has_waited = age - self._least_age.note(age, now)
            self.rate.tick(now - min(has_waited, self.rate.late))
        else:
            self.ages.observe(age)
            self.rate.tick(now)
        self._log_rate(now)

    def note_fault(self, reason: str) -> None:
        """Remember the reason of a fault and its time."""
        self.last_fault = (self._clock.seconds(), reason)

    def _log_rate(self, now: float) -> None:
        """Log the measured frame rate once after each start, as soon as it is known."""
        if self._frames_before is None or self.live_since is None:
            return
        seconds = now - self.live_since
        if seconds < MEASURED_OVER:
            return
        fps = f"{(self.counts.frames - self._frames_before) / seconds:.1f}"
        promised = f"; the source promised {self.source_info.fps:g}" if self.source_info.fps else ""
        self._frames_before = None
        log.info(
            "{camera} delivers {fps} fps{promised}", camera=self.name, fps=fps, promised=promised
        )
