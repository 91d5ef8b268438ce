"""Takes a camera's frames for its pre-roll and its recording."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.defer import Deferred, succeed

from twistedcam.camera import Camera
from twistedcam.codecs.h264_encoder import check_size
from twistedcam.errors import NotSupported
from twistedcam.media.frame import Frame
from twistedcam.media.timed_frame import H264Packet, TimedFrame
from twistedcam.media.timeline import Timeline
from twistedcam.recording.preroll import PreRoll
from twistedcam.recording.writer.job import WriteJob
from twistedcam.recording.writer.segment import MORE
from twistedcam.stream.hub import LATE, Sink
from twistedcam.stream.transcoder import Transcoder

#: Seconds after which the measured rate of a camera is reliable.
_MEASURED = 2.0


class Intake(Sink):
    """Puts frames on a timeline, keeps the newest, and passes them to a recording."""

    def __init__(self, camera: Camera, steady: Callable[[], float]) -> None:
        #: The newest frames, or None if none are kept.
        self.preroll: PreRoll | None = None
        self._kept = 0.0, 0
        self._camera = camera
        self._steady = steady
        self._timeline = Timeline()
        #: Encoded frames arrive later than the same frames from the camera.
        self._encoded_timeline = Timeline()
        self._job: WriteJob | None = None
        self._every: float | None = None
        self._due = 0
        self._shared: Transcoder | None = None
        #: True while the recording takes packets, until the last one has come.
        self._is_encoded = False
        self._needs_keyframe = True
        self._missed = self._missed_before = 0

    @property
    def missed(self) -> int:
        """The number of frames of this recording that the transcoder left out."""
        if self._shared is None:
            return self._missed
        return self._shared.dropped - self._missed_before

    def keep(self, seconds: float, most_bytes: int) -> None:
        """Keep the newest frames: so many seconds, 0 for none, and so many bytes at most."""
        if (seconds, most_bytes) != self._kept:
            self._kept = seconds, most_bytes
            self.preroll = PreRoll(seconds, most_bytes) if seconds else None
        self._update_subscription()

    def last(self, seconds: float) -> list[TimedFrame]:
        """The frames of the last seconds, as far as they are kept."""
        if self.preroll is None:
            return []
        return self.preroll.last(seconds, self._timeline.at(self._steady()) or 0)

    def begin(self, job: WriteJob, every: float | None, shared: Transcoder | None) -> None:
        """Pass frames to a write job from now on.

        Arguments:
            every: for a timelapse, the seconds from one frame to the next.
            shared: a transcoder to take packets from; None to take the camera's JPEGs.
        """
        self._job, self._every, self._due = job, every, 0
        self._missed, self._shared, self._is_encoded = 0, shared, shared is not None
        if shared is None:
            self._update_subscription()
            return
        self._needs_keyframe = True
        self._encoded_timeline = Timeline()
        self._missed_before = shared.dropped
        shared.add(self, lossless=True)

    def end(self) -> Deferred[int | None]:
        """Take no more frames; fires when all frames until now have been passed on.

        Fires with the time of the call on the frames' timeline; with None if no frame came.
        """
        shared = self._shared
        if shared is None:
            self._job = None
            self._update_subscription()
            return succeed(self._timeline.at(self._steady()))
        at = self._encoded_timeline.at(self._steady())
        self._missed, self._shared = self.missed, None

        def ended(_: None) -> int | None:
            self._job = None
            return at

        return shared.remove(self).addCallback(ended)

    def take(self, frame: Frame) -> None:
        """Take a frame (``hub.Sink``)."""
        timed = TimedFrame.of(frame, self._timeline.place(frame.time_us, self._steady()))
        if self.preroll is not None:
            self.preroll.add(timed)
        if self._job is not None and not self._is_encoded and self._is_due(timed):
            self._job.offer(timed)

    def take_packet(self, frame: Frame, packet: H264Packet) -> None:
        """Take an encoded frame (``transcoder.PacketSink``)."""
        if self._job is None or (self._needs_keyframe and not packet.is_keyframe):
            return
        time = self._encoded_timeline.place(frame.time_us, self._steady())
        taken = self._job.offer(TimedFrame.of(frame, time, packet))
        # A packet that refers to one left out is useless: go on with the next key frame.
        self._needs_keyframe = not taken
        if not taken and self._shared is not None:
            self._shared.need_keyframe()

    def has_encodable_picture(self) -> bool:
        """True if the camera has a picture, of a size that H.264 can encode."""
        frame = self._camera.hub.newest
        try:
            if frame is not None:
                check_size(frame.width, frame.height)
        except NotSupported:
            return False
        return frame is not None

    def nominal_rate(self, now: float) -> float | None:
        """The camera's nominal rate in frames a second; None if it is unknown or too low.

        Arguments:
            now: seconds on the camera's clock.
        """
        nominal, since, rate = (
            self._camera.source_info.fps,
            self._camera.live_since,
            self._camera.rate,
        )
        if since is not None and now - since > _MEASURED and rate.current(now) > nominal * MORE:
            return None
        return nominal if 1 <= nominal <= 120 else None

    def _is_due(self, timed: TimedFrame) -> bool:
        """True if the recording takes this frame: a timelapse does not take all."""
        if self._every is None:
            return True
        if timed.time < self._due:
            return False
        step = int(self._every * 1e6)
        late = timed.time - self._due
        self._due = self._due + step if late < step else timed.time + step
        return True

    def _update_subscription(self) -> None:
        """Subscribe to the camera's frames, or unsubscribe."""
        if self.preroll is not None or (self._job is not None and not self._is_encoded):
            self._camera.hub.add(self, priority=LATE)
        else:
            self._camera.hub.remove(self)
