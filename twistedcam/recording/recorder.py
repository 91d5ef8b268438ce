"""A camera's recorder: the button, what came before it, and what is told of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from twistedcam.camera import Camera
from twistedcam.codecs.h264_encoder import check_size
from twistedcam.errors import BadArgument, CameraFailed, CommandError, DiskError, NotSupported
from twistedcam.events import EventBus
from twistedcam.media.frame import Frame
from twistedcam.recording.camera_loss import CameraLossWatch
from twistedcam.recording.containers import SUFFIXES, Format
from twistedcam.recording.continuous import ContinuousRecording
from twistedcam.recording.first_frame import FirstFrameWatch
from twistedcam.recording.intake import Intake
from twistedcam.recording.library.probe import Item
from twistedcam.recording.lifecycle import HasState, make_recorder_lifecycle
from twistedcam.recording.notices import RecordingReporter, no_picture
from twistedcam.recording.planning import check_plan, make_plan
from twistedcam.recording.preroll import PreRoll
from twistedcam.recording.saving import save
from twistedcam.recording.settings import RecordSettings
from twistedcam.recording.writer.file_names import check_name
from twistedcam.recording.writer.job import WriteJob
from twistedcam.recording.writer.segment import MORE, SegmentResult
from twistedcam.recording.writer.session import Plan, Progress
from twistedcam.runtime.threads import Thread
from twistedcam.stream.transcoder import Transcoder

log = Logger()

#: Seconds after which the rate of a camera that has just become live is known.
_MEASURED = 2.0


class Recorder(HasState):
    """Records one camera.

    Arguments:
        camera: whose frames.
        folder: where files go.
        events: where beginnings and ends are told, and where the camera's state is heard.
        make_thread: gives the threads that write.
        clock: what waiting is measured by.
        settings: how it records; may be changed, and holds from the next recording on.
        steady: seconds on a clock that is never set.
    """

    def __init__(
        self,
        camera: Camera,
        folder: Path,
        events: EventBus,
        make_thread: Callable[[], Thread],
        clock: IReactorTime,
        settings: RecordSettings | None = None,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        #: Seconds since the UNIX epoch at which the recording under way began.
        self.started_at = 0.0
        #: Why the last recording ended by itself, or None.
        self.failure: CommandError | None = None
        self.format: Format | None = None
        self._camera = camera
        self._folder = folder
        self._reporter = RecordingReporter(camera.name, folder, events)
        self._make_thread = make_thread
        self._clock = clock
        self._steady = steady
        self._job: WriteJob | None = None
        #: What the recording under way began with, or the last one.
        self._begun: Plan | None = None
        self._intake = Intake(camera, steady)
        self._camera_loss = CameraLossWatch(camera, events, clock, self._finish, self._gone)
        self._continuous = ContinuousRecording(clock, self._begin_again)
        self._first = FirstFrameWatch(camera, events, clock, self._tell_waiting)
        #: Gives the encoder that works for others and suits this recording, or None.
        self.find_shared: Callable[[RecordSettings], Transcoder | None] = lambda settings: None
        self._waiting: list[Deferred[Progress | None]] = []
        #: Whether the camera showed a picture that can be recorded when this one began. If not,
        #: and the first one cannot be, either, it is the camera and not an odd picture.
        self._had_encodable = False
        self._machine = make_recorder_lifecycle(self)
        self.settings = settings or RecordSettings()

    @property
    def settings(self) -> RecordSettings:
        """How it records."""
        return self._settings

    @settings.setter
    def settings(self, settings: RecordSettings) -> None:
        self._settings = settings
        self._intake.keep(settings.preroll or 0, settings.preroll_memory)

    @property
    def preroll(self) -> PreRoll | None:
        """What came before the button, or None where nothing is kept."""
        return self._intake.preroll

    @property
    def name(self) -> str | None:
        """The file that is being written, or None."""
        return None if self._job is None else self._job.progress.name

    @property
    def result(self) -> Progress:
        """How far the recording has come, all its files together."""
        return Progress("") if self._job is None else self._job.progress

    @property
    def waiting(self) -> str | None:
        """Why the recording has no picture so far. None: it has one, or will at any moment."""
        return self._first.reason

    @property
    def begins_again(self) -> bool:
        """Whether a recording is to begin as soon as the disk takes it."""
        return self.state == "idle" and self._continuous.is_held

    @property
    def dropped(self) -> int:
        """Frames that the recording had to leave out."""
        return 0 if self._job is None else self._job.dropped + self._intake.missed

    def item(self) -> Item | None:
        """The file that is being written, as a listing shows it; or None."""
        if self._job is None or self.format is None:
            return None
        progress = self.result
        return Item(
            progress.name,
            self._camera.name,
            progress.started or self.started_at,
            round(progress.file_seconds, 3),
            progress.file_bytes,
            "mjpeg" if self.format.codec == "copy" else "h264",
            self._camera.width,
            self._camera.height,
            complete=False,
            dropped=self.dropped,
            own=True,
        )

    def check(self, name: str | None) -> None:
        """See that a recording could begin now.

        Raises:
            BadArgument: that is no name for a recording, or there is one of that name.
            DiskError: the folder cannot be written, or is full.
        """
        check_plan(self._folder, name, self.settings)

    def start(self, name: str | None = None, every: float | None = None) -> str:
        """Record from now on, and what the pre-roll holds; the file's name.

        Nothing changes if it records already.

        Arguments:
            every: for a timelapse, the seconds from one frame to the next.

        Raises:
            BadArgument: that is no name for a recording, or there is one of that name; or another
                recording is under way than the one that is asked for.
            DiskError: the folder cannot be written, or is full.
        """
        if self.state == "recording" and self.name is not None:
            self._check_same(name, every)
            return self.name
        if self.state == "finishing":
            raise BadArgument("the recording before is still being finished: try again")
        plan = self._plan(name, every)
        self._had_encodable = _is_encodable(self._camera.hub.newest)
        self._machine.begin()
        self.failure, self.format, self.started_at = None, plan.format, time.time()
        first = self._intake.last(self.settings.preroll or 0) if every is None else []
        self._job, self._begun = WriteJob(plan, first, self._make_thread, self, self._steady), plan
        shared = None
        if plan.format.codec == "h264" and every is None and self.preroll is None:
            shared = self.find_shared(self.settings)
        self._intake.begin(self._job, every, shared)
        self._camera_loss.begin(patient=every is not None)
        self._reporter.tell("started", plan.name)
        if self.state == "recording":
            self._first.begin()
            if self.result.frames:  # of the pre-roll
                self._first.came()
        return plan.name

    def begun(self) -> Deferred[str | None]:
        """Wait until the first picture of the recording that was started is on the disk.

        Fires with None then, and with the reason (``waiting``) when the camera has no picture now.
        Fails with the error that ends the recording before: the disk does not take it, say.
        """
        if self.state != "recording" and self.failure is not None:
            return fail(self.failure)
        return self._first.wait()

    def start_with_server(self) -> None:
        """Record from now on where ``at_start`` says so, until somebody stops it.

        As long as the disk does not take it, it is tried again.
        """
        if self.settings.at_start:
            try:
                self._continuous.hold()
            except DiskError as error:
                self.failure = error
                self._reporter.refused(error)

    def stop(self) -> Deferred[Progress | None]:
        """Finish the recording. Fires when it is whole; with None if there was none.

        ``failure`` says then why there is no file, or why it ends too soon.
        """
        self._continuous.let_go()
        if self.state == "idle":
            return succeed(None)
        waiting: Deferred[Progress | None] = Deferred()
        self._waiting.append(waiting)
        if self.state == "recording":
            self._finish()
        return waiting

    async def save_last(self, seconds: float) -> Progress:
        """Write what the pre-roll holds of the last seconds as a file of its own.

        Raises:
            NotSupported: no pre-roll is kept, or pictures of this size cannot be encoded.
            CameraFailed: it holds nothing, or no picture that can be read.
            DiskError: the file cannot be written.
        """
        if self.preroll is None:
            raise NotSupported(f"{self._camera.name} keeps no pre-roll: set preroll=30s for it")
        frames = self._intake.last(seconds)
        if not frames:
            raise CameraFailed(f"{self._camera.name} gave no picture in the last {seconds:g} s")
        progress, file = await save(self._plan(None, None), frames, self._make_thread)
        if file is None:
            raise no_picture(progress)
        self._reporter.tell("saved", file.name, file)
        return progress

    # What the job tells (job.WriteJobListener).

    def began(self) -> None:
        """The first picture is on the disk."""
        self._first.came()

    def published(self, result: SegmentResult) -> None:
        """A file is on the disk: one of several, if the recording goes on."""
        if self.state == "recording" or self.result.name != result.name:
            self._reporter.tell("segment", result.name, result)

    def left_out(self, reason: str) -> None:
        """Pictures are left out."""
        is_size = reason == self.result.unsupported
        if is_size and not self.result.frames and not self._had_encodable:
            self.broke(NotSupported(reason))
            return
        self._reporter.left_out(reason, is_size)
        if is_size and not self.result.frames:
            self._first.missing(reason)

    def broke(self, error: CommandError) -> None:
        """It ends by itself."""
        self.failure = error
        log.error("{camera}: {reason}", camera=self._camera.name, reason=str(error))
        if self.state == "recording":
            self._finish()

    def _check_same(self, name: str | None, every: float | None) -> None:
        """See that the recording under way is the one that is asked for."""
        assert self._begun is not None
        if name is not None:
            name = check_name(name, SUFFIXES, self.settings.default_format.container.suffix)
        is_same_name = name in (None, self.name, self._begun.name)
        if not is_same_name or every not in (None, self._begun.every):
            raise BadArgument(
                f"{self._camera.name} is being recorded already, to {self.name}: "
                "stop that recording first ('record stop')"
            )

    def _plan(self, name: str | None, every: float | None) -> Plan:
        camera = self._camera
        return make_plan(self._folder, camera.name, name, self.settings, every, self._rate())

    def _rate(self) -> float | None:
        """Frames a second that the camera gives at most, where what its driver says is true."""
        camera, now = self._camera, self._clock.seconds()
        said, since = camera.granted.fps, camera.live_since
        if since is not None and now - since > _MEASURED and camera.rate.current(now) > said * MORE:
            return None
        return said if 1 <= said <= 120 else None

    def _tell_waiting(self, reason: str | None) -> None:
        if self.name is not None:
            self._reporter.waiting(self.name, reason)

    def _begin_again(self) -> None:
        is_on = self._camera.state != "stopped" or self._camera.is_idle
        if self.settings.at_start and self.state == "idle" and is_on:
            self.start()

    def _gone(self) -> None:
        if self._job is not None:
            self._job.split()

    def _finish(self) -> None:
        assert self._job is not None
        self._machine.finish()
        self._camera_loss.end()
        finished = self._intake.end().addCallback(self._job.finish)
        finished.addCallback(self._finished)
        finished.addErrback(lambda why: log.failure("a recording's end failed", failure=why))

    def _finished(self, progress: Progress) -> None:
        progress.dropped = self.dropped
        self._job = self.format = None
        self._machine.finished()
        if self.failure is not None:
            self._reporter.broke(progress, self.failure)
            self._continuous.lost()
        elif not progress.frames:
            self.failure = no_picture(progress)
            self._reporter.failed(progress, self.failure)
        else:
            self._reporter.tell("finished", progress.name, progress)
        self._first.end(self.failure)
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            each.callback(progress)


def _is_encodable(frame: Frame | None) -> bool:
    """Whether there is a frame, of a size that H.264 has."""
    try:
        if frame is not None:
            check_size(frame.width, frame.height)
    except NotSupported:
        return False
    return frame is not None
