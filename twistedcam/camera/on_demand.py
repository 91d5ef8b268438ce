"""Opens and closes a camera's device by demand."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from twistedcam.camera.source_settings import may_suspend
from twistedcam.media.frame import Frame
from twistedcam.runtime.timer import Timer
from twistedcam.sources.spec import SourceSpec
from twistedcam.stream.hub import FrameHub, Sink
from twistedcam.stream.stream import Stream

#: Seconds after the last viewer or recording has gone until the device is closed.
SUSPEND_AFTER = 10.0


class OnDemand:
    """Watches whether somebody takes a camera's packets.

    Arguments:
        stream: the camera's stream.
        clock: measures the delay before the device is closed.
        on_wanted: called when the first sink was added.
        on_unwanted: called ``SUSPEND_AFTER`` seconds after the last was removed, if the device is
            to be closed then.
    """

    def __init__(
        self,
        stream: Stream,
        clock: IReactorTime,
        on_wanted: Callable[[], None],
        on_unwanted: Callable[[], None],
    ) -> None:
        #: True if the device is to be closed while nobody needs frames.
        self.may_suspend = False
        self._stream = stream
        self._on_wanted = on_wanted
        self._on_unwanted = on_unwanted
        self._closing = Timer(clock)
        stream.on_demand = self._changed

    @property
    def can_wait(self) -> bool:
        """True if the device may stay closed for now."""
        return self.may_suspend and not self._stream.is_wanted

    def follow(self, spec: SourceSpec) -> None:
        """Apply the source's setting ``idle``; BadArgument if its value is unknown."""
        self.may_suspend = may_suspend(spec)
        self._changed(self._stream.is_wanted)

    def cancel(self) -> None:
        """Do not close the device after the delay."""
        self._closing.cancel()

    def _changed(self, wanted: bool) -> None:
        self.cancel()
        if wanted:
            self._on_wanted()
        elif self.may_suspend:
            self._closing.start(SUSPEND_AFTER, self._on_unwanted)


class _NextFrame(Sink[Frame]):
    def __init__(self) -> None:
        self.received: Deferred[Frame | None] = Deferred()

    def take(self, frame: Frame, /) -> None:
        if not self.received.called:
            self.received.callback(frame)


async def next_frame(hub: FrameHub, clock: IReactorTime, seconds: float) -> Frame | None:
    """Return the next frame of a hub, or None if none arrives within ``seconds``."""
    waiting = _NextFrame()
    hub.add(waiting)
    try:
        return await waiting.received.addTimeout(seconds, clock, lambda *_: None)
    finally:
        hub.remove(waiting)
