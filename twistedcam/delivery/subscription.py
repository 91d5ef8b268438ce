"""The subscription of one viewer: the newest frame whenever the viewer is ready for one."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from twistedcam.delivery.sender import Sender
from twistedcam.media.frame import Frame
from twistedcam.stream.hub import Hub, Sink
from twistedcam.stream.viewers import Viewer

log = Logger()

#: Seconds after which a viewer that receives no byte of what is being sent is disconnected.
STALL_LIMIT = 10.0


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


class Subscription(Sink):
    """Passes frames from a hub to a sender, and keeps none.

    A viewer that reads slowly gets fewer frames, each the newest at its time. One that has stopped
    reading is noticed when frames come, without a timer.

    Arguments:
        viewer: its counters are updated.
        hub: the source of frames.
        sender: their destination.
        clock: measures rates.
        max_fps: the maximum number of frames per second, or None.
        window: the maximum number of unacknowledged frames; 0: no acknowledgements are expected.
    """

    __slots__ = (
        "_clock",
        "_fps_limiter",
        "_hub",
        "_last_seq",
        "_passed_over",
        "_sender",
        "_unacknowledged",
        "_unsent_bytes",
        "_unsent_since",
        "_window",
        "viewer",
    )

    def __init__(
        self,
        viewer: Viewer,
        hub: Hub,
        sender: Sender,
        clock: IReactorTime,
        max_fps: float | None = None,
        window: int = 0,
    ) -> None:
        self.viewer = viewer
        self._hub = hub
        self._sender = sender
        self._clock = clock
        self._fps_limiter = None if max_fps is None else FpsLimiter(max_fps)
        self._window = window
        #: Sequence numbers of frames that were sent, oldest first; only with a window.
        self._unacknowledged: list[int] = []
        self._last_seq = 0
        self._passed_over = 0
        #: The sender's unsent bytes when they last changed, and the time of that.
        self._unsent_bytes = -1
        self._unsent_since = 0.0

    @property
    def waits(self) -> bool:
        """True if a frame that was sent is not acknowledged yet; only with a window."""
        return bool(self._unacknowledged)

    def waits_for(self, seq: int) -> bool:
        """True if an acknowledgement of the frames up to this one would be new."""
        return bool(self._unacknowledged) and self._unacknowledged[0] <= seq

    def start(self) -> None:
        """Send frames from now on, the newest first."""
        self._hub.add(self)
        self.ready()

    def close(self) -> None:
        """Send no more frames."""
        self._hub.remove(self)
        self._sender.close()

    def finish(self, done: Callable[[], None]) -> None:
        """Send no more frames; call ``done`` when the current one has been sent."""
        self._hub.remove(self)
        self._sender.finish(done)

    def take(self, frame: Frame) -> None:
        """Send a new frame, or ignore it (hub.Sink). A connection that fails is closed."""
        if frame.seq <= self._last_seq:
            return  # the viewer was ready for it, and got it, before its turn came
        if self._fps_limiter is not None and not self._fps_limiter.admits(frame.time_us):
            return
        window, unacknowledged = self._window, self._unacknowledged
        if window and len(unacknowledged) >= window:
            self._pass_over(frame)
            return
        try:
            size = self._sender.offer(frame, bool(window) and not unacknowledged)
        except OSError as error:
            self._drop(error)
            return
        if size:
            self._note(frame, size)
        else:
            self._pass_over(frame)
            self._check_stall()

    def on_removed(self) -> None:
        """Close the connection after an internal error, so that the viewer may connect again."""
        self._sender.abort()

    def acknowledge(self, seq: int) -> None:
        """Note that the viewer has processed all frames up to this one."""
        unacknowledged = self._unacknowledged
        while unacknowledged and unacknowledged[0] <= seq:
            unacknowledged.pop(0)
        newest = self._hub.newest
        if newest is not None and newest.seq > self._last_seq:
            self.ready()

    def ignore_acks(self) -> None:
        """Send frames as fast as the viewer reads: it acknowledges nothing any more."""
        self._window = 0
        self._unacknowledged.clear()
        self.ready()

    def ready(self) -> None:
        """Send the newest frame if the viewer has not had it and is ready for it."""
        newest = self._hub.newest
        if newest is None or newest.seq <= self._last_seq:
            return
        if self._fps_limiter is not None and not self._fps_limiter.admits(newest.time_us):
            return
        if self._window and len(self._unacknowledged) >= self._window:
            return
        try:
            size = self._sender.offer(newest)
        except OSError as error:
            self._drop(error)
            return
        if size:
            if newest.seq == self._passed_over:
                self.viewer.drops -= 1  # it was late, but not dropped
            self._note(newest, size)

    def _pass_over(self, frame: Frame) -> None:
        self.viewer.drops += 1
        self._passed_over = frame.seq

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

    def _abort(self) -> None:
        self._hub.remove(self)
        self._sender.abort()

    def _note(self, frame: Frame, size: int) -> None:
        """Count a frame of ``size`` bytes that is sent."""
        self._unsent_bytes = -1
        self._last_seq = frame.seq
        if self._fps_limiter is not None:
            self._fps_limiter.note(frame.time_us)
        if self._window:
            self._unacknowledged.append(frame.seq)
        self.viewer.sent(frame, size, self._clock.seconds())
