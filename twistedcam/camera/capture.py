"""One capture: opens a source, reads it in a thread, and closes it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from twistedcam.camera.capture_base import CaptureBase, CaptureListener, Delivered
from twistedcam.codecs.jpeg_encoder import JpegEncoder
from twistedcam.errors import CameraFailed
from twistedcam.runtime.threads import Thread
from twistedcam.sources.base import (
    Interruptible,
    PassesPackets,
    Paused,
    RawPacket,
    Source,
    SourceInfo,
)

log = Logger()


class Capture(CaptureBase):
    """Reads a source in a thread until it fails or is ended.

    Arguments:
        source: the source, not yet open.
        others: see ``CaptureBase``.
    """

    def __init__(
        self,
        source: Source,
        encoder: JpegEncoder,
        thread: Thread,
        clock: IReactorTime,
        listener: CaptureListener,
        patience: float = 0.0,
        is_wanted: Callable[[], bool] = lambda: True,
    ) -> None:
        super().__init__(encoder, thread, clock, listener, patience, is_wanted)
        self._source = source
        self._loop = LoopingCall(self._step)
        self._loop.clock = clock
        self._under_way: Deferred[Any] | None = None

    def begin(self) -> None:
        """Open the source, and read until ``end``."""
        self._watch()
        self._run(self._source.open, self._opened)

    def end(self) -> Deferred[None]:
        """Stop reading and close the source.

        Fires when it is closed, or was abandoned because its driver hangs.
        """
        self._listener = None
        self._unwatch()
        if isinstance(self._source, PassesPackets):
            self._source.pass_packets(None)
        if isinstance(self._source, Interruptible):
            self._source.interrupt()
        if self._loop.running:
            self._loop.stop()
        closed, finish = self._limit_closing()

        def close(_: Any) -> None:
            made = self._thread.run(self._source.close)
            made.addErrback(lambda why: log.failure("closing a camera failed", failure=why))
            made.addBoth(lambda _: finish())

        if self._under_way is None:
            close(None)
        else:
            self._under_way.addBoth(close)
        return closed

    def _run(self, call: Callable[[], Any], then: Callable[[Any], None]) -> Deferred[None]:
        made = self._thread.run(call)
        self._under_way = made

        def over(result: Any) -> Any:
            if self._under_way is made:
                self._under_way = None
            return result

        return made.addBoth(over).addCallbacks(then, self._failed)

    def _opened(self, granted: SourceInfo) -> None:
        self._start_watching(granted)
        if self._listener is not None:
            if isinstance(self._source, PassesPackets):
                self._source.pass_packets(self._pass_on)
            self._loop.start(0).addErrback(self._failed)

    def _pass_on(self, packet: RawPacket) -> None:
        """Deliver a packet that has come without ``read``."""
        try:
            self._deliver(packet)
        except Exception:
            self._failed(Failure())

    def _step(self) -> Deferred[None]:
        return self._run(self._grab, self._deliver)

    def _grab(self) -> Delivered | None:
        """Read what the source delivers next; called in the thread."""
        try:
            picture = self._source.read()
        except Paused as pause:
            return pause
        except ValueError as error:
            return str(error)
        return None if picture is None else self._finish(picture)

    def _failed(self, why: Failure) -> None:
        if self._loop.running:
            self._loop.stop()
        if self._listener is None or why.check(CancelledError):
            self._unwatch()
            return
        error = why.value
        if not isinstance(error, CameraFailed):
            log.failure("a source failed with an unexpected error", failure=why)
            error = CameraFailed(f"the source failed: {why.getErrorMessage()}")
        self._fail(error)
