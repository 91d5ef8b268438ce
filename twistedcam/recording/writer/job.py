"""One recording at work: frames go in on the reactor's thread, files come out of two others."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any, Protocol

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from twistedcam.errors import CommandError, DiskError
from twistedcam.media.packet import TimedFrame
from twistedcam.recording.writer.part_file import disk_error, part_of
from twistedcam.recording.writer.segment import Segment, SegmentResult
from twistedcam.recording.writer.session import Plan, Progress, RecordingSession
from twistedcam.recording.writer.write_errors import recording_error
from twistedcam.runtime.threads import Thread
from twistedcam.stream.write_queue import WriteQueue

log = Logger()


class WriteJobListener(Protocol):
    """Who hears of a recording's way."""

    def began(self) -> None:
        """The first frame was written: the file is on the disk, under its hidden name."""

    def published(self, result: SegmentResult) -> None:
        """A file is on the disk under its name."""

    def left_out(self, reason: str) -> None:
        """Frames are left out for that reason; each reason is told once."""

    def broke(self, error: CommandError) -> None:
        """Nothing more can be written. The job has still to be finished."""


class WriteJob:
    """Writes a session's files, one batch of frames at a time.

    Files are put on the disk by a second thread: that can take seconds, and frames go on.

    Arguments:
        plan: what is recorded and how.
        first: frames from before the beginning.
        make_thread: gives threads.
        listener: who hears of it.
        steady: seconds on a clock that is never set.
    """

    def __init__(
        self,
        plan: Plan,
        first: Iterable[TimedFrame],
        make_thread: Callable[[], Thread],
        listener: WriteJobListener,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self.progress = Progress(plan.name)
        self._session = RecordingSession(plan)
        self._queue = WriteQueue(first)
        self._thread = make_thread()
        self._publisher = make_thread()
        self._listener = listener
        self._steady = steady
        #: Frames that were written, and the seconds that it took, until the queue hears of it.
        self._written: tuple[int, float] | None = None
        self._busy = False
        self._publishing = 0
        self._split = False
        self._broken = False
        self._has_failed = False
        self._ended = False
        self._accounted = 0
        self._end_at: int | None = None
        self._finished: Deferred[Progress] | None = None
        self._pump()

    @property
    def dropped(self) -> int:
        """Frames that were left out, for whatever reason."""
        return self._queue.dropped + self.progress.dropped

    def offer(self, frame: TimedFrame) -> bool:
        """A new frame; False if it is left out."""
        self._split = False
        taken = self._queue.offer(frame)
        self._pump()
        return taken

    def split(self) -> None:
        """The camera is gone for a while: finish the file."""
        self._split = True
        self._pump()

    def finish(self, at: int | None) -> Deferred[Progress]:
        """Write what waits, and end; fires when all files are under their names.

        Arguments:
            at: until when the last frame is to be seen, on the frames' timeline.
        """
        assert self._finished is None, "a job is finished once"
        self._end_at = at
        self._queue.drain_quickly()
        self._finished = Deferred()
        finished = self._finished
        self._pump()
        return finished

    def _pump(self) -> None:
        if self._busy:
            return
        session = self._session
        if self._broken:
            self._queue.clear()
        if self._queue:
            batch = self._queue.take(self._queue.batch)
            self._run(lambda: self._write(batch))
        elif self._split and not self._broken:
            self._split = False
            self._run(session.split)
        elif self._finished is not None and not self._ended:
            self._ended = True
            # What waited when the disk was full is lost: no picture stands in for it.
            at = None if self._broken else self._end_at
            self._run(lambda: session.finish(at))
        elif self._ended and not self._publishing:
            self._thread.end()
            self._publisher.end()
            finished, self._finished = self._finished, None
            if finished is not None:
                finished.callback(self.progress)

    def _run(self, call: Callable[[], Progress]) -> None:
        self._busy = True
        self._thread.run(call).addCallbacks(self._went, self._failed).addCallback(self._idle)

    def _write(self, batch: list[TimedFrame]) -> Progress:
        """On the thread."""
        began = self._steady()
        progress = self._session.write(batch)
        self._written = len(batch), self._steady() - began
        return progress

    def _went(self, progress: Progress) -> None:
        is_first = progress.frames > 0 and not self.progress.frames
        self.progress = progress
        closed, progress.closed = progress.closed, []
        reasons, progress.left_out = progress.left_out, []
        for reason in reasons:
            self._listener.left_out(reason)
        for segment in closed:
            self._publish(segment)
        if is_first and not self._has_failed:
            self._listener.began()

    def _failed(self, why: Failure) -> None:
        self._has_failed = True
        progress = self._session.progress()  # its thread does nothing now
        self._went(progress)
        self._break(why)

    def _idle(self, _: Any) -> None:
        self._busy = False
        written, self._written = self._written, None
        if written is not None:
            self._queue.wrote(*written)
        self._pump()

    def _publish(self, segment: Segment) -> None:
        dropped = self._queue.dropped - self._accounted
        self._accounted += dropped
        self._publishing += 1
        made = self._publisher.run(lambda: segment.publish(dropped))
        made.addCallbacks(
            lambda _: self._published(segment.result),
            lambda why: self._unpublished(segment.result.name, why),
        )
        made.addErrback(lambda why: log.failure("a listener of a recording failed", failure=why))
        made.addCallback(self._out)

    def _published(self, result: SegmentResult) -> None:
        self.progress.name = result.name if self.progress.files == 1 else self.progress.name
        if result.bytes:
            self._listener.published(result)

    def _unpublished(self, name: str, why: Failure) -> None:
        if why.check(OSError):
            assert isinstance(why.value, OSError)
            part = part_of(self._session.plan.folder / name)
            where = f"what there is stays in {part.name}" if part.exists() else "it may be lost"
            why = Failure(DiskError(f"{disk_error(name, why.value)}; {where}"))
        self._break(why)

    def _out(self, _: Any) -> None:
        self._publishing -= 1
        self._pump()

    def _break(self, why: Failure) -> None:
        error = why.value
        if not isinstance(error, CommandError):
            log.failure("writing a recording failed in a way that it should not", failure=why)
            assert isinstance(error, Exception)
            error = recording_error(self.progress.name, error)
        first, self._broken = not self._broken, True
        if first:
            self._listener.broke(error)
