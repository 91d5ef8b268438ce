"""What is known of a camera, as status and metrics tell it."""

from __future__ import annotations

import time

from twisted.internet.interfaces import IReactorTime

from twistedcam.camera.counts import CameraCounts
from twistedcam.camera.lifecycle import IDLE, CameraState
from twistedcam.events import CameraChanged
from twistedcam.frame import Frame
from twistedcam.histogram import Histogram
from twistedcam.rate import Rate
from twistedcam.sources import Granted
from twistedcam.sources.encode import Picture


class CameraFacts:
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
        self.granted = Granted()
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

    @property
    def is_idle(self) -> bool:
        """Whether it runs with its device closed, because nobody watches."""
        return self.state == "stopped" and self.reason == IDLE

    def changed(self) -> CameraChanged:
        """The camera's state as an event."""
        fps = self.granted.fps
        return CameraChanged(self.name, self.state, self.reason, self.width, self.height, fps)

    def number(self, picture: Picture) -> Frame:
        """The next frame, counted."""
        self._sequence += 1
        self.counts.add(picture)
        self.ages.observe(time.time() - picture.time_us / 1e6)
        self.rate.tick(self._clock.seconds())
        self.width, self.height = picture.width, picture.height
        return Frame(self._sequence, picture.time_us, picture.width, picture.height, picture.jpeg)

    def note_fault(self, reason: str) -> None:
        """Something has gone wrong."""
        self.last_fault = (self._clock.seconds(), reason)
