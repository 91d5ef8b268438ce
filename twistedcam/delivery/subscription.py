"""What a viewer gets: the newest frame, whenever it is ready for one."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from twistedcam.delivery.fps_limiter import FpsLimiter
from twistedcam.delivery.sender import Sender
from twistedcam.media.frame import Frame
from twistedcam.stream.hub import Hub, Sink
from twistedcam.stream.viewers import Viewer

log = Logger()

#: Seconds after which a viewer that takes not one byte of what is on its way is dropped.
STALL_LIMIT = 10.0


class Subscription(Sink):
    """Stands between a hub and a sender; keeps no frame.

    A viewer that reads slowly gets fewer frames, each the newest when its turn comes. One that has
    stopped reading is found out when frames come, without a timer of its own.

    Arguments:
        viewer: whose counts to keep.
        hub: where frames come from.
        sender: where they go.
        clock: what rates are measured by.
        max_fps: at most so many frames a second, or None.
        window: at most so many frames unacknowledged; 0: acknowledgements are not asked for.
    """

    __slots__ = (
        "_clock",
        "_fps_limiter",
        "_held_since",
        "_hub",
        "_last_seq",
        "_passed_over",
        "_sender",
        "_unacknowledged",
        "_unsent_bytes",
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
        #: Sequence numbers of frames on their way, oldest first; only with a window.
        self._unacknowledged: list[int] = []
        self._last_seq = 0
        self._passed_over = 0
        #: What the sender held when it was last seen to change, and when that was.
        self._unsent_bytes = -1
        self._held_since = 0.0

    @property
    def waits(self) -> bool:
        """Whether a frame on its way is not acknowledged yet; only with a window."""
        return bool(self._unacknowledged)

    def waits_for(self, seq: int) -> bool:
        """Whether an acknowledgement of all frames up to this one says anything new."""
        return bool(self._unacknowledged) and self._unacknowledged[0] <= seq

    def begin(self) -> None:
        """From now on frames go out, the newest first."""
        self._hub.add(self)
        self.ready()

    def end(self) -> None:
        """No more frames."""
        self._hub.remove(self)
        self._sender.close()

    def finish(self, done: Callable[[], None]) -> None:
        """No more frames; ``done`` is called when the one under way is out."""
        self._hub.remove(self)
        self._sender.finish(done)

    def take(self, frame: Frame) -> None:
        """A new frame (hub.Sink): send it, or let it go. A connection that fails is ended."""
        if frame.seq <= self._last_seq:
            return  # who was ready for it before its turn came has it
        if self._fps_limiter is not None and not self._fps_limiter.admits(frame.time_us):
            return
        window, under_way = self._window, self._unacknowledged
        if window and len(under_way) >= window:
            self._pass_over(frame)
            return
        try:
            size = self._sender.offer(frame, bool(window) and not under_way)
        except OSError as error:
            self._drop(error)
            return
        if size:
            self._note(frame, size)
        else:
            self._pass_over(frame)
            self._check_stall()

    def on_removed(self) -> None:
        """It failed in a way that it should not (hub.Connected): the viewer may come again."""
        self._sender.abort()

    def acknowledge(self, seq: int) -> None:
        """The viewer has taken in all frames up to this one."""
        under_way = self._unacknowledged
        while under_way and under_way[0] <= seq:
            under_way.pop(0)
        newest = self._hub.newest
        if newest is not None and newest.seq > self._last_seq:
            self.ready()

    def stop_waiting(self) -> None:
        """The viewer acknowledges nothing any more: frames go out as fast as it reads."""
        self._window = 0
        self._unacknowledged.clear()
        self.ready()

    def ready(self) -> None:
        """The viewer may be ready for a frame: send the newest, if it has not had it."""
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
                self.viewer.drops -= 1  # it came late, but it came
            self._note(newest, size)

    def _pass_over(self, frame: Frame) -> None:
        self.viewer.drops += 1
        self._passed_over = frame.seq

    def _check_stall(self) -> None:
        held, now = self._sender.unsent_bytes(), self._clock.seconds()
        if held != self._unsent_bytes:
            self._unsent_bytes, self._held_since = held, now
        elif now - self._held_since >= STALL_LIMIT:
            log.info(
                "viewer {id} at {address} has not read for {limit:g} s: its connection is ended",
                id=self.viewer.id,
                address=self.viewer.address,
                limit=STALL_LIMIT,
            )
            self._hub.remove(self)
            self._sender.abort()

    def _drop(self, error: OSError) -> None:
        log.info(
            "viewer {id} at {address} cannot be reached: {error}; its connection is ended",
            id=self.viewer.id,
            address=self.viewer.address,
            error=error.strerror or str(error),
        )
        self._hub.remove(self)
        self._sender.abort()

    def _note(self, frame: Frame, size: int) -> None:
        """A frame of so many bytes is on its way."""
        self._unsent_bytes = -1
        self._last_seq = frame.seq
        if self._fps_limiter is not None:
            self._fps_limiter.note(frame.time_us)
        if self._window:
            self._unacknowledged.append(frame.seq)
        self.viewer.sent(frame, size, self._clock.seconds())
