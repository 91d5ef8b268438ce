"""The subscription of one viewer: the newest frame whenever the viewer is ready for one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.interfaces import IReactorTime

from twistedcam.delivery.sender import Sender
from twistedcam.delivery.subscription import ViewerSubscription
from twistedcam.media.frame import Frame
from twistedcam.stream.hub import Hub
from twistedcam.stream.viewers import Viewer


class LatestSubscription(ViewerSubscription):
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

    __slots__ = ("_passed_over", "_unacknowledged")

    def __init__(
        self,
        viewer: Viewer,
        hub: Hub[Any],
        sender: Sender,
        clock: IReactorTime,
        max_fps: float | None = None,
        window: int = 0,
        leave: Callable[[], object] | None = None,
    ) -> None:
        super().__init__(viewer, hub, sender, clock, max_fps, window, leave)
        #: Sequence numbers of frames that were sent, oldest first; only with a window.
        self._unacknowledged: list[int] = []
        self._passed_over = 0

    @property
    def waits(self) -> bool:
        """True if a frame that was sent is not acknowledged yet; only with a window."""
        return bool(self._unacknowledged)

    def waits_for(self, seq: int) -> bool:
        """True if an acknowledgement of the frames up to this one would be new."""
        return bool(self._unacknowledged) and self._unacknowledged[0] <= seq

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

    def _note(self, frame: Frame, size: int) -> None:
        """Count a frame of ``size`` bytes that is sent."""
        self._unsent_bytes = -1
        self._last_seq = frame.seq
        if self._fps_limiter is not None:
            self._fps_limiter.note(frame.time_us)
        if self._window:
            self._unacknowledged.append(frame.seq)
        self.viewer.sent(frame, size, self._clock.seconds())
