"""What is known of a camera, as status and metrics tell it."""

from __future__ import annotations

import time

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from twistedcam.camera.counts import CameraCounts
from twistedcam.camera.state_machine import IDLE, CameraState
from twistedcam.events import CameraChanged
from twistedcam.frame import Frame
from twistedcam.histogram import Histogram
from twistedcam.rate import Rate
from twistedcam.sources import SourceInfo
from twistedcam.sources.encode import Picture

log = Logger()

#: Seconds of pictures after which the rate that comes in truth is logged.
MEASURED_OVER = 5.0


class CameraStatus:
    """A camera's state, and the figures of its pictures.

    Arguments:
        name: what it is called everywhere.
        clock: whose seconds are meant.
    """

    def __init__(self, name: str, clock: IReactorTime) -> None:
        self.name = name
        self.state: CameraState = "stopped"
        #: Why it is not live, in words, or None.
        self.reason: str | None = None
        #: What the source gave at its last opening.
        self.granted = SourceInfo()
        #: Whether its last failure was silence only: the device is there and gives no picture.
        self.stalled = False
        #: The size of the newest picture; 0 before the first.
        self.width = 0
        self.height = 0
        self.rate = Rate()
        self.counts = CameraCounts()
        #: How old pictures were when they came to be passed on, in seconds.
        self.ages = Histogram()
        #: The last fault and the clock's second at which it was, or None.
        self.last_fault: tuple[float, str] | None = None
        #: The clock's second at which it became live, or None.
        self.live_since: float | None = None
        self._clock = clock
        self._sequence = 0
        #: How many pictures there had been when it became live; None once its rate was logged.
        self._frames_before: int | None = None

    @property
    def is_idle(self) -> bool:
        """Whether it runs with its device closed, because nobody watches."""
        return self.state == "stopped" and self.reason == IDLE

    def changed(self) -> CameraChanged:
        """The camera's state as an event."""
        fps = self.granted.fps
        return CameraChanged(self.name, self.state, self.reason, self.width, self.height, fps)

    def set_state(self, state: CameraState, reason: str | None) -> None:
        """It is in that state from now on."""
        self.state, self.reason = state, reason
        is_live = state == "live"
        self.live_since = self._clock.seconds() if is_live else None
        self._frames_before = self.counts.frames if is_live else None

    def number(self, picture: Picture) -> Frame:
        """The next frame, counted."""
        self._sequence += 1
        self.counts.add(picture)
        self.ages.observe(time.time() - picture.time_us / 1e6)
        now = self._clock.seconds()
        self.rate.tick(now)
        self._log_rate(now)
        self.width, self.height = picture.width, picture.height
        return Frame(self._sequence, picture.time_us, picture.width, picture.height, picture.jpeg)

    def note_fault(self, reason: str) -> None:
        """Something has gone wrong."""
        self.last_fault = (self._clock.seconds(), reason)

    def _log_rate(self, now: float) -> None:
        """Log what rate comes in truth, once, when it can be told."""
        if self._frames_before is None or self.live_since is None:
            return
        seconds = now - self.live_since
        if seconds < MEASURED_OVER:
            return
        fps = f"{(self.counts.frames - self._frames_before) / seconds:.1f}"
        promised = f", granted were {self.granted.fps:g}" if self.granted.fps else ""
        self._frames_before = None
        log.info("{camera} gives {fps} fps{promised}", camera=self.name, fps=fps, promised=promised)
