"""Opens a camera's source: one opening at a time, with retries."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IReactorTime

from twistedcam.camera.capture import Capture
from twistedcam.camera.capture_base import CaptureListener
from twistedcam.camera.reactor_capture import ReactorCapture
from twistedcam.camera.retry import RETRY_FIRST, RETRY_LOGIN, Retry
from twistedcam.codecs.jpeg_encoder import JpegEncoder
from twistedcam.errors import CameraFailed, LoginRefused, TwistedcamError
from twistedcam.runtime.threads import Thread
from twistedcam.sources.base import CountsLost, ReactorSource, Relaying, Source

#: The number of openings that may hang in the driver before no more are tried.
HANGING_MOST = 3


class SourceOpener:
    """Opens a source as soon as the previous capture has released its device.

    Arguments:
        listener: receives the events of each capture, and openings that fail.
        make_source: returns the source to open, with the settings of that moment.
        is_wanted: returns True while somebody takes every frame; called in the capture's thread.
        clock: measures the waits.
        make_thread: returns a new thread for each capture.
        on_retry: called when it is time to try again.
    """

    def __init__(
        self,
        listener: CaptureListener,
        make_source: Callable[[], Source | ReactorSource],
        is_wanted: Callable[[], bool],
        clock: IReactorTime,
        make_thread: Callable[[], Thread],
        on_retry: Callable[[], None],
    ) -> None:
        self._listener = listener
        self._make_source = make_source
        self._is_wanted = is_wanted
        self._clock = clock
        self._make_thread = make_thread
        self._retry = Retry(clock, on_retry)
        self._source: Source | ReactorSource | None = None
        #: The number of pictures that the devices of earlier sources have lost.
        self._lost = 0
        self._capture: Capture | ReactorCapture | None = None
        self._closing: Deferred[None] | None = None
        #: The arguments of ``begin`` while the previous capture is still closing.
        self._requested: tuple[JpegEncoder, float] | None = None
        #: The number of captures that were abandoned because the driver hangs.
        self._hanging = 0

    @property
    def via(self) -> tuple[str, ...]:
        """The ids of the cameras that a relayed source's frames pass through (wire.State)."""
        return self._source.via if isinstance(self._source, Relaying) else ()

    @property
    def is_muted_at_source(self) -> bool:
        """True if the camera of another server that is relayed is muted."""
        return isinstance(self._source, Relaying) and self._source.is_muted

    @property
    def lost(self) -> int:
        """The number of pictures that the device has lost, as far as it tells."""
        return self._lost + (self._source.lost if isinstance(self._source, CountsLost) else 0)

    @property
    def source(self) -> Source | ReactorSource | None:
        """The source that was opened last."""
        return self._source

    @property
    def is_waiting(self) -> bool:
        """True while a retry is scheduled."""
        return self._retry.pending

    def begin(self, encoder: JpegEncoder, patience: float = 0.0) -> None:
        """Open the source, as soon as the previous capture has released the device.

        Arguments:
            encoder: encodes the pictures of this capture.
            patience: the least seconds to wait for the first frame.
        """
        self._requested = (encoder, patience)
        if self._closing is not None:
            self._closing.addCallback(lambda _: self._open_if_requested())
        else:
            self._open_if_requested()

    def end(self) -> None:
        """End the current capture, and cancel an opening or a retry that is due."""
        self._requested = None
        self._retry.cancel()
        if self._capture is None:
            return
        capture, self._capture = self._capture, None
        closing = capture.end()
        if not closing.called:
            self._closing = closing
            closing.addCallback(self._closed, capture)

    def closed(self) -> Deferred[None]:
        """Fires when the device is released, or was abandoned because its driver hangs."""
        if self._closing is None:
            return succeed(None)
        done: Deferred[None] = Deferred()
        self._closing.addBoth(lambda _: done.callback(None))
        return done

    def again_later(self, error: CameraFailed | None = None) -> None:
        """Schedule a retry: later each time, and at once when the device is back.

        Arguments:
            error: the error of the last attempt.
        """
        is_login = isinstance(error, LoginRefused)
        self._retry.wait(self._source, RETRY_LOGIN if is_login else RETRY_FIRST)

    def succeeded(self) -> None:
        """Note that a frame has arrived: the next wait is a short one."""
        self._retry.reset()

    def give_up(self) -> None:
        """Stop watching for the source's return: it would change nothing."""
        self._lost = self.lost
        self._source = None

    def _open_if_requested(self) -> None:
        is_free = self._capture is None and self._closing is None
        if self._requested is not None and is_free:
            (encoder, patience), self._requested = self._requested, None
            self._open(encoder, patience)

    def _open(self, encoder: JpegEncoder, patience: float) -> None:
        self._lost = self.lost
        self._source = None
        if self._hanging >= HANGING_MOST:
            hint = "unplug it, or wait until its driver comes back"
            why = f"its driver hangs, {self._hanging} times over: {hint}"
            self._listener.on_failed(CameraFailed(why))
            return
        try:
            source = self._make_source()
        except TwistedcamError as error:  # for example a file that was deleted
            self._listener.on_failed(CameraFailed(str(error)))
            return
        self._source = source
        self._retry.trying(source)
        others = (
            encoder,
            self._make_thread(),
            self._clock,
            self._listener,
            patience,
            self._is_wanted,
        )
        if isinstance(source, ReactorSource):
            self._capture = ReactorCapture(source, *others)
        else:
            self._capture = Capture(source, *others)
        self._capture.begin()

    def _closed(self, _: None, capture: Capture | ReactorCapture) -> None:
        self._closing = None
        if not capture.released.called:  # it was abandoned
            self._hanging += 1
            capture.released.addCallback(self._came_back)

    def _came_back(self, _: None) -> None:
        """Count an abandoned capture no more: its driver has answered."""
        self._hanging -= 1
        self._retry.retry_now()
