"""One start of user code: the thread that runs it, and the newest frame that waits for it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.logger import Logger

from twistedcam.media.frame import Frame
from twistedcam.processing.executors import GRACE, Executor, Failed
from twistedcam.processing.loop import Reports
from twistedcam.processing.results import Result

log = Logger()


class FrameSlot:
    """Holds the newest frame until it is taken. Thread-safe."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._frame: Frame | None = None
        self._is_closed = False
        #: The number of frames that were replaced before they were taken.
        self.skipped = 0

    def put(self, frame: Frame) -> None:
        """Put a newer frame. Never waits."""
        with self._changed:
            self.skipped += self._frame is not None
            self._frame = frame
            self._changed.notify()

    def take(self) -> Frame | None:
        """Wait for a frame and take it; return None once the slot is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._frame is not None or self._is_closed)
            frame, self._frame = self._frame, None
            return None if self._is_closed else frame

    def clear(self) -> None:
        """Drop the frame."""
        with self._changed:
            self._frame = None

    def close(self) -> None:
        """Close the slot and wake the thread that waits for a frame."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()


class Runner:
    """Runs user code in a thread until it fails or is ended.

    Arguments:
        reactor: calls ``reports`` and ``on_failed`` on its thread.
        executor: runs the code.
        reports: receives the results.
        on_failed: called once if the code fails, unless it was ended before.
    """

    def __init__(
        self,
        reactor: Any,
        executor: Executor,
        reports: Reports,
        on_failed: Callable[[Failed], None],
    ) -> None:
        self.slot = FrameSlot()
        self._reactor = reactor
        self._executor = executor
        self._reports: Reports | None = reports
        self._on_failed = on_failed
        self._is_over = False
        self._over: Deferred[None] = Deferred()
        threading.Thread(target=self._run, name="processing", daemon=True).start()

    # Called in the thread (loop.Reports).

    def on_result(self, result: Result) -> None:
        """Deliver a result."""
        result.picture  # noqa: B018 - the frame may have to be encoded, which the thread does
        self._deliver(lambda reports: reports.on_result(result))

    def on_frame_done(self, seconds: float) -> None:
        """Deliver the time that a frame took."""
        self._deliver(lambda reports: reports.on_frame_done(seconds))

    def on_undecodable(self, reason: str) -> None:
        """Deliver that a frame cannot be decoded."""
        self._deliver(lambda reports: reports.on_undecodable(reason))

    def end(self) -> Deferred[None]:
        """End the code. Fires when it has ended, or is abandoned because it hangs."""
        self._reports = None
        self.slot.close()
        if self._is_over:
            return succeed(None)
        done: Deferred[None] = Deferred()
        kill = self._reactor.callLater(GRACE, self._executor.kill)
        abandon = self._reactor.callLater(3 * GRACE, self._abandon, done)

        def over(_: Any) -> None:
            if kill.active():
                kill.cancel()
            if abandon.active():
                abandon.cancel()
                done.callback(None)

        self._over.addCallback(over)
        return done

    def _abandon(self, done: Deferred[None]) -> None:
        log.warn("User code hangs; its thread is abandoned")
        done.callback(None)

    def _run(self) -> None:
        error: Failed | None = None
        try:
            self._executor.run(self.slot.take, self)
        except Failed as failed:
            error = failed
        except BaseException as other:  # whatever it was, it must be reported
            error = Failed(f"{type(other).__name__}: {other}")
        self._reactor.callFromThread(self._ended, error)

    def _ended(self, error: Failed | None) -> None:
        self._is_over = True
        if error is not None and self._reports is not None:
            self._on_failed(error)
        self._over.callback(None)

    def _deliver(self, report: Callable[[Reports], None]) -> None:
        def deliver() -> None:
            if self._reports is not None:
                report(self._reports)

        self._reactor.callFromThread(deliver)
