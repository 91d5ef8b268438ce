"""Watches a camera for motion, in a thread of its own."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from twisted.logger import Logger
from twisted.python.failure import Failure

from twistedcam.camera import Camera
from twistedcam.errors import NotSupported
from twistedcam.media.packet import Packet
from twistedcam.media.track import Track
from twistedcam.processing.motion.findings import Examined
from twistedcam.processing.motion.settings import MotionSettings
from twistedcam.runtime.threads import Thread
from twistedcam.stream.hub import LATE, Sink
from twistedcam.stream.wants import Wants

if TYPE_CHECKING:
    from twistedcam.processing.motion.examiner import Examiner

log = Logger()

#: Microseconds between two pictures that are examined while something may move, and otherwise.
PERIOD_US, CALM_PERIOD_US = 100_000, 200_000
#: Packets that wait for the thread at most; then it begins again with a key frame.
MAX_WAITING = 300


class MotionWatch(Sink[Packet]):
    """Examines some of a camera's pictures: ten in a second, five while nothing moves.

    Of a camera that sends JPEGs only these are decoded; of one that sends H.264 or H.265 all are,
    but in place of a JPEG only their brightness is made of them.

    Arguments:
        camera: the camera; it stays open while it is watched.
        settings: the settings of the detector.
        make_thread: returns a new thread.
        on_examined: called with each result and its time on the clock ``monotonic``.
        on_lost: called when the camera has no pictures any more.
        monotonic: returns the seconds of a monotonic clock.
    """

    def __init__(
        self,
        camera: Camera,
        settings: MotionSettings,
        make_thread: Callable[[], Thread],
        on_examined: Callable[[Examined, float], None],
        on_lost: Callable[[], None],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._camera = camera
        self._settings = settings
        self._on_examined = on_examined
        self._on_lost = on_lost
        self._monotonic = monotonic
        self._thread = make_thread()
        #: Used in the thread. It is made there, because it imports large libraries.
        self._examiner: Examiner | None = None
        self._is_busy = False
        self._has_ended = False
        #: When the next picture is examined, and the time between two, in microseconds.
        self._due, self._period = 0, PERIOD_US
        #: Packets that refer to others, and were not decoded yet.
        self._waiting: list[Packet] = []
        self._needs_keyframe = True
        #: The number of backgrounds that were begun: results of an earlier one do not count.
        self._generation = 0
        #: The number of pictures that were examined.
        self.count = 0
        wants = Wants(("mjpeg", "h264", "hevc"), priority=LATE)
        self._subscription = camera.stream.subscribe(self, wants)

    def end(self) -> None:
        """Watch no longer. Nothing is called any more."""
        if not self._has_ended:
            self._has_ended = True
            self._subscription.close()
            self._thread.end()

    def use(self, settings: MotionSettings) -> None:
        """Use other settings of the detector; it learns the background again if they differ."""
        if settings != self._settings:
            self._settings = settings
            self._renew()

    def take(self, packet: Packet, /) -> None:
        """Examine a packet if it is time for one (hub.Sink)."""
        is_independent = packet.track.is_independent
        if not is_independent:
            self._keep(packet)
        now = packet.time_us
        early = self._due - now
        if self._is_busy or PERIOD_US // 10 < early <= 2 * CALM_PERIOD_US:
            return
        packets = [packet] if is_independent else self._waiting
        if not packets:
            return
        self._due = (self._due if abs(early) < PERIOD_US else now) + self._period
        self._waiting = []
        self._is_busy = True
        at, generation = self._monotonic(), self._generation
        examined = self._thread.run(lambda: self._examine(packets, at, generation))
        examined.addCallbacks(lambda found: self._examined(found, at, generation), self._failed)

    def track_changed(self, track: Track) -> None:
        """Begin with a key frame of the other track (hub.Sink)."""
        self._waiting = []
        self._needs_keyframe = True

    def on_cleared(self) -> None:
        """Learn the background again when the camera is back (hub.Sink)."""
        self._renew()
        self._on_lost()

    def _renew(self) -> None:
        self._generation += 1
        self._set_period(PERIOD_US)
        self._waiting = []
        self._needs_keyframe = True

    def _keep(self, packet: Packet) -> None:
        """Keep a packet until all since the last call are decoded."""
        if packet.is_keyframe:
            if len(self._waiting) > MAX_WAITING // 2:
                self._waiting = []  # the thread is behind
            self._needs_keyframe = False
        if not self._needs_keyframe:
            self._waiting.append(packet)
        if len(self._waiting) > MAX_WAITING:
            self._waiting = []
            self._needs_keyframe = True

    def _examine(self, packets: list[Packet], at: float, generation: int) -> Examined | None:
        """Examine packets; called in the thread."""
        from twistedcam.processing.motion.examiner import Examiner

        if self._examiner is None or self._examiner.generation != generation:
            self._examiner = Examiner(self._settings, generation, self._camera.encoder.drawn)
        return self._examiner.examine(packets, at)

    def _examined(self, found: Examined | None, at: float, generation: int) -> None:
        self._is_busy = False
        if found is None:
            return
        self.count += 1
        if not self._has_ended and generation == self._generation:
            self._set_period(CALM_PERIOD_US if found.is_calm else PERIOD_US)
            self._on_examined(found, at)

    def _set_period(self, period: int) -> None:
        self._due += period - self._period
        self._period = period

    def _failed(self, why: Failure) -> None:
        self._is_busy = False
        self._waiting = []
        self._needs_keyframe = True
        if not why.check(ValueError, NotSupported):  # what cannot be decoded is counted elsewhere
            log.failure("motion detection failed", failure=why)
