"""Writes a recording on two threads, fed from the reactor's thread."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any, Protocol

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from twistedcam.errors import CommandError, DiskError
from twistedcam.media.packet import Packet
from twistedcam.media.track import Track
from twistedcam.recording.writer.part_file import disk_error, part_of
from twistedcam.recording.writer.plan import Plan
from twistedcam.recording.writer.segment import Segment, SegmentResult, recording_error
from twistedcam.recording.writer.session import Progress, RecordingSession
from twistedcam.runtime.threads import Thread
from twistedcam.stream.write_queue import WriteQueue

log = Logger()

#: Coded packets are written when so many microseconds of them wait: a turn of the thread for each
#: costs many times what the muxer does. With a fragment of the muxer (0.4 s) a crash then loses
#: less than the second that is promised.
_GATHER_US = 250_000
#: Those of a fragmented file, which gets all that was gathered in one fragment.
_GATHER_FRAGMENT_US = 500_000


class WriteJobListener(Protocol):
    """Callbacks of a write job, on the reactor's thread."""

    def on_first_frame(self) -> None:
        """The first frame is in a file on the disk, under its hidden name."""

    def on_published(self, result: SegmentResult) -> None:
        """A file is on the disk under its name."""

    def on_left_out(self, reason: str) -> None:
        """Frames are left out; called once for each reason."""

    def on_failed(self, error: CommandError) -> None:
        """Called when no more can be written. The job must still be finished."""


