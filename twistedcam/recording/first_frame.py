"""Whether a recording has its first picture on the disk, and why not."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.interfaces import IReactorTime

from twistedcam.camera import Camera
from twistedcam.errors import CommandError
from twistedcam.events import CameraChanged, Event, EventBus
from twistedcam.runtime.timer import Timer

#: Seconds after which a recording without a picture is said to wait for one.
PATIENCE = 5.0


class FirstFrameWatch:
    """Follows a recording from ``begin`` to its first picture, or to ``end``.

    Arguments:
        camera: the camera that is recorded.
        events: where the camera's state is told.
        clock: what waiting is measured by.
        tell: called with the reason when it is known that there is no picture now, and with None
            when there is one after that.
    """

    def __init__(
        self,
        camera: Camera,
        events: EventBus,
        clock: IReactorTime,
        tell: Callable[[str | None], None],
    ) -> None:
        #: Why there is no picture so far. None: there is one, or it may come at any moment.
        self.reason: str | None = None
        self._camera = camera
        self._tell = tell
        self._is_awaited = False
        self._asked: list[Deferred[str | None]] = []
        self._due = Timer(clock)
        events.subscribe(self._heard)

    def begin(self) -> None:
        """A recording begins."""
        self._is_awaited, self.reason = True, None
        if self._camera.state == "recovering":
            self._missing()
        else:
            self._due.start(PATIENCE, self._missing)

    def wait(self) -> Deferred[str | None]:
        """Fires with None when the picture is on the disk, with ``reason`` when that is known.

        Fails with the error that ends the recording before.
        """
        if not self._is_awaited or self.reason is not None:
            return succeed(self.reason)
        asked: Deferred[str | None] = Deferred()
        self._asked.append(asked)
        return asked

    def came(self) -> None:
        """The picture is on the disk."""
        if self._is_awaited:
            self._settle()
            told, self.reason = self.reason, None
            if told is not None:
                self._tell(None)
            self._answer(None)

    def end(self, error: CommandError | None) -> None:
        """The recording is over."""
        self._settle()
        self.reason = None
        asked, self._asked = self._asked, []
        for each in asked:
            (fail(error) if error is not None else succeed(None)).chainDeferred(each)

    def _heard(self, event: Event) -> None:
        if (
            self._is_awaited
            and isinstance(event, CameraChanged)
            and event.camera == self._camera.name
            and event.state == "recovering"
        ):
            self._missing()

    def missing(self, reason: str) -> None:
        """Pictures come, and cannot be recorded for that reason."""
        if self._is_awaited:
            self._say(reason)

    def _missing(self) -> None:
        camera = self._camera
        if camera.state == "live" and self.reason is not None:
            return
        reason = "the camera gives none that can be recorded"
        if camera.state != "live":
            reason = f"the camera is {camera.state}" + (f": {camera.reason}" * bool(camera.reason))
        self._say(reason)

    def _say(self, reason: str) -> None:
        if reason != self.reason:
            self.reason = reason
            self._tell(reason)
            self._answer(reason)

    def _settle(self) -> None:
        self._is_awaited = False
        self._due.cancel()

    def _answer(self, reason: str | None) -> None:
        asked, self._asked = self._asked, []
        for each in asked:
            each.callback(reason)
