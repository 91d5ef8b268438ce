"""Whether anybody wants a camera's pictures: its device may be closed while nobody does."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from twistedcam.frame import Frame
from twistedcam.hub import Hub
from twistedcam.sources.spec import Settings, SourceSpec

#: Seconds after the last viewer or recording that the device is closed.
REST_AFTER = 10.0


class OnDemand:
    """Follows a hub, and says when pictures are wanted, and when no longer.

    Arguments:
        hub: whose consumers are counted.
        clock: what the rest is waited for by.
        wanted: called when the first has come.
        unwanted: called ten seconds after the last has gone.
    """

    def __init__(
        self,
        hub: Hub,
        clock: IReactorTime,
        wanted: Callable[[], None],
        unwanted: Callable[[], None],
    ) -> None:
        #: Whether the device is to be closed while nobody wants pictures.
        self.may_rest = False
        self._hub = hub
        self._clock = clock
        self._wanted = wanted
        self._unwanted = unwanted
        self._rest: IDelayedCall | None = None
        hub.on_demand = self._changed

    @property
    def can_wait(self) -> bool:
        """Whether the device may stay closed for now."""
        return self.may_rest and not len(self._hub)

    def follow(self, spec: SourceSpec) -> None:
        """Do as the source's setting ``idle`` says; BadArgument if it is not one that there is."""
        self.may_rest = may_rest(spec)
        self._changed(bool(len(self._hub)))

    def cancel(self) -> None:
        """Wait for no rest any more."""
        if self._rest is not None and self._rest.active():
            self._rest.cancel()
        self._rest = None

    def _changed(self, wanted: bool) -> None:
        self.cancel()
        if wanted:
            self._wanted()
        elif self.may_rest:
            self._rest = self._clock.callLater(REST_AFTER, self._unwanted)


def may_rest(spec: SourceSpec) -> bool:
    """What the source's setting ``idle`` says; BadArgument if it is not one that there is."""
    return Settings(spec).choice("idle", ("keep", "close"), "keep") == "close"


class _NextFrame:
    def __init__(self) -> None:
        self.came: Deferred[Frame | None] = Deferred()

    def take(self, frame: Frame) -> None:
        if not self.came.called:
            self.came.callback(frame)


async def next_frame(hub: Hub, clock: IReactorTime, seconds: float) -> Frame | None:
    """The next frame of a hub, or None if none comes in so many seconds."""
    waiting = _NextFrame()
    hub.add(waiting)
    try:
        return await waiting.came.addTimeout(seconds, clock, lambda *_: None)
    finally:
        hub.remove(waiting)
