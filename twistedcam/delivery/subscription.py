"""The common part of the subscriptions of viewers."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Any

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from twistedcam.delivery.sender import Sender
from twistedcam.stream.hub import Sink
from twistedcam.stream.viewers import Viewer

log = Logger()

#: Seconds after which a viewer that receives no byte of what is being sent is disconnected.
STALL_LIMIT = 10.0
#: A stream whose rate is this many times the limit of a viewer keeps the limit.
RATE_TOLERANCE = 1.1


class FpsLimiter:
    """Selects frames of a stream, so that at most ``fps`` a second remain.

    Arguments:
        fps: frames per second, or None for all.
    """

    def __init__(self, fps: float | None) -> None:
        self._period = 0 if fps is None else round(1e6 / fps)
        self._due = 0
        #: Microseconds by which a frame may be early: the intervals of cameras vary.
        self._slack = min(self._period // 4, 5_000)
        #: A frame that is earlier than this was captured after its clock was set back.
        self._earliest = -self._period - self._slack

    def admits(self, time_us: int) -> bool:
        """True if a frame captured at this time, in microseconds, may be sent."""
        late = time_us - self._due
        return late >= -self._slack or late < self._earliest

    def note(self, time_us: int) -> None:
        """Count a frame that is sent.

        The next is due a period after this one was due, so that 30 frames a second limited to 20
        give 20 and not 15. After a pause, or when the clock was set, the period begins again.
        """
        if self._period:
            is_due = -self._slack <= time_us - self._due < self._period
            self._due = (self._due if is_due else time_us) + self._period


class ViewerSubscription(Sink[Any]):
    """Passes packets of a hub to a sender, and closes the connection of a viewer that is gone.

    A viewer that has stopped reading is noticed when packets come, without a timer.

    Arguments:
        viewer: its counters are updated.
        hub: the source of packets.
        sender: their destination.
        clock: measures rates.
        max_fps: the maximum number of packets per second, or None.
        window: the maximum number of unacknowledged packets; 0: no acknowledgements are expected.
        leave: ends what ``start`` has begun, if another object is the hub's sink.
    """

    __slots__ = (
        "_clock",
        "_fps_limiter",
        "_hub",
        "_last_seq",
        "_leave_source",
        "_sender",
        "_unsent_bytes",
        "_unsent_since",
        "_window",
        "viewer",
    )

    def __init__(
        self,
        viewer: Viewer,
        hub: Any,
        sender: Sender,
        clock: IReactorTime,
        max_fps: float | None = None,
        window: int = 0,
        leave: Callable[[], object] | None = None,
    ) -> None:
        self.viewer = viewer
        self._hub = hub
        self._sender = sender
        self._clock = clock
        self._fps_limiter = None if max_fps is None else FpsLimiter(max_fps)
        self._window = window
        self._leave_source = leave
        #: The sequence number of the last packet that was sent.
        self._last_seq = -1
        #: The sender's unsent bytes when they last changed, and the time of that.
        self._unsent_bytes = -1
        self._unsent_since = 0.0

    def start(self) -> None:
        """Send packets from now on."""
        self._hub.add(self)
        self.begin()

    @property
    def last_seq(self) -> int:
        """The sequence number of the last packet that was sent; -1 before the first."""
        return self._last_seq

    def follow(self, seq: int) -> None:
        """Send only packets of higher numbers: the viewer had those up to it from another hub."""
        self._last_seq = seq

    def begin(self) -> None:
        """Send the first packets: the hub has its sink."""
        self.ready()

    @abstractmethod
    def ready(self) -> None:
        """Send what the viewer has not had, if it is ready for it."""

    def close(self) -> None:
        """Send no more packets."""
        self._leave()
        self._sender.close()

    def stop(self) -> None:
        """Take no more packets from the hub."""
        self._leave()

    def finish(self, done: Callable[[], None]) -> None:
        """Send no more packets; call ``done`` when the current one has been sent."""
        self._leave()
        self._sender.finish(done)

    def on_removed(self) -> None:
        """Close the connection after an internal error, so that the viewer may connect again."""
        self._sender.abort()

    def _check_stall(self) -> None:
        unsent, now = self._sender.unsent_bytes(), self._clock.seconds()
        if unsent != self._unsent_bytes:
            self._unsent_bytes, self._unsent_since = unsent, now
        elif now - self._unsent_since >= STALL_LIMIT:
            log.info(
                "viewer {id} at {address} has not read for {limit:g} s; its connection is closed",
                id=self.viewer.id,
                address=self.viewer.address,
                limit=STALL_LIMIT,
            )
            self._abort()

    def _drop(self, error: OSError) -> None:
        log.info(
            "viewer {id} at {address} cannot be reached: {error}; its connection is closed",
            id=self.viewer.id,
            address=self.viewer.address,
            error=error.strerror or str(error),
        )
        self._abort()

    def _leave(self) -> None:
        if self._leave_source is not None:
            self._leave_source()
        else:
            self._hub.remove(self)

    def _abort(self) -> None:
        self._leave()
        self._sender.abort()
