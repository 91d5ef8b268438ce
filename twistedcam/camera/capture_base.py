"""The base of captures, which watches for silence and corrupt pictures, and their listener."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from twistedcam.camera.bad_frames import BadFrameDetector
from twistedcam.codecs.jpeg_encoder import EncodedPicture, JpegEncoder
from twistedcam.errors import CameraFailed, Stalled
from twistedcam.runtime.threads import Thread
from twistedcam.runtime.timer import Timer
from twistedcam.sources.base import Paused, RawPacket, RawPicture, SourceInfo

log = Logger()

#: The most seconds that opening a device may take.
OPEN_TIMEOUT = 15.0
#: A source has stalled if no picture arrives for this many frame periods, and at least this many
#: seconds.
STALL_PERIODS = 5
STALL_SECONDS = 2.0
#: The most seconds that closing a device may take before it is abandoned.
CLOSE_TIMEOUT = 2.0

#: A finished picture, a packet, a pause, or the reason why a picture is corrupt.
Delivered = EncodedPicture | RawPacket | Paused | str


class CaptureListener(Protocol):
    """Receives the events of a capture. After the capture was ended, no method is called."""

    def on_opened(self, granted: SourceInfo) -> None:
        """The source is open."""

    def on_picture(self, picture: EncodedPicture) -> None:
        """A picture has arrived."""

    def on_packet(self, raw: RawPacket) -> None:
        """A packet of video or sound has arrived."""

    def on_corrupt(self, reason: str) -> None:
        """A picture has arrived that cannot be used."""

    def on_sound_fault(self, reason: str) -> None:
        """The camera's sound cannot be used; its pictures can."""

    def on_paused(self, reason: str, stalled: bool = False) -> None:
        """The source delivers no pictures for now, for a known reason; the capture continues.

        Arguments:
            stalled: True if the device is present and only delivers pictures that are corrupt.
        """

    def on_failed(self, error: CameraFailed) -> None:
        """No more pictures will arrive. The capture has still to be ended."""


class CaptureBase:
    """One opening of a source, until it fails or is ended.

    Arguments:
        encoder: turns what the source delivers into finished pictures.
        thread: a thread that is used by this capture alone.
        clock: measures time-outs.
        listener: receives the events.
        patience: the least seconds to wait for the first picture once the source is open.
        is_wanted: returns True while somebody takes every picture; called in the thread.
    """

    def __init__(
        self,
        encoder: JpegEncoder,
        thread: Thread,
        clock: IReactorTime,
        listener: CaptureListener,
        patience: float = 0.0,
        is_wanted: Callable[[], bool] = lambda: True,
    ) -> None:
        self._encoder = encoder
        self._thread = thread
        self._clock = clock
        self._listener: CaptureListener | None = listener
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

    def _finish(self, picture: RawPicture | RawPacket) -> Delivered:
        """Return a finished picture; called in the thread."""
        if isinstance(picture, RawPacket):
            return picture
        try:
            return self._encoder.finish(picture, self._is_wanted())
        except ValueError as error:
            return str(error)
        except Exception as error:  # any error of a library is the fault of the picture
            if not self._has_logged:
                self._has_logged = True
                log.failure("a picture made the encoder fail")
            return f"{type(error).__name__}: {error}"

    def _start_watching(self, granted: SourceInfo) -> None:
        """Tell the listener that the source is open, and watch over its pictures."""
        if self._listener is None:
            return
        period = STALL_PERIODS / granted.fps if granted.fps > 0 else 0.0
        patience = max(STALL_SECONDS, period)
        self._patience = patience if granted.steady else 0.0
        self._bad_frames.patience = None if granted.steady else min(patience, OPEN_TIMEOUT)
        self._listener.on_opened(granted)
        if self._listener is not None:
            self._watch(self._first_patience)

    def _deliver(self, result: Delivered | None) -> None:
        """Pass on what has arrived."""
        if self._listener is None or result is None:
            return
        if isinstance(result, Paused):
            self._bad_frames.forget()
            self._listener.on_paused(str(result))
            return
        if isinstance(result, str):
            self._corrupt_reason = result
            self._listener.on_corrupt(result)
            self._bad_frames.note_bad(result)
            return
        if isinstance(result, RawPacket) and result.track.kind == "audio":
            self._listener.on_packet(result)
            return
        self._corrupt_reason = ""
        self._bad_frames.note_good()
        self._waited = self._patience
        if self._watchdog.is_pending:
            self._watchdog.start(self._patience, self._stalled)
        if isinstance(result, RawPacket):
            self._listener.on_packet(result)
        else:
            self._listener.on_picture(result)

    def _fail(self, error: CameraFailed) -> None:
        self._unwatch()
        if self._listener is not None:
            self._listener.on_failed(error)

    def _limit_closing(self) -> tuple[Deferred[None], Callable[[], None]]:
        """Return a Deferred for the end of closing, and a function that says that it is done.

        The Deferred fires without it after ``CLOSE_TIMEOUT``.
        """
        closed: Deferred[None] = Deferred()
        limit = self._clock.callLater(CLOSE_TIMEOUT, self._abandon, closed)

        def finish() -> None:
            self._thread.end()
            self.released.callback(None)
            if limit.active():
                limit.cancel()
                closed.callback(None)

        return closed, finish

    def _abandon(self, closed: Deferred[None]) -> None:
        log.warn("a camera's driver hangs: its thread is abandoned")
        closed.callback(None)

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
