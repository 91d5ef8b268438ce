"""A camera's recorder: the button, what came before it, and what is told of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from twistedcam.camera import Camera
from twistedcam.camera.thread import Thread
from twistedcam.errors import BadArgument, CameraFailed, DiskError, NotSupported
from twistedcam.events import CameraChanged, Event, EventBus, Fault, RecordingChanged
from twistedcam.frame import Frame
from twistedcam.recording.disk import check_folder
from twistedcam.recording.formats import SUFFIXES, Format, format_of_name
from twistedcam.recording.job import Job
from twistedcam.recording.lifecycle import HasState, make_recorder_lifecycle
from twistedcam.recording.moment import Coded, Moment
from twistedcam.recording.names import check_name, free_name, is_free
from twistedcam.recording.probe import Item
from twistedcam.recording.ring import Ring
from twistedcam.recording.segment import SegmentResult
from twistedcam.recording.session import GAP, Plan, Progress
from twistedcam.recording.settings import RecordSettings
from twistedcam.recording.shared import SharedEncoder
from twistedcam.recording.timeline import Timeline

log = Logger()


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
        self.failure: DiskError | None = None
        self.format: Format | None = None
        self._camera = camera
        self._folder = folder
        self._events = events
        self._make_thread = make_thread
        self._clock = clock
        self._steady = steady
        self._timeline = Timeline()
        self._job: Job | None = None
        self._every: float | None = None
        self._due = 0
        self._away: IDelayedCall | None = None
        #: Gives the encoder that works for others and suits this recording, or None.
        self.find_shared: Callable[[RecordSettings], SharedEncoder | None] = lambda settings: None
        self._shared: SharedEncoder | None = None
        self._needs_keyframe = True
        self._missed = self._missed_before = 0
        self._waiting: list[Deferred[Progress | None]] = []
        self._machine = make_recorder_lifecycle(self)
        self.settings = settings or RecordSettings()
        events.subscribe(self._heard)

    @property
    def settings(self) -> RecordSettings:
        """How it records."""
        return self._settings

    @settings.setter
    def settings(self, settings: RecordSettings) -> None:
        self._settings = settings
        #: What came before the button, or None where nothing is kept.
        self.ring: Ring | None = None
        if settings.preroll:
            self.ring = Ring(settings.preroll, settings.preroll_memory)
            self._camera.hub.add(self)

    @property
    def name(self) -> str | None:
        """The file that is being written, or None."""
        return None if self._job is None else self._job.progress.name

    @property
    def result(self) -> Progress:
        """How far the recording has come, all its files together."""
        return Progress("") if self._job is None else self._job.progress

    @property
    def dropped(self) -> int:
        """Frames that the recording had to leave out."""
        if self._job is None:
            return 0
        missed = (
            self._missed if self._shared is None else self._shared.dropped - self._missed_before
        )
        return self._job.dropped + missed

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

    def check(self, name: str | None) -> str:
        """The name that a recording begun now would have.

        Raises:
            BadArgument: that is no name for a recording, or there is one of that name.
            DiskError: the folder cannot be written, or is full.
        """
        default = self.settings.default_format.container.suffix
        if name is not None:
            name = check_name(name, SUFFIXES, default)
        check_folder(self._folder)
        if name is None:
            return free_name(self._folder, self._camera.name, time.time(), default)
        if not is_free(self._folder, name):
            raise BadArgument(f"there is a recording {name!r} already")
        return name

    def start(self, name: str | None = None, every: float | None = None) -> str:
        """Record from now on, and what the pre-roll holds; the file's name.

        Nothing changes if it records already.

        Arguments:
            every: for a timelapse, the seconds from one frame to the next.

        Raises:
            BadArgument: that is no name for a recording.
            DiskError: the folder cannot be written, or is full.
        """
        if self.state == "recording" and self.name is not None:
            return self.name
        if self.state == "finishing":
            raise BadArgument("the recording before is still being finished: try again")
        plan = self._plan(name, every)
        self._machine.begin()
        self.failure, self.format, self.started_at = None, plan.format, time.time()
        self._every, self._due = every, 0
        first: list[Moment] = []
        if self.ring is not None and every is None:
            first = self.ring.last(self.ring.seconds, self._now())
        self._job = Job(plan, first, self._make_thread, self, self._steady)
        if plan.format.codec == "h264" and every is None and self.ring is None:
            self._shared = self.find_shared(self.settings)
        self._missed = 0
        if self._shared is None:
            self._camera.hub.add(self)
        else:
            self._needs_keyframe = True
            self._missed_before = self._shared.dropped
            self._shared.add(self, lossless=True)
        self._tell("started", plan.name)
        return plan.name

    def stop(self) -> Deferred[Progress | None]:
        """Finish the recording. Fires when it is whole; with None if nothing was recorded."""
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
            NotSupported: no pre-roll is kept.
            CameraFailed: it holds nothing.
            DiskError: the file cannot be written.
        """
        if self.ring is None:
            raise NotSupported(f"{self._camera.name} keeps no pre-roll: set preroll=30s for it")
        moments = self.ring.last(seconds, self._now())
        if not moments:
            raise CameraFailed(f"{self._camera.name} gave no picture in the last {seconds:g} s")
        listener = _SaveListener()
        job = Job(self._plan(None, None), moments, self._make_thread, listener)
        progress = await job.finish(None)
        if listener.error is not None:
            raise listener.error
        if listener.result is not None:
            self._tell("saved", listener.result.name, listener.result)
        return progress

    def take(self, frame: Frame) -> None:
        """A new frame (hub.Sink)."""
        moment = Moment.of(frame, self._timeline.place(frame.time_us, self._steady()))
        if self.ring is not None:
            self.ring.add(moment)
        if self._job is None or self.state != "recording":
            return
        if self._every is not None:
            if moment.time < self._due:
                return
            step = int(self._every * 1e6)
            late = moment.time - self._due
            self._due = self._due + step if late < step else moment.time + step
        self._job.offer(moment)

    def take_coded(self, frame: Frame, coded: Coded) -> None:
        """A new frame that is encoded already (shared.CodedSink)."""
        if self._job is None or (self._needs_keyframe and not coded.is_keyframe):
            return
        time = self._timeline.place(frame.time_us, self._steady())
        taken = self._job.offer(Moment.of(frame, time, coded))
        # What refers to one that is left out cannot be shown: on with the next keyframe.
        self._needs_keyframe = not taken
        if not taken and self._shared is not None:
            self._shared.need_keyframe()

    # What the job tells (job.JobListener).

    def published(self, result: SegmentResult) -> None:
        """A file is on the disk: one of several, if the recording goes on."""
        if self.state == "recording" or self.result.name != result.name:
            self._tell("segment", result.name, result)

    def broke(self, error: DiskError) -> None:
        """It ends by itself."""
        self.failure = error
        log.error("{camera}: {reason}", camera=self._camera.name, reason=str(error))
        if self.state == "recording":
            self._finish()

    def _plan(self, name: str | None, every: float | None) -> Plan:
        chosen = self.check(name)
        format = format_of_name(chosen, self.settings.format)
        own_name = name is not None
        settings = self.settings
        return Plan(self._folder, self._camera.name, chosen, own_name, format, settings, every)

    def _now(self) -> int:
        return self._timeline.at(self._steady()) or 0

    def _heard(self, event: Event) -> None:
        """A camera that is lost ends the file, one that is silent does after a while.

        One that stops ends the recording.
        """
        if not isinstance(event, CameraChanged) or event.camera != self._camera.name:
            return
        if event.state != "recovering":
            self._stop_waiting()
        if self.state != "recording":
            return
        if event.state == "stopped":
            self._finish()
        elif event.state == "recovering" and self._every is None and self._away is None:
            # Counted from its going: each try that fails is told as recovering once more.
            patience = GAP / 1e6 if self._camera.stalled else 0
            self._away = self._clock.callLater(patience, self._gone)

    def _gone(self) -> None:
        if self._job is not None and self.state == "recording":
            self._job.cut()

    def _stop_waiting(self) -> None:
        if self._away is not None and self._away.active():
            self._away.cancel()
        self._away = None

    def _finish(self) -> None:
        assert self._job is not None
        self._machine.finish()
        self._stop_waiting()
        job, at = self._job, self._timeline.at(self._steady())
        shared = self._shared
        if shared is not None:
            self._missed, self._shared = shared.dropped - self._missed_before, None
            finished = shared.remove(self).addCallback(lambda _: job.finish(at))
        else:
            if self.ring is None:
                self._camera.hub.remove(self)
            finished = job.finish(at)
        finished.addCallback(self._finished)
        finished.addErrback(lambda why: log.failure("a recording's end failed", failure=why))

    def _finished(self, progress: Progress) -> None:
        progress.dropped = self.dropped
        self._job = self.format = None
        self._machine.finished()
        self._tell("finished" if self.failure is None else "failed", progress.name, progress)
        if self.failure is not None:
            camera = self._camera.name
            self._events.publish(Fault(camera, self.failure.code, str(self.failure)))
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            each.callback(progress)

    def _tell(self, what: str, name: str, result: Progress | SegmentResult | None = None) -> None:
        numbers: dict[str, Any] = {}
        if result is not None:
            numbers = {
                "frames": result.frames,
                "seconds": round(result.seconds, 3),
                "bytes": result.bytes,
                "dropped": result.dropped,
            }
        if what == "failed" and self.failure is not None:
            numbers.update(code=self.failure.code, reason=str(self.failure))
        camera = self._camera.name
        log.info("{camera}: recording {what}: {name}", camera=camera, what=what, name=name)
        self._events.publish(RecordingChanged(camera, what, name, **numbers))


class _SaveListener:
    """Hears of what is written from the pre-roll."""

    def __init__(self) -> None:
        self.result: SegmentResult | None = None
        self.error: DiskError | None = None

    def published(self, result: SegmentResult) -> None:
        self.result = result

    def broke(self, error: DiskError) -> None:
        self.error = error