class WriteJob:
    """Writes the files of a session, one batch of frames at a time.

    A second thread syncs the files to the disk and names them: that can take seconds.

    Arguments:
        first: frames from before the recording began.
    """

    def __init__(
        self,
        plan: Plan,
        first: Iterable[Packet],
        make_thread: Callable[[], Thread],
        listener: WriteJobListener,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.progress = Progress(plan.name)
        #: True to write several coded packets in one turn of the thread.
        self.is_gathering = True
        #: Returns the number of frames that were left out before they were offered.
        self.count_missed: Callable[[], int] = lambda: 0
        #: Called with the progress before and now when a file gets no more pictures.
        self.on_file_left: Callable[[Progress, Progress], None] = lambda before, now: None
        is_fragmented = plan.format.container.is_fragmented
        self._gather_us = _GATHER_FRAGMENT_US if is_fragmented else _GATHER_US
        self._session = RecordingSession(plan)
        self._queue = WriteQueue(first)
        self._thread = make_thread()
        self._publisher = make_thread()
        self._listener = listener
        self._monotonic = monotonic
        #: Frames of the last write and the seconds that it took, for the queue.
        self._written: tuple[int, float] | None = None
        self._busy = False
        self._publishing = 0
        self._split = False
        #: The time of the newest picture that was offered.
        self._offered = 0
        #: True after an error: nothing more is written.
        self._cannot_write = False
        self._has_failed = False
        self._ended = False
        #: The frames that were left out and are counted in files that have their names.
        self._dropped_in_files = 0
        self._end_at: int | None = None
        self._finished: Deferred[Progress] | None = None
        self._pump()

    @property
    def dropped(self) -> int:
        """The number of frames that were left out, for any reason."""
        return self._queue.dropped + self.count_missed() + self.progress.dropped

    def offer(self, frame: Packet) -> bool:
        """Add a frame; False if it is left out."""
        is_slow = False
        if frame.track.kind == "video":
            self._split = False
            is_slow = frame.dts - self._offered >= self._gather_us
            self._offered = frame.dts
        taken = self._queue.offer(frame)
        if is_slow or not self._can_wait(frame):
            self._pump()
        return taken

    def sound_changed(self, track: Track | None) -> None:
        """Note the track of the camera's sound; files that begin get it. None: it has none."""
        self._session.sound.track = track

    def split(self) -> None:
        """Finish the file: the camera is lost. The next frame begins another one."""
        self._split = True
        self._pump()

    def finish(self, at: int | None) -> Deferred[Progress]:
        """Write what is in the queue, and end; fires when all files have their names.

        Arguments:
            at: end of the last frame on the frames' timeline, or None.
        """
        assert self._finished is None, "a job is finished once"
        self._end_at = at
        self._queue.drain_quickly()
        self._finished = Deferred()
        finished = self._finished
        self._pump()
        return finished

    def _can_wait(self, frame: Packet) -> bool:
        """True if coded packets and sound can wait for the next ones.

        The packets of a camera that stops sending wait until the end of the recording, or until
        the camera counts as lost: then nothing that was on its way is written later either.
        """
        return (
            (frame.track.kind == "audio" or not frame.track.is_independent)
            and (self.is_gathering or frame.track.kind == "audio")
            and self.progress.frames > 0
            and self._queue.span_us < self._gather_us
        )

    def _pump(self) -> None:
        if self._busy:
            return
        session = self._session
        if self._cannot_write:
            self._queue.clear()
        if self._queue:
            batch = self._queue.take(self._queue.batch)
            self._run(lambda: self._write(batch))
        elif self._split and not self._cannot_write:
            self._split = False
            self._run(session.split)
        elif self._finished is not None and not self._ended:
            self._ended = True
            # What was in the queue when the disk was full is lost: the last frame is not extended.
            at = None if self._cannot_write else self._end_at
            self._run(lambda: session.finish(at))
        elif self._ended and not self._publishing:
            self._thread.end()
            self._publisher.end()
            finished, self._finished = self._finished, None
            if finished is not None:
                finished.callback(self.progress)

    def _run(self, call: Callable[[], Progress]) -> None:
        self._busy = True
        made = self._thread.run(call).addCallbacks(self._note_progress, self._failed)
        made.addCallback(self._call_ended)

    def _write(self, batch: list[Packet]) -> Progress:
        """Write on the thread."""
        began = self._monotonic()
        progress = self._session.write(batch)
        pictures = sum(each.track.kind == "video" for each in batch)
        if pictures:
            self._written = pictures, self._monotonic() - began
        return progress

    def _note_progress(self, progress: Progress) -> None:
        is_first = progress.frames > 0 and not self.progress.frames
        before, self.progress = self.progress, progress
        is_left = progress.started != before.started or not progress.file_seconds
        if before.file_seconds and is_left:
            self.on_file_left(before, progress)
        closed, progress.closed = progress.closed, []
        reasons, progress.skip_reasons = progress.skip_reasons, []
        for reason in reasons:
            self._listener.on_left_out(reason)
        for segment in closed:
            self._publish(segment)
        if is_first and not self._has_failed:
            self._listener.on_first_frame()

    def _failed(self, why: Failure) -> None:
        self._has_failed = True
        progress = self._session.progress()  # the thread is idle now
        self._note_progress(progress)
        self._break(why)

    def _call_ended(self, _: Any) -> None:
        self._busy = False
        written, self._written = self._written, None
        if written is not None:
            self._queue.wrote(*written)
        self._pump()

    def _publish(self, segment: Segment) -> None:
        dropped = self._queue.dropped + self.count_missed() - self._dropped_in_files
        self._dropped_in_files += dropped
        self._publishing += 1
        made = self._publisher.run(lambda: segment.publish(dropped))
        made.addCallbacks(
            lambda _: self._published(segment.result),
            lambda why: self._unpublished(segment.result.name, why),
        )
        made.addErrback(lambda why: log.failure("a listener of a recording failed", failure=why))
        made.addCallback(self._publish_ended)

    def _published(self, result: SegmentResult) -> None:
        self.progress.name = result.name if self.progress.files == 1 else self.progress.name
        if result.bytes:
            self._listener.on_published(result)

    def _unpublished(self, name: str, why: Failure) -> None:
        if why.check(OSError):
            assert isinstance(why.value, OSError)
            part = part_of(self._session.plan.folder / name)
            where = f"what there is stays in {part.name}" if part.exists() else "it may be lost"
            why = Failure(DiskError(f"{disk_error(name, why.value)}; {where}"))
        self._break(why)

    def _publish_ended(self, _: Any) -> None:
        self._publishing -= 1
        self._pump()

    def _break(self, why: Failure) -> None:
        error = why.value
        if not isinstance(error, CommandError):
            log.failure("writing a recording failed unexpectedly", failure=why)
            assert isinstance(error, Exception)
            error = recording_error(self.progress.name, error)
        first, self._cannot_write = not self._cannot_write, True
        if first:
            self._listener.on_failed(error)


class _Outcome:
    """Keeps the outcome of a job."""

    file: SegmentResult | None = None
    error: CommandError | None = None

    def on_first_frame(self) -> None:
        pass

    def on_left_out(self, reason: str) -> None:
        pass

    def on_published(self, result: SegmentResult) -> None:
        self.file = result

    def on_failed(self, error: CommandError) -> None:
        self.error = error


async def write_frames(
    plan: Plan, frames: Iterable[Packet], make_thread: Callable[[], Thread]
) -> tuple[Progress, SegmentResult | None]:
    """Write frames that are in memory; return the progress, and the file if there is one.

    Raises:
        DiskError: the file cannot be written.
        NotSupported: pictures of this size cannot be encoded.
    """
    outcome = _Outcome()
    progress = await WriteJob(plan, frames, make_thread, outcome).finish(None)
    if outcome.error is not None:
        raise outcome.error
    return progress, outcome.file
