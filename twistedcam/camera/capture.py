"""One opening of a source: from taking the device to letting it go."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from twistedcam.camera.bad_frames import BadFrameDetector
from twistedcam.errors import CameraFailed, Stalled
from twistedcam.runtime.threads import Thread
from twistedcam.sources.base import Interruptible, Paused, Source, SourceInfo
from twistedcam.sources.encode import Encoder, Picture

log = Logger()

#: Seconds that a device may take to open.
OPEN_TIMEOUT = 15.0
#: A camera is stalled after so many of its periods without a picture, and at least so many seconds.
STALL_PERIODS = 5
STALL_SECONDS = 2.0
#: Seconds that a device may take to close before it is left behind.
CLOSE_TIMEOUT = 2.0


class CaptureListener(Protocol):
    """Who hears what a capture does. Nothing is told any more once it was ended."""

    def opened(self, granted: SourceInfo) -> None:
        """The device is open."""

    def captured(self, picture: Picture) -> None:
        """A picture has come."""

    def corrupt(self, reason: str) -> None:
        """A picture came and was no good."""

    def paused(self, reason: str, stalled: bool = False) -> None:
        """No pictures come now, for a reason that is known; the capture goes on.

        Arguments:
            stalled: the device is there; what comes of it is no good.
        """

    def failed(self, error: CameraFailed) -> None:
        """There will be no more pictures. The capture has still to be ended."""


class Capture:
    """Reads a source in a thread until it fails or is ended.

    Arguments:
        source: the source, not yet open.
        encoder: what makes finished pictures of what the source grabs.
        thread: where both work; this capture's own.
        clock: what time-outs are measured by.
        listener: who hears of it.
        patience: the least seconds to wait for the first picture of an open device.
        is_wanted: says whether somebody takes all pictures; asked in the thread.
    """

    def __init__(
        self,
        source: Source,
        encoder: Encoder,
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
        self._no_good = ""
        #: Whether an error that nobody has foreseen has been logged.
        self._is_told = False
        self._bad_frames = BadFrameDetector(clock, self._spoilt)
        #: Fires when the device was let go; not while its driver hangs.
        self.released: Deferred[None] = Deferred()
        self._watchdog: IDelayedCall | None = None
        self._under_way: Deferred[Any] | None = None

    def begin(self) -> None:
        """Open the source and go on reading."""
        self._watch()
        self._run(self._source.open, self._opened)

    def end(self) -> Deferred[None]:
        """Read no more and let the device go.

        Fires when it is closed, or was left behind because a driver hangs.
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
        log.warn("a camera's driver hangs: its thread is left behind")
        closed.callback(None)

    def _run(self, call: Callable[[], Any], then: Callable[[Any], None]) -> Deferred[None]:
        made = self._thread.run(call)
        self._under_way = made

        def over(result: Any) -> Any:
            if self._under_way is made:
                self._under_way = None
            return result

        return made.addBoth(over).addCallbacks(then, self._broke)

    def _opened(self, granted: SourceInfo) -> None:
        if self._listener is None:
            return
        period = STALL_PERIODS / granted.fps if granted.fps > 0 else 0.0
        patience = max(STALL_SECONDS, period)
        self._patience = patience if granted.steady else 0.0
        self._bad_frames.patience = None if granted.steady else min(patience, OPEN_TIMEOUT)
        self._listener.opened(granted)
        if self._listener is None:
            return
        self._watch(self._first_patience)
        self._loop.start(0).addErrback(self._broke)

    def _step(self) -> Deferred[None]:
        return self._run(self._grab, self._grabbed)

    def _grab(self) -> Picture | Paused | str | None:
        """In the thread: a finished picture, or why there is none, or why it is no good."""
        try:
            grab = self._source.read()
        except Paused as pause:
            return pause
        except ValueError as error:
            return str(error)
        if grab is None:
            return None
        try:
            return self._encoder.finish(grab, self._is_wanted())
        except ValueError as error:
            return str(error)
        except Exception as error:  # whatever a picture does to a library, it is the picture's
            if not self._is_told:
                self._is_told = True
                log.failure("a picture broke what was to pass it on")
            return f"{type(error).__name__}: {error}"

    def _grabbed(self, picture: Picture | Paused | str | None) -> None:
        if self._listener is None or picture is None:
            return
        if isinstance(picture, Paused):
            self._bad_frames.forget()
            self._listener.paused(str(picture))
            return
        if isinstance(picture, str):
            self._no_good = picture
            self._listener.corrupt(picture)
            self._bad_frames.bad(picture)
            return
        self._no_good = ""
        self._bad_frames.good()
        self._waited = self._patience
        if self._watchdog is not None:
            self._watchdog.reset(self._patience)
        self._listener.captured(picture)

    def _broke(self, why: Failure) -> None:
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
            log.failure("a source failed in a way that it should not", failure=why)
            error = CameraFailed(f"the source failed: {why.getErrorMessage()}")
        assert isinstance(error, CameraFailed)
        self._listener.failed(error)

    def _watch(self, least: float = 0.0) -> None:
        self._unwatch()
        if self._patience:
            self._waited = max(self._patience, least)
            self._watchdog = self._clock.callLater(self._waited, self._stalled)

    def _unwatch(self) -> None:
        if self._watchdog is not None and self._watchdog.active():
            self._watchdog.cancel()
        self._watchdog = None
        self._bad_frames.forget()

    def _spoilt(self, reason: str) -> None:
        # It is read on, not opened anew: a folder or a film would begin again with what is bad.
        if self._listener is not None:
            self._listener.paused(reason, stalled=True)

    def _stalled(self) -> None:
        self._watchdog = None
        if self._listener is not None:
            why = f": {self._no_good}" if self._no_good else ""
            self._listener.failed(Stalled(f"no picture for {self._waited:g} s{why}"))
