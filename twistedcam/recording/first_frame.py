"""Waits for the first picture of a recording, and says why there is none."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.interfaces import IReactorTime

from twistedcam.camera import Camera
from twistedcam.errors import CommandError
from twistedcam.events import CameraChanged, Event, EventBus
from twistedcam.runtime.timer import Timer

#: Seconds after which a recording without a picture is reported as waiting.
PATIENCE = 5.0


class FirstFrameWatch:
    """Follows a recording from ``begin`` to its first picture, or to ``end``.

    Arguments:
        on_waiting: called with the reason for which there is no picture now, and with None when
            one comes after that.
    """

    def __init__(
        self,
        camera: Camera,
        events: EventBus,
        clock: IReactorTime,
        on_waiting: Callable[[str | None], None],
    ) -> None:
        #: Why there is no picture so far; None if there is one or one is expected.
        self.reason: str | None = None
        self._camera = camera
        self._on_waiting = on_waiting
        self._is_awaited = False
        self._waiters: list[Deferred[str | None]] = []
        self._timer = Timer(clock)
        events.subscribe(self._on_event)

    def begin(self) -> None:
        """Wait for the first picture from now on."""
        self._is_awaited, self.reason = True, None
        if self._camera.state == "recovering":
            self._on_missing()
        else:
            self._timer.start(PATIENCE, self._on_missing)

    def wait(self) -> Deferred[str | None]:
        """Fires with None when the picture is on the disk, or with ``reason`` when that is known.

        Fails with the error that ends the recording before.
        """
        if not self._is_awaited or self.reason is not None:
            return succeed(self.reason)
        waiter: Deferred[str | None] = Deferred()
        self._waiters.append(waiter)
        return waiter

    def on_picture(self) -> None:
        """The picture is on the disk."""
        if self._is_awaited:
            reason = self.reason
            self._settle()
            if reason is not None:
                self._on_waiting(None)
            self._answer(None)

    def on_unsupported(self, reason: str) -> None:
        """Pictures come that cannot be recorded for that reason."""
        if self._is_awaited:
            self._set_reason(reason)

    def end(self, error: CommandError | None) -> None:
        """The recording has ended."""
        self._settle()
        waiters, self._waiters = self._waiters, []
        for each in waiters:
            (fail(error) if error is not None else succeed(None)).chainDeferred(each)

    def _on_event(self, event: Event) -> None:
        if (
            self._is_awaited
            and isinstance(event, CameraChanged)
            and event.camera == self._camera.name
            and event.state == "recovering"
        ):
            self._on_missing()

    def _on_missing(self) -> None:
        camera = self._camera
        if camera.state == "live" and self.reason is not None:
            return
        reason = "the camera gives none that can be recorded"
        if camera.state != "live":
            reason = f"the camera is {camera.state}" + (f": {camera.reason}" * bool(camera.reason))
        self._set_reason(reason)

    def _set_reason(self, reason: str) -> None:
        if reason != self.reason:
            self.reason = reason
            self._on_waiting(reason)
            self._answer(reason)

    def _settle(self) -> None:
        self._is_awaited, self.reason = False, None
        self._timer.cancel()

    def _answer(self, reason: str | None) -> None:
        waiters, self._waiters = self._waiters, []
        for each in waiters:
            each.callback(reason)
