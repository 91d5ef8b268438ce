"""The openings of a camera's source: one at a time, tried again, left behind when they hang."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IReactorTime

from twistedcam.camera.capture import Capture
from twistedcam.camera.retry import RETRY_FIRST, RETRY_LOGIN, RETRY_MOST, Retry
from twistedcam.errors import CameraFailed, LoginRefused, TwistedcamError
from twistedcam.sources import Source, make_source
from twistedcam.sources.base import Relaying

if TYPE_CHECKING:
    from twistedcam.camera.camera import Camera
    from twistedcam.runtime.threads import Thread

#: SourceOpener of a source that may hang in its driver before no more are tried.
HANGING_MOST = 3


class SourceOpener:
    """Opens a camera's source when it is wanted, as soon as the opening before has let it go.

    Arguments:
        camera: whose; it hears what the capture tells, and of failures.
        clock: what waits are measured by.
        make_thread: gives a thread of its own for each opening.
        retry: called when it is time to try again.
    """

    def __init__(
        self,
        camera: Camera,
        clock: IReactorTime,
        make_thread: Callable[[], Thread],
        retry: Callable[[], None],
    ) -> None:
        self._camera = camera
        self._clock = clock
        self._make_thread = make_thread
        self._retry = Retry(clock, retry)
        self._source: Source | None = None
        self._capture: Capture | None = None
        self._closing: Deferred[None] | None = None
        #: Captures that were left behind because the driver hangs.
        self._hanging = 0

    @property
    def via(self) -> tuple[str, ...]:
        """The cameras that the source's pictures come through (wire.State)."""
        return self._source.via if isinstance(self._source, Relaying) else ()

    @property
    def is_waiting(self) -> bool:
        """Whether the next opening is due later."""
        return self._retry.pending

    def begin(self) -> None:
        """Begin a new capture, as soon as the one before has let the device go."""
        if self._closing is not None:
            self._closing.addCallback(lambda _: self._open_if_wanted())
        else:
            self._open_if_wanted()

    def end(self) -> None:
        """End the capture under way, and forget about trying again."""
        self._retry.cancel()
        if self._capture is None:
            return
        capture, self._capture = self._capture, None
        closing = capture.end()
        if not closing.called:
            self._closing = closing
            closing.addCallback(self._closed, capture)

    def closed(self) -> Deferred[None]:
        """Fires when the device is free, or is left behind because it hangs."""
        if self._closing is None:
            return succeed(None)
        done: Deferred[None] = Deferred()
        self._closing.addBoth(lambda _: done.callback(None))
        return done

    def again_later(self, error: CameraFailed | None = None) -> None:
        """Try again, after a longer wait each time, or as soon as the device is back.

        Arguments:
            error: what the last attempt failed with.
        """
        is_login = isinstance(error, LoginRefused)
        self._retry.wait(self._source, RETRY_LOGIN if is_login else RETRY_FIRST)

    def succeeded(self) -> None:
        """A picture has come: the next wait is a short one."""
        self._retry.reset()

    def give_up(self) -> None:
        """Watch the source no more: its return would change nothing."""
        self._source = None

    def _open_if_wanted(self) -> None:
        state = self._camera.state
        wanted = state == "starting" or (state == "recovering" and not self._retry.pending)
        if wanted and self._capture is None and self._closing is None:
            self._open()

    def _open(self) -> None:
        camera = self._camera
        self._source = None
        if self._hanging >= HANGING_MOST:
            hint = "unplug it, or wait until its driver comes back"
            camera.failed(CameraFailed(f"its driver hangs, {self._hanging} times over: {hint}"))
            return
        try:
            source = make_source(camera.spec, camera.inbox)
        except TwistedcamError as error:  # a file that was there is gone
            camera.failed(CameraFailed(str(error)))
            return
        self._source = source
        self._retry.trying(source)
        # A silent device that has been opened again is listened to for as long as it may come back.
        patience = RETRY_MOST if camera.state == "recovering" else 0.0
        self._capture = Capture(
            source,
            camera.encoder,
            self._make_thread(),
            self._clock,
            camera,
            patience,
            lambda: len(camera.hub) > 0,
        )
        self._capture.begin()

    def _closed(self, _: None, capture: Capture) -> None:
        self._closing = None
        if not capture.released.called:  # it was left behind
            self._hanging += 1
            capture.released.addCallback(self._let_go)

    def _let_go(self, _: None) -> None:
        """An opening that hung has come back."""
        self._hanging -= 1
        self._retry.hasten()
