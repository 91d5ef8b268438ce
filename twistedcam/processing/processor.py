"""User code that gets the newest frames of one camera and makes another camera of them."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred, DeferredList
from twisted.logger import Logger

from twistedcam.camera import Camera
from twistedcam.events import CameraChanged, Event, EventBus, Fault, Processed
from twistedcam.media.frame import Frame
from twistedcam.processing.executors import Executor, Failed, InProcess, InThread
from twistedcam.processing.results import Result
from twistedcam.processing.runner import Runner
from twistedcam.processing.user_code import Process
from twistedcam.runtime.backoff import Backoff
from twistedcam.runtime.timer import Timer
from twistedcam.stream.hub import LATE, Sink
from twistedcam.util.rate import Rate

log = Logger()

#: Seconds before code that failed is started again: the first wait, and the longest.
RETRY_FIRST = 0.5
RETRY_MOST = 30.0


class Processor(Sink[Frame]):
    """Runs user code while the camera that it makes is not stopped.

    Arguments:
        process: the code.
        source: the camera whose frames it gets.
        output: the camera that it makes; its source is ``push:``.
        events: delivers changes of both cameras, and receives the code's data.
        reactor: measures time, and receives calls from threads.
    """

    def __init__(
        self, process: Process, source: Camera, output: Camera, events: EventBus, reactor: Any
    ) -> None:
        self.process = process
        self.source = source
        self.output = output
        #: The numbers of frames that the code has finished, of its results and of its failures.
        self.frames = 0
        self.results = 0
        self.failures = 0
        #: The number of frames that were skipped because they cannot be decoded.
        self.corrupt = 0
        self.rate = Rate()
        #: The seconds that a frame takes: the mean of the last frames, and the longest.
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
        #: True if the output has had a picture since the code or the source was started.
        self._is_shown = False
        output.inbox.attach(self)
        self._unsubscribe = events.subscribe(self._on_event)

    @property
    def skipped(self) -> int:
        """The number of frames that were replaced by a newer one before the code was ready."""
        return self._skipped + (self._runner.slot.skipped if self._runner else 0)

    def take(self, frame: Frame) -> None:
        """Take a new frame (hub.Sink)."""
        if self._runner is not None:
            self._runner.slot.put(frame)

    def stop(self) -> Deferred[Any]:
        """Leave both cameras. Fires when the code has ended."""
        self._unsubscribe()
        self._stop_running()
        self.output.inbox.detach(self, f"{self.process.code.text} no longer runs")
        return DeferredList(list(self._ending))

    # Called by the runner (loop.Reports).

    def on_result(self, result: Result) -> None:
        """Show a result's picture and publish its data."""
        self.results += 1
        if self.source.state == "live":
            self.output.inbox.put(result.picture)
            self._is_shown = True
        if result.data is not None:
            frame = result.frame
            self._events.publish(
                Processed(self.output.name, self.source.name, frame.seq, frame.time, result.data)
            )

    def on_frame_done(self, seconds: float) -> None:
        """Count a frame and its time."""
        self.frames += 1
        self.rate.tick(self._reactor.seconds())
        weight = max(0.1, 1 / self.frames)
        self.seconds += weight * (seconds - self.seconds)
        self.longest = max(self.longest, seconds)
        if not self._is_shown and self.source.state == "live":
            self._pause(f"{self.process.code.text} has made no picture yet")

    def on_undecodable(self, reason: str) -> None:
        """Count a frame that cannot be decoded; log the first."""
        if not self.corrupt:
            log.warn("{camera}: skipped: {why}", camera=self.output.name, why=reason)
        self.corrupt += 1

    def _on_failed(self, error: Failed) -> None:
        """Start the code again after a while: it has raised, crashed or hung."""
        self.failures += 1
        now = self._reactor.seconds()
        if now - self._began > RETRY_MOST:
            self._backoff.reset()
        reason = f"{self.process.code.text} failed: {error}"
        # A failure with the same reason again is logged without its traceback.
        is_new, self._last_reason = reason != self._last_reason, reason
        trace = "\n" + error.trace.rstrip() if error.trace and is_new else ""
        log.warn("{camera}: {reason}{trace}", camera=self.output.name, reason=reason, trace=trace)
        self._end_runner()
        self._pause(f"{reason}; it will be started again")
        self._retry.start(self._backoff.next(), self._run)
        self._events.publish(Fault(self.output.name, "process", reason))

    def _on_event(self, event: Event) -> None:
        if not isinstance(event, CameraChanged):
            return
        if event.camera == self.output.name:
            runs = self._runner is not None or self._retry.is_pending
            if self.output.state == "stopped":
                self._stop_running()
            elif not runs:
                self._backoff.reset()
                self._run()
                self.source.hub.add(self, priority=LATE)
                self._follow_source()
        elif event.camera == self.source.name:
            self._follow_source()

    def _follow_source(self) -> None:
        """Pause the output for the source's reason while the source is not live."""
        state, reason = self.source.state, self.source.reason
        if state not in ("starting", "live") and self._runner is not None:
            self._runner.slot.clear()
            self._is_shown = False
            self._pause(f"{self.source.name} is {state}" + (f": {reason}" if reason else ""))

    def _run(self) -> None:
        self._began = self._reactor.seconds()
        self._is_shown = False
        code = self.process.code
        executor: Executor = InThread(code)
        if self.process.runs_in == "process":
            executor = InProcess(code, lambda: self.output.encoder.quality)
        self._runner = Runner(self._reactor, executor, self, self._on_failed)
        newest = self.source.hub.encoded()
        if newest is not None:
            self._runner.slot.put(newest)

    def _stop_running(self) -> None:
        self.source.hub.remove(self)
        self._retry.cancel()
        self._end_runner()

    def _end_runner(self) -> None:
        if self._runner is None:
            return
        runner, self._runner = self._runner, None
        self._skipped += runner.slot.skipped
        ending = runner.end()
        self._ending.add(ending)
        ending.addCallback(lambda _: self._ending.discard(ending))

    def _pause(self, reason: str) -> None:
        self.output.inbox.pause(reason)
