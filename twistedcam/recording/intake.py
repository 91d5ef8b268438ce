"""A camera's frames on their way into its recording, and those from before it."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.defer import Deferred, succeed

from twistedcam.camera import Camera
from twistedcam.media.frame import Frame
from twistedcam.media.packet import Packet, TimedFrame
from twistedcam.media.timeline import Timeline
from twistedcam.recording.preroll import PreRoll
from twistedcam.recording.writer.job import WriteJob
from twistedcam.stream.hub import LATE, Sink
from twistedcam.stream.transcoder import Transcoder


class Intake(Sink):
    """Puts frames on a timeline, keeps the last of them, and passes on what a recording takes.

    Arguments:
        camera: whose frames.
        steady: seconds on a clock that is never set.
    """

    def __init__(self, camera: Camera, steady: Callable[[], float]) -> None:
        #: What came before the button, or None where nothing is kept.
        self.preroll: PreRoll | None = None
        self._kept = 0.0, 0
        self._camera = camera
        self._steady = steady
        self._timeline = Timeline()
        #: Frames that were encoded come later than the same ones from the camera.
        self._encoded_timeline = Timeline()
        self._job: WriteJob | None = None
        self._every: float | None = None
        self._due = 0
        self._shared: Transcoder | None = None
        #: Whether the recording takes what that encoder makes, until its last frame.
        self._is_encoded = False
        self._needs_keyframe = True
        self._missed = self._missed_before = 0

    @property
    def missed(self) -> int:
        """Frames of this recording that another's encoder was too slow for."""
        if self._shared is None:
            return self._missed
        return self._shared.dropped - self._missed_before

    def keep(self, seconds: float, most_bytes: int) -> None:
        """Keep the last seconds from now on; 0: nothing. What is kept already stays."""
        if (seconds, most_bytes) != self._kept:
            self._kept = seconds, most_bytes
            self.preroll = PreRoll(seconds, most_bytes) if seconds else None
        self._attend()

    def last(self, seconds: float) -> list[TimedFrame]:
        """The frames of the last seconds, as far as they are kept."""
        if self.preroll is None:
            return []
        return self.preroll.last(seconds, self._timeline.at(self._steady()) or 0)

    def begin(self, job: WriteJob, every: float | None, shared: Transcoder | None) -> None:
        """Pass frames on.

        Arguments:
            job: what takes them.
            every: for a timelapse, the seconds from one frame to the next.
            shared: an encoder that works for others too; or None for the camera's own JPEGs.
        """
        self._job, self._every, self._due = job, every, 0
        self._missed, self._shared, self._is_encoded = 0, shared, shared is not None
        if shared is None:
            self._attend()
            return
        self._needs_keyframe = True
        self._encoded_timeline = Timeline()
        self._missed_before = shared.dropped
        shared.add(self, lossless=True)

    def end(self) -> Deferred[int | None]:
        """Take no more frames; fires when those taken before have been passed on.

        Fires with the time of this timed on the frames' timeline; None where no frame came.
        """
        shared = self._shared
        if shared is None:
            self._job = None
            self._attend()
            return succeed(self._timeline.at(self._steady()))
        at = self._encoded_timeline.at(self._steady())
        self._missed, self._shared = self.missed, None
        return shared.remove(self).addCallback(lambda _: self._ended(at))

    def _ended(self, at: int | None) -> int | None:
        self._job = None
        return at

    def take(self, frame: Frame) -> None:
        """A new frame (hub.Sink)."""
        timed = TimedFrame.of(frame, self._timeline.place(frame.time_us, self._steady()))
        if self.preroll is not None:
            self.preroll.add(timed)
        if self._job is not None and not self._is_encoded and self._is_due(timed):
            self._job.offer(timed)

    def take_packet(self, frame: Frame, packet: Packet) -> None:
        """A new frame that is encoded already (shared.PacketSink)."""
        if self._job is None or (self._needs_keyframe and not packet.is_keyframe):
            return
        time = self._encoded_timeline.place(frame.time_us, self._steady())
        taken = self._job.offer(TimedFrame.of(frame, time, packet))
        # What refers to one that is left out cannot be shown: on with the next keyframe.
        self._needs_keyframe = not taken
        if not taken and self._shared is not None:
            self._shared.need_keyframe()

    def _is_due(self, timed: TimedFrame) -> bool:
        """Whether a timelapse takes it; other recordings take all."""
        if self._every is None:
            return True
        if timed.time < self._due:
            return False
        step = int(self._every * 1e6)
        late = timed.time - self._due
        self._due = self._due + step if late < step else timed.time + step
        return True

    def _attend(self) -> None:
        """Have the camera's frames, or leave it alone."""
        if self.preroll is not None or (self._job is not None and not self._is_encoded):
            self._camera.hub.add(self, priority=LATE)
        else:
            self._camera.hub.remove(self)
