"""One capture of a source that delivers on the reactor's thread."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from twistedcam.camera.capture_base import CaptureBase, CaptureListener, Delivered
from twistedcam.codecs.jpeg_encoder import JpegEncoder
from twistedcam.errors import CameraFailed
from twistedcam.runtime.threads import Thread
from twistedcam.sources.base import RawPacket, RawPicture, ReactorSource, SourceInfo

log = Logger()


class ReactorCapture(CaptureBase):
    """Takes what a source delivers until it fails or is ended (ReactorSourceListener).

    Packets pass at once. Pictures are finished in the thread; while it is busy, the newest one
    waits.

    Arguments:
        source: the source, not yet started.
        others: see ``CaptureBase``.
    """

    def __init__(
        self,
        source: ReactorSource,
        encoder: JpegEncoder,
        thread: Thread,
        clock: IReactorTime,
        listener: CaptureListener,
        patience: float = 0.0,
        is_wanted: Callable[[], bool] = lambda: True,
    ) -> None:
        super().__init__(encoder, thread, clock, listener, patience, is_wanted)
        self._source = source
        self._is_busy = False
        self._newest: RawPicture | None = None

    def begin(self) -> None:
        """Start the source, and take what it delivers until ``end``."""
        self._watch()
        self._source.start(self)

    def end(self) -> Deferred[None]:
        """Stop the source. Fires when it has stopped, or was abandoned."""
        self._listener = self._newest = None
        self._unwatch()
        closed, finish = self._limit_closing()
        stopped = self._source.stop()
        stopped.addErrback(lambda why: log.failure("closing a camera failed", failure=why))
        stopped.addBoth(lambda _: finish())
        return closed

    # Called by the source (ReactorSourceListener).

    def on_opened(self, granted: SourceInfo) -> None:
        """Watch over the pictures from now on."""
        self._start_watching(granted)

    def on_raw(self, raw: RawPicture | RawPacket) -> None:
        """Pass a packet on; finish a picture first."""
        if isinstance(raw, RawPacket):
            self._deliver(raw)
            return
        self._newest = raw
        self._pump()

    def on_corrupt(self, reason: str) -> None:
        """Count a corrupt picture."""
        self._deliver(reason)

    def on_sound_fault(self, reason: str) -> None:
        """The source's sound cannot be used."""
        if self._listener is not None:
            self._listener.on_sound_fault(reason)

    def on_failed(self, error: CameraFailed) -> None:
        """The source delivers no more."""
        self._fail(error)

    def _pump(self) -> None:
        raw, self._newest = self._newest, None
        if self._is_busy or raw is None or self._listener is None:
            self._newest = raw
            return
        self._is_busy = True
        made = self._thread.run(lambda: self._finish(raw))
        made.addCallback(self._finished)
        made.addErrback(lambda why: log.failure("a picture could not be finished", failure=why))

    def _finished(self, result: Delivered) -> None:
        self._is_busy = False
        self._deliver(result)
        self._pump()
