"""A camera's recorder: idle → recording → finishing → idle."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, Protocol

from automat import TypeMachineBuilder
from twisted.internet.defer import Deferred, succeed
from twisted.logger import Logger
from twisted.python.failure import Failure

from twistedcam.camera import Camera
from twistedcam.camera.thread import Thread
from twistedcam.errors import BadArgument, DiskError, TwistedcamError
from twistedcam.events import EventBus, RecordingChanged
from twistedcam.frame import Frame
from twistedcam.recording.names import check_name, free_name
from twistedcam.recording.writer import CONTAINERS, CopyWriter, RecordingResult

log = Logger()

#: Frames that may wait for the recorder's thread; beyond it the oldest are dropped and counted.
QUEUE = 120

RecorderState = Literal["idle", "recording", "finishing"]


class _Inputs(Protocol):
    def begin(self) -> None: ...
    def finish(self) -> None: ...
    def finished(self) -> None: ...


class _Core:
    """What the machine moves; the recorder."""

    state: RecorderState = "idle"


def _build() -> TypeMachineBuilder[_Inputs, _Core]:
    builder = TypeMachineBuilder(_Inputs, _Core)
    idle, recording = builder.state("idle"), builder.state("recording")
    finishing = builder.state("finishing")

    def enter(state: RecorderState) -> Callable[[_Inputs, _Core], None]:
        def entered(_: _Inputs, core: _Core) -> None:
            core.state = state

        return entered

    idle.upon(_Inputs.begin).to(recording)(enter("recording"))
    recording.upon(_Inputs.finish).to(finishing)(enter("finishing"))
    finishing.upon(_Inputs.finished).to(idle)(enter("idle"))
    return builder


_make_machine = _build().build()


class Recorder(_Core):
    """Writes a camera's frames to files, on a thread of its own, behind a bounded queue.

    Arguments:
        camera: whose frames.
        folder: where files go.
        events: where beginnings and ends are told.
        make_thread: gives the thread that writes.
    """

    def __init__(
        self, camera: Camera, folder: Path, events: EventBus, make_thread: Callable[[], Thread]
    ) -> None:
        self.name: str | None = None
        self.result = RecordingResult("")
        self.dropped = 0
        self._camera = camera
        self._folder = folder
        self._events = events
        self._make_thread = make_thread
        self._thread: Thread | None = None
        self._writer: CopyWriter | None = None
        self._queue: deque[Frame] = deque()
        self._writing = False
        self._waiting: list[Deferred[RecordingResult | None]] = []
        self._machine = _make_machine(self)

    def check(self, name: str | None) -> str:
        """The name that a recording begun now would have.

        Raises:
            BadArgument: that is no name for a recording, or there is one of that name.
            DiskError: the folder cannot be written.
        """
        suffixes = tuple(CONTAINERS)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            if name is None:
                return free_name(self._folder, self._camera.name, time.time(), suffixes[0])
            name = check_name(name, suffixes)
            if (self._folder / name).exists():
                raise BadArgument(f"there is a recording {name!r} already")
        except OSError as error:
            raise DiskError(f"{self._folder}: {error.strerror}") from error
        return name

    def start(self, name: str | None = None) -> str:
        """Record from now on; the file's name. Nothing changes if it records already.

        Raises:
            BadArgument: that is no name for a recording.
            DiskError: the folder cannot be written.
        """
        if self.state == "recording" and self.name is not None:
            return self.name
        if self.state == "finishing":
            raise BadArgument("the recording before is still being finished: try again")
        name = self.check(name)
        self._machine.begin()
        self.name, self.dropped = name, 0
        self.result = RecordingResult(name)
        self._writer = CopyWriter(self._folder / name)
        self._thread = self._make_thread()
        self._camera.hub.add(self)
        self._tell("started")
        return name

    def stop(self) -> Deferred[RecordingResult | None]:
        """Finish the file. Fires when it is whole; with None if nothing was being recorded."""
        if self.state == "recording":
            self._begin_finish(None)
        if self.state == "idle":
            return succeed(None)
        waiting: Deferred[RecordingResult | None] = Deferred()
        self._waiting.append(waiting)
        return waiting

    def take(self, frame: Frame) -> None:
        """A new frame (hub.Sink)."""
        if len(self._queue) >= QUEUE:
            self._queue.popleft()
            self.dropped += 1
        self._queue.append(frame)
        self._write_on()

    def _write_on(self) -> None:
        """Hand what waits to the thread, one batch at a time."""
        if self._writing or not self._queue or self._thread is None or self._writer is None:
            return
        batch = tuple(self._queue)
        self._queue.clear()
        self._writing = True
        writer = self._writer
        written = self._thread.run(lambda: writer.write(batch))
        written.addCallbacks(self._wrote, self._failed)

    def _wrote(self, result: RecordingResult) -> None:
        self._writing = False
        self.result = result
        if self._queue:
            self._write_on()
        elif self.state == "finishing":
            self._close(None)

    def _failed(self, why: Failure) -> None:
        self._writing = False
        self._queue.clear()
        if not why.check(DiskError):
            log.failure("writing a recording failed in a way that it should not", failure=why)
        error = why.value
        known = isinstance(error, TwistedcamError)
        failure = error if known else DiskError(why.getErrorMessage())
        if self.state == "recording":
            self._begin_finish(failure)
        else:
            self._close(failure)

    def _begin_finish(self, failure: Any) -> None:
        self._machine.finish()
        self._camera.hub.remove(self)
        if failure is not None or not (self._writing or self._queue):
            self._close(failure)
        else:
            self._write_on()

    def _close(self, failure: Any) -> None:
        assert self._thread is not None and self._writer is not None
        closing = self._thread.run(self._writer.close)
        closing.addCallbacks(
            lambda _: self._finished(failure), lambda why: self._finished(failure or why.value)
        )

    def _finished(self, failure: Any) -> None:
        assert self._thread is not None and self._writer is not None
        self._thread.end()
        self.result = self._writer.result
        self._writer = self._thread = None
        self._machine.finished()
        if failure is None:
            self._tell("finished")
        else:
            code = getattr(failure, "code", "internal")
            self._tell("failed", code=code, reason=str(failure))
        self.name = None
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            each.callback(self.result)

    def _tell(self, what: str, code: str | None = None, reason: str | None = None) -> None:
        result = self.result
        over = what != "started"
        log.info(
            "{camera}: recording {what}: {name}",
            camera=self._camera.name,
            what=what,
            name=result.name,
        )
        event = RecordingChanged(
            self._camera.name,
            what,
            result.name,
            frames=result.frames if over else None,
            seconds=round(result.seconds, 3) if over else None,
            bytes=result.bytes if over else None,
            dropped=self.dropped if over else None,
            code=code,
            reason=reason,
        )
        self._events.publish(event)
