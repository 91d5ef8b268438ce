"""A camera's recorder: begins and ends recordings, and reports on them."""

from __future__ import annotations

import time
from collections.abc import Callable, Container
from dataclasses import replace
from pathlib import Path
from typing import Literal

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from twistedcam.camera import Camera
from twistedcam.errors import BadArgument, CameraFailed, CommandError, DiskError, NotSupported
from twistedcam.events import EventBus
from twistedcam.recording.camera_loss import CameraLossWatch
from twistedcam.recording.containers import SUFFIXES, Format
from twistedcam.recording.continuous import ContinuousRecording
from twistedcam.recording.current_files import CurrentFiles
from twistedcam.recording.first_frame import FirstFrameWatch
from twistedcam.recording.intake import Intake
from twistedcam.recording.library.probe import LibraryEntry
from twistedcam.recording.preroll import PreRoll
from twistedcam.recording.recording_request import RecordingRequest
from twistedcam.recording.reporter import RecordingReporter, no_picture_error
from twistedcam.recording.settings import RecordSettings
from twistedcam.recording.writer.file_names import check_name
from twistedcam.recording.writer.job import WriteJob, write_frames
from twistedcam.recording.writer.plan import Plan, check_plan, make_plan
from twistedcam.recording.writer.segment import SegmentResult
from twistedcam.recording.writer.session import Progress
from twistedcam.runtime.threads import Thread

log = Logger()

RecorderState = Literal["idle", "recording", "finishing"]
#: The state before each state.
_BEFORE: dict[RecorderState, RecorderState] = {
    "recording": "idle",
    "finishing": "recording",
    "idle": "finishing",
}


