"""One capture: opens a source, reads it, and closes it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from twistedcam.camera.bad_frames import BadFrameDetector
from twistedcam.codecs.jpeg_encoder import EncodedPicture, JpegEncoder
from twistedcam.errors import CameraFailed, Stalled
from twistedcam.runtime.threads import Thread
from twistedcam.runtime.timer import Timer
from twistedcam.sources.base import Interruptible, Paused, Source, SourceInfo

log = Logger()

#: The most seconds that opening a device may take.
OPEN_TIMEOUT = 15.0
#: A source has stalled if no picture arrives for this many frame periods, and at least this many
#: seconds.
STALL_PERIODS = 5
STALL_SECONDS = 2.0
#: The most seconds that closing a device may take before it is abandoned.
CLOSE_TIMEOUT = 2.0


class CaptureListener(Protocol):
    """Hears what a capture does. Nothing is called any more once the capture was ended."""

    def on_opened(self, granted: SourceInfo) -> None:
        """The source is open."""

    def on_picture(self, picture: EncodedPicture) -> None:
        """A picture has arrived."""

    def on_corrupt(self, reason: str) -> None:
        """A picture has arrived that cannot be used."""

    def on_paused(self, reason: str, stalled: bool = False) -> None:
        """The source delivers no pictures for now, for a known reason; the capture continues.

        Arguments:
            stalled: True if the device is present and only delivers pictures that are corrupt.
        """

    def on_failed(self, error: CameraFailed) -> None:
        """No more pictures will arrive. The capture has still to be ended."""


class Capture:
    """Reads a source in a thread until it fails or is ended.

    Arguments:
        source: the source, not yet open.
        encoder: turns what the source delivers into finished pictures.
        thread: the thread for both, used by this capture alone.
        clock: measures time-outs.
        listener: receives the events.
        patience: the least seconds to wait for the first picture once the source is open.
        is_wanted: returns True while somebody takes every picture; called in the thread.
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
        self._source = source
        self._encoder = encoder
        self._thread = thread
        self._clock = clock
        self._listener: CaptureListener | None = listener
        self._loop = LoopingCall(self._step)
        self._loop.clock = clock
        self._patience = OPEN_TIMEOUT
        self._first_patience = patience
        self._is_wanted = is_wanted
        self._waited = OPEN_TIMEOUT
        self._corrupt_reason = ""
        #: True once an unexpected encoder error was logged.
        self._has_logged = False
        self._bad_frames = BadFrameDetector(clock, self._only_corrupt)
        #: Fires when the device is released; not while its driver hangs.
        self.released: Deferred[None] = Deferred()
        self._watchdog = Timer(clock)
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
        if isinstance(self._source, Interruptible):
            self._source.interrupt()
        if self._loop.running:
            self._loop.stop()
        closed: Deferred[None] = Deferred()
        limit = self._clock.callLater(CLOSE_TIMEOUT, self._abandon, closed)

        def close(_: Any) -> None:
            made = self._thread.run(self._source.close)
            made.addErrback(lambda why: log.failure("closing a camera failed", failure=why))
            made.addBoth(finish)

        def finish(_: Any) -> None:
            self._thread.end()
            self.released.callback(None)
            if limit.active():
                limit.cancel()
                closed.callback(None)

        if self._under_way is None:
            close(None)
        else:
            self._under_way.addBoth(close)
        return closed

    def _abandon(self, closed: Deferred[None]) -> None:
        log.warn("a camera's driver hangs: its thread is abandoned")
        closed.callback(None)

    def _run(self, call: Callable[[], Any], then: Callable[[Any], None]) -> Deferred[None]:
        made = self._thread.run(call)
        self._under_way = made

        def over(result: Any) -> Any:
            if self._under_way is made:
                self._under_way = None
            return result

        return made.addBoth(over).addCallbacks(then, self._failed)

    def _opened(self, granted: SourceInfo) -> None:
        if self._listener is None:
            return
        period = STALL_PERIODS / granted.fps if granted.fps > 0 else 0.0
        patience = max(STALL_SECONDS, period)
        self._patience = patience if granted.steady else 0.0
        self._bad_frames.patience = None if granted.steady else min(patience, OPEN_TIMEOUT)
        self._listener.on_opened(granted)
        if self._listener is None:
            return
        self._watch(self._first_patience)
        self._loop.start(0).addErrback(self._failed)

    def _step(self) -> Deferred[None]:
        return self._run(self._grab, self._grabbed)

    def _grab(self) -> EncodedPicture | Paused | str | None:
        """Read a finished picture, a pause, or the reason why a picture is corrupt.

        This is called in the thread.
        """
        try:
            picture = self._source.read()
        except Paused as pause:
            return pause
        except ValueError as error:
            return str(error)
        if picture is None:
            return None
        try:
            return self._encoder.finish(picture, self._is_wanted())
        except ValueError as error:
            return str(error)
        except Exception as error:  # any error of a library is the fault of the picture
            if not self._has_logged:
                self._has_logged = True
                log.failure("a picture made the encoder fail")
            return f"{type(error).__name__}: {error}"

    def _grabbed(self, picture: EncodedPicture | Paused | str | None) -> None:
        if self._listener is None or picture is None:
            return
        if isinstance(picture, Paused):
            self._bad_frames.forget()
            self._listener.on_paused(str(picture))
            return
        if isinstance(picture, str):
            self._corrupt_reason = picture
            self._listener.on_corrupt(picture)
            self._bad_frames.bad(picture)
            return
        self._corrupt_reason = ""
        self._bad_frames.good()
        self._waited = self._patience
        if self._watchdog.is_pending:
            self._watchdog.start(self._patience, self._stalled)
        self._listener.on_picture(picture)

    def _failed(self, why: Failure) -> None:
        self._unwatch()
        if self._loop.running:
            self._loop.stop()
        if self._listener is None:
            return
        if why.check(CameraFailed):
            error = why.value
        elif why.check(CancelledError):
            return
        else:
            log.failure("a source failed with an unexpected error", failure=why)
            error = CameraFailed(f"the source failed: {why.getErrorMessage()}")
        assert isinstance(error, CameraFailed)
        self._listener.on_failed(error)

    def _watch(self, least: float = 0.0) -> None:
        self._unwatch()
        if self._patience:
            self._waited = max(self._patience, least)
            self._watchdog.start(self._waited, self._stalled)

    def _unwatch(self) -> None:
        self._watchdog.cancel()
        self._bad_frames.forget()

    def _only_corrupt(self, reason: str) -> None:
        # Continue: a folder or video that is opened again would start with the same pictures.
        if self._listener is not None:
            self._listener.on_paused(reason, stalled=True)

    def _stalled(self) -> None:
        if self._listener is not None:
            why = f": {self._corrupt_reason}" if self._corrupt_reason else ""
            self._listener.on_failed(Stalled(f"no picture for {self._waited:g} s{why}"))
