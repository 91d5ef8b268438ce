"""User code between two cameras: it gets the newest frames of one and makes the other."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from twisted.internet.defer import Deferred, DeferredList
from twisted.logger import Logger

from twistedcam.camera import Camera
from twistedcam.events import CameraChanged, Event, EventBus, Fault, Processed
from twistedcam.media.frame import Frame
from twistedcam.processing.executors import Failed, InProcess, InThread, Work
from twistedcam.processing.results import Result
from twistedcam.processing.runner import Runner
from twistedcam.processing.user_code import Code
from twistedcam.runtime.backoff import Backoff
from twistedcam.runtime.timer import Timer
from twistedcam.sources.base import RawPicture
from twistedcam.stream.hub import LATE, Sink
from twistedcam.util.rate import Rate

log = Logger()

#: Seconds before code that failed is started again: at first, and at most.
RETRY_FIRST = 0.5
RETRY_MOST = 30.0


@dataclass(frozen=True)
class Process:
    """What is to be done with a camera's pictures.

    Arguments:
        camera: whose pictures.
        code: what is done with them.
        runs_in: ``process`` or ``thread``.
    """

    camera: str
    code: Code
    runs_in: str = "process"

    @property
    def name(self) -> str:
        """The camera that it makes."""
        return f"{self.camera}.{self.code.name}"


class Processor(Sink):
    """Runs while the camera that it makes is not stopped.

    Arguments:
        process: what is done.
        source: the camera whose frames it gets (hub.Sink).
        output: the camera that it makes, of source ``push:``.
        events: where it hears of both, and tells what the code tells.
        reactor: time, and the thread that all is delivered on.
    """

    def __init__(
        self, process: Process, source: Camera, output: Camera, events: EventBus, reactor: Any
    ) -> None:
        self.process = process
        self.source = source
        self.output = output
        #: Frames that the code is done with, and results that it gave.
        self.frames = 0
        self.results = 0
        self.failures = 0
        #: Frames that the code could not have, because they cannot be decoded.
        self.corrupt = 0
        self.rate = Rate()
        #: Seconds that a frame takes: a mean over the last frames, and the longest.
        self.seconds = 0.0
        self.longest = 0.0
        self._skipped = 0
        self._events = events
        self._reactor = reactor
        self._runner: Runner | None = None
        self._ending: set[Deferred[None]] = set()
        self._retry = Timer(reactor)
        self._backoff = Backoff(RETRY_FIRST, RETRY_MOST)
        self._began = 0.0
        self._last_reason = ""
        #: Whether the camera that it makes has had a picture since the code or the source began.
        self._is_shown = False
        output.inbox.attach(self)
        self._unsubscribe = events.subscribe(self._happened)

    @property
    def skipped(self) -> int:
        """Frames that the code did not see, because a newer one came before it was ready."""
        return self._skipped + (self._runner.slot.skipped if self._runner else 0)

    def take(self, frame: Frame) -> None:
        """A new frame (hub.Sink)."""
        if self._runner is not None:
            self._runner.slot.put(frame)

    def stop(self) -> Deferred[Any]:
        """Have nothing to do with either camera any more. Fires when the code is over."""
        self._unsubscribe()
        self._rest()
        self.output.inbox.detach(self, f"{self.process.code.text} is no longer run")
        return DeferredList(list(self._ending))

    # What the runner tells.

    def gave(self, result: Result, grab: RawPicture) -> None:
        """The code gave something."""
        self.results += 1
        if self.source.state == "live":
            self.output.inbox.put(grab)
            self._is_shown = True
        if result.data is not None:
            frame = result.frame
            self._events.publish(
                Processed(self.output.name, self.source.name, frame.seq, frame.time, result.data)
            )

    def took(self, seconds: float) -> None:
        """The code is done with a frame."""
        self.frames += 1
        self.rate.tick(self._reactor.seconds())
        weight = max(0.1, 1 / self.frames)
        self.seconds += weight * (seconds - self.seconds)
        self.longest = max(self.longest, seconds)
        if not self._is_shown and self.source.state == "live":
            self._pause(f"{self.process.code.text} has given no picture yet")

    def left_out(self, reason: str) -> None:
        """A frame cannot be decoded."""
        if not self.corrupt:
            log.warn("{camera}: left out: {why}", camera=self.output.name, why=reason)
        self.corrupt += 1

    def failed(self, error: Failed) -> None:
        """The code raised, crashed or hung: start it again after a while."""
        self.failures += 1
        now = self._reactor.seconds()
        if now - self._began > RETRY_MOST:
            self._backoff.reset()
        reason = f"{self.process.code.text} failed: {error}"
        # Code that fails again and again for the same reason has shown where it does.
        is_new, self._last_reason = reason != self._last_reason, reason
        trace = "\n" + error.trace.rstrip() if error.trace and is_new else ""
        log.warn("{camera}: {reason}{trace}", camera=self.output.name, reason=reason, trace=trace)
        self._let_go()
        self._pause(f"{reason}; it is started again and again")
        self._retry.start(self._backoff.next(), self._run)
        self._events.publish(Fault(self.output.name, "process", reason))

    def _happened(self, event: Event) -> None:
        if not isinstance(event, CameraChanged):
            return
        if event.camera == self.output.name:
            runs = self._runner is not None or self._retry.is_pending
            if self.output.state == "stopped":
                self._rest()
            elif not runs:
                self._backoff.reset()
                self._run()
                self.source.hub.add(self, priority=LATE)
                self._follow()
        elif event.camera == self.source.name:
            self._follow()

    def _follow(self) -> None:
        """While the source gives no pictures, neither does this, for the same reason."""
        state, reason = self.source.state, self.source.reason
        if state not in ("starting", "live") and self._runner is not None:
            self._runner.slot.clear()
            self._is_shown = False
            self._pause(f"{self.source.name} is {state}" + (f": {reason}" if reason else ""))

    def _run(self) -> None:
        self._began = self._reactor.seconds()
        self._is_shown = False
        code = self.process.code
        work: Work = InThread(code)
        if self.process.runs_in == "process":
            work = InProcess(code, lambda: self.output.encoder.quality)
        self._runner = Runner(self._reactor, work, self)
        newest = self.source.hub.encoded()
        if newest is not None:
            self._runner.slot.put(newest)

    def _rest(self) -> None:
        self.source.hub.remove(self)
        self._retry.cancel()
        self._let_go()

    def _let_go(self) -> None:
        if self._runner is None:
            return
        runner, self._runner = self._runner, None
        self._skipped += runner.slot.skipped
        ending = runner.end()
        self._ending.add(ending)
        ending.addCallback(partial(self._gone, ending))

    def _gone(self, ending: Deferred[None], _: None) -> None:
        self._ending.discard(ending)

    def _pause(self, reason: str) -> None:
        self.output.inbox.pause(reason)