class Recorder:
    """Records one camera.

    A recording runs while at least one request holds it. ``stop`` ends it whatever holds it.

    Arguments:
        camera: the camera.
        folder: the folder of recordings.
        events: receives the changes of recordings, and faults.
        make_thread: returns a new thread for the writing of files.
        clock: measures waits.
        settings: how it records; a change applies to the next recording.
        monotonic: returns the seconds of a monotonic clock.
    """

    def __init__(
        self,
        camera: Camera,
        folder: Path,
        events: EventBus,
        make_thread: Callable[[], Thread],
        clock: IReactorTime,
        settings: RecordSettings | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.state: RecorderState = "idle"
        #: Start of the current recording, in seconds since the UNIX epoch.
        self.started_at = 0.0
        #: The error that ended the last recording, or None.
        self.failure: CommandError | None = None
        self.format: Format | None = None
        #: Its newest files, which the library may not have read yet.
        self.files = CurrentFiles(camera)
        self._camera = camera
        self._folder = folder
        self._reporter = RecordingReporter(camera.name, folder, events)
        self._make_thread = make_thread
        self._clock = clock
        self._monotonic = monotonic
        self._job: WriteJob | None = None
        #: The requests that hold the current recording.
        self._requests: set[RecordingRequest] = set()
        #: The plan of the current recording, or of the last one.
        self._plan: Plan | None = None
        self._intake = Intake(camera)
        self._camera_loss = CameraLossWatch(camera, events, clock, self._finish, self._on_lost)
        self._continuous = ContinuousRecording(clock, self._begin_again)
        self._first = FirstFrameWatch(camera, events, clock, self._on_waiting)
        #: Why pictures of a size could not be encoded for the recording, or None.
        self._unsupported: str | None = None
        self._waiting: list[Deferred[Progress | None]] = []
        #: True if the camera had a picture that can be encoded when the recording began. If not,
        #: and the first picture cannot be encoded either, the camera is the cause.
        self._had_encodable = False
        #: Seconds of the newest frames that are kept for others than ``settings``.
        self._before = 0.0
        self.settings = settings or RecordSettings()

    @property
    def settings(self) -> RecordSettings:
        """The settings for the next recording."""
        return self._settings

    @settings.setter
    def settings(self, settings: RecordSettings) -> None:
        self._settings = settings
        self._keep_preroll()

    def keep_before(self, seconds: float) -> None:
        """Keep the newest frames for so many seconds at least, for ``request(before=…)``."""
        self._before = seconds
        self._keep_preroll()

    @property
    def preroll(self) -> PreRoll | None:
        """The frames from before a recording, or None if none are kept."""
        return self._intake.preroll

    @property
    def name(self) -> str | None:
        """The name of the file that is being written, or None."""
        return None if self._job is None else self._job.progress.name

    @property
    def result(self) -> Progress:
        """The progress of the recording, all its files together."""
        return Progress("") if self._job is None else self._job.progress

    @property
    def waiting(self) -> str | None:
        """The reason for a recording without a picture; None if it has one or one is expected."""
        return self._first.reason

    @property
    def begins_again(self) -> bool:
        """True if a recording will begin when the disk can be written."""
        return self.state == "idle" and self._continuous.is_held

    @property
    def dropped(self) -> int:
        """The number of frames that the recording had to leave out."""
        return 0 if self._job is None else self._job.dropped

    @property
    def reasons(self) -> set[str]:
        """The reasons for which the camera is recorded now."""
        return {each.reason for each in self._requests}

    def entry(self) -> LibraryEntry | None:
        """The file that is being written as an entry of the library, or None."""
        if self._job is None or self.format is None:
            return None
        codec = self._intake.file_codec(self.format)
        entry = self.files.entry(self.result, codec, self.dropped)
        return entry if entry.start else replace(entry, start=self.started_at)

    def check(self, name: str | None) -> None:
        """Check that a recording can begin now.

        Raises:
            BadArgument: the name is not valid for a recording, or is in use.
            DiskError: the folder cannot be written, or is full.
        """
        check_plan(self._folder, name, self.settings)

    def request(
        self,
        reason: str,
        name: str | None = None,
        every: float | None = None,
        before: float = 0.0,
    ) -> RecordingRequest:
        """Record until the request is released. The pre-roll comes first.

        A recording that is running already is joined.

        Arguments:
            reason: what asks for it: ``command``, ``at_start``, ``motion``.
            name: the file's name; None for any.
            every: for a timelapse, the seconds from one frame to the next; None for any.
            before: seconds before now with which it begins, if the pre-roll is not longer.

        Raises:
            BadArgument: the name is not valid for a recording, or is in use; or another recording
                is running.
            DiskError: the folder cannot be written, or is full.
        """
        if self.state == "recording" and self.name is not None:
            self._check_same(name, every)
            return self._add_request(reason, self.name)
        if self.state == "finishing":
            raise BadArgument("the recording before is still being finished: try again")
        plan = self._make_plan(name, every)
        self._had_encodable = self._intake.has_encodable_picture()
        self._enter("recording")
        self.failure = self._unsupported = None
        self.format, self.started_at = plan.format, time.time()
        before = max(before, self.settings.preroll or 0)
        first = [] if every else self._intake.first(before, plan.format)
        self._plan = plan
        self._job = WriteJob(plan, first, self._make_thread, self, self._monotonic)
        self._job.on_file_left = self.files.leave
        self._intake.begin(self._job, plan, first, self.on_left_out)
        self._camera_loss.begin(ignore_loss=every is not None)
        self._reporter.report("started", plan.name)
        if self.state == "recording":
            self._first.begin()
            if self.result.frames:  # of the pre-roll
                self._first.on_picture()
        return self._add_request(reason, plan.name)

    def start(self, name: str | None = None, every: float | None = None) -> str:
        """Record until ``stop`` and return the file's name; raises as ``request`` does."""
        return self.request("command", name, every).name

    def wait_for_first_picture(self) -> Deferred[str | None]:
        """Wait until the first picture of the recording is on the disk.

        Fires with None then, or with the reason (``waiting``) if the camera has no picture now.
        Fails with the error that ends the recording before that.
        """
        if self.state != "recording" and self.failure is not None:
            return fail(self.failure)
        return self._first.wait()

    def start_with_server(self) -> None:
        """Begin a recording if the setting ``at_start`` asks for one.

        If the disk cannot be written, it begins as soon as that is possible. With a schedule
        (``when``), the recording runs at its times only.
        """
        if self.settings.at_start and self.settings.when is None:
            try:
                self._continuous.hold()
            except BadArgument:
                pass  # the recording before is still being finished: it is tried again
            except DiskError as error:
                self.failure = error
                log.error("{camera} is not recorded: {why}", camera=self._camera.name, why=error)
                self._reporter.fault(error)

    def stop(self) -> Deferred[Progress | None]:
        """End the recording now, whatever asks for it, and do not begin it again by itself.

        Fires when its file is complete; with None if there was none. ``failure`` is the reason if
        there is no file, or if the recording ended too soon.
        """
        self._continuous.release()
        return self._end()

    def _end(self) -> Deferred[Progress | None]:
        if self.state == "idle":
            return succeed(None)
        waiting: Deferred[Progress | None] = Deferred()
        self._waiting.append(waiting)
        if self.state == "recording":
            self._finish()
        return waiting

    def release(self, reasons: Container[str]) -> None:
        """Release all requests of some reasons; the recording goes on if there are others."""
        for request in [each for each in self._requests if each.reason in reasons]:
            request.release()
        if "at_start" in reasons:
            self._continuous.release()

    async def save_last(self, seconds: float) -> Progress:
        """Write the last seconds of the pre-roll to a file of their own.

        Raises:
            NotSupported: no pre-roll is kept, or pictures of this size cannot be encoded.
            CameraFailed: the pre-roll is empty, or has no picture that can be read.
            DiskError: the file cannot be written.
        """
        if self.preroll is None:
            raise NotSupported(f"{self._camera.name} keeps no pre-roll: set preroll=30s for it")
        await self._intake.flush_kept()
        frames = self._intake.last(seconds)
        if not frames:
            raise CameraFailed(f"{self._camera.name} gave no picture in the last {seconds:g} s")
        plan = self._make_plan(None, None)
        progress, file = await write_frames(plan, frames, self._make_thread)
        if file is None:
            raise no_picture_error(progress)
        self._reporter.report("saved", file.name, file)
        return progress

    # Callbacks of the write job (WriteJobListener).

    def on_first_frame(self) -> None:
        self._first.on_picture()

    def on_published(self, result: SegmentResult) -> None:
        if self.state == "recording" or self.result.name != result.name:
            self._reporter.report("segment", result.name, result)

    def on_left_out(self, reason: str, is_size: bool | None = None) -> None:
        is_size = reason == self.result.unsupported if is_size is None else is_size
        if is_size:
            self._unsupported = reason
        if is_size and not self.result.frames and not self._had_encodable:
            self.on_failed(NotSupported(reason))
            return
        self._reporter.skip_reasons(reason, is_size)
        if is_size and not self.result.frames:
            self._first.on_unsupported(reason)

    def on_failed(self, error: CommandError) -> None:
        self.failure = error
        log.error("{camera}: {reason}", camera=self._camera.name, reason=str(error))
        if self.state == "recording":
            self._finish()

    def _keep_preroll(self) -> None:
        own = self._settings
        seconds = max(own.preroll or 0, self._before)
        self._intake.keep(seconds, own.preroll_memory, own.default_format, own.audio)

    def _add_request(self, reason: str, name: str) -> RecordingRequest:
        request = RecordingRequest(reason, name, self._release)
        if self.state == "recording":  # not if the pre-roll could not be written
            self._requests.add(request)
        return request

    def _release(self, request: RecordingRequest) -> Deferred[Progress | None]:
        if request not in self._requests:
            return succeed(None)
        self._requests.remove(request)
        return succeed(None) if self._requests else self._end()

    def _check_same(self, name: str | None, every: float | None) -> None:
        """Check that the running recording is the one that is asked for."""
        assert self._plan is not None
        if name is not None:
            name = check_name(name, SUFFIXES, self.settings.default_format.container.suffix)
        is_same_name = name in (None, self.name, self._plan.name)
        if not is_same_name or every not in (None, self._plan.every):
            raise BadArgument(
                f"{self._camera.name} is being recorded already, to {self.name}: "
                "stop that recording first ('record stop')"
            )

    def _make_plan(self, name: str | None, every: float | None) -> Plan:
        rate = self._intake.nominal_rate(self._clock.seconds())
        plan = make_plan(self._folder, self._camera.name, name, self.settings, every, rate)
        sound = self._intake.sound_track(plan.format) if plan.has_sound else None
        return replace(plan, sound=sound)

    def _on_waiting(self, reason: str | None) -> None:
        if self.name is not None:
            self._reporter.waiting(self.name, reason)

    def _begin_again(self) -> None:
        is_on = self._camera.state != "stopped" or self._camera.is_idle
        if self.settings.at_start and is_on and "at_start" not in self.reasons:
            self.request("at_start")

    def _enter(self, state: RecorderState) -> None:
        if self.state != _BEFORE[state]:
            raise RuntimeError(f"a recorder that is {self.state} cannot become {state}")
        self.state = state

    def _on_lost(self) -> None:
        job = self._job
        if job is not None:  # the file gets all that was captured before
            self._intake.flush().addCallback(lambda _: job.split())

    def _finish(self) -> None:
        assert self._job is not None
        self._enter("finishing")
        self._requests.clear()
        self._camera_loss.end()
        finished = self._intake.end().addCallback(self._job.finish)
        finished.addCallback(self._finished)
        finished.addErrback(lambda why: log.failure("a recording's end failed", failure=why))

    def _finished(self, progress: Progress) -> None:
        progress.dropped = self.dropped
        progress.unsupported = progress.unsupported or self._unsupported
        self._job = self.format = None
        self._enter("idle")
        if self.failure is not None:
            self._reporter.failed(progress, self.failure)
            self._reporter.fault(self.failure)
            self._continuous.on_failed()
        elif not progress.frames:
            self.failure = no_picture_error(progress)
            self._reporter.failed(progress, self.failure)
        else:
            self._reporter.report("finished", progress.name, progress)
        self._first.end(self.failure)
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            each.callback(progress)
