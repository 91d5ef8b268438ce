"""One H.264 encoding of a camera, shared by publish targets and recordings."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple, Protocol

from twisted.internet.defer import Deferred, succeed
from twisted.logger import Logger
from twisted.python.failure import Failure

from twistedcam.codecs.h264_encoder import CLOCK, H264Encoder, H264Settings, check_size
from twistedcam.errors import NotSupported
from twistedcam.events import EventBus, Fault
from twistedcam.media.frame import Frame
from twistedcam.media.timed_frame import H264Packet, TimedFrame
from twistedcam.media.timeline import Timeline
from twistedcam.runtime.threads import Thread
from twistedcam.stream.hub import LATE, Hub, Sink
from twistedcam.stream.size_changes import SizeChanges
from twistedcam.stream.write_queue import WriteQueue

log = Logger()

#: Steps of CLOCK between two keyframes.
KEYFRAMES = CLOCK


class PacketSink(Protocol):
    """Receives encoded frames on the reactor's thread, and must return at once."""

    def take_packet(self, frame: Frame, packet: H264Packet) -> None:
        """Handle the next frame. A new sink soon gets a keyframe, perhaps others before it."""


class _Made(NamedTuple):
    #: None if the picture was not encoded.
    packets: list[H264Packet] | None
    #: The encoder's name, and the reason why it is not the requested one.
    name: str
    note: str | None
    seconds: float
    pts: int
    #: The reason why the picture was not encoded, or None.
    reason: str | None = None


class Transcoder(Sink):
    """Encodes a camera's frames on its own thread, while there are listeners.

    It encodes the newest frame whenever it is ready for one. While a listener needs all frames,
    they are queued as for a recording (WriteQueue).

    Arguments:
        camera: the camera's name.
        hub: the camera's hub.
        settings: the encoder's settings.
        make_thread: makes the thread.
        events: receives a fault if there is no encoder.
        steady: returns the seconds of a steady clock.
    """

    def __init__(
        self,
        camera: str,
        hub: Hub,
        settings: H264Settings,
        make_thread: Callable[[], Thread],
        events: EventBus,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self.settings = settings
        #: The encoder's name, and the reason why it is not the requested one; or None.
        self.name: str | None = None
        self.note: str | None = None
        #: Pictures that were not encoded, because the encoder was too slow or they are broken.
        self.dropped = 0
        self._camera = camera
        self._hub = hub
        self._make_thread = make_thread
        self._events = events
        self._steady = steady
        self._timeline = Timeline()
        self._listeners: dict[PacketSink, bool] = {}
        self._leaving: list[tuple[PacketSink, Deferred[None]]] = []
        self._thread: Thread | None = None
        self._coder: H264Encoder | None = None
        self._generation = 0
        self._busy = False
        self._newest: Frame | None = None
        self._waiting = WriteQueue()
        self._frames: dict[int, Frame] = {}
        self._keyframe_due = 0
        self._last_pts = -1
        self._is_broken = False
        self._sizes = SizeChanges()
        #: Reasons for broken pictures that were logged.
        self._logged: set[str] = set()

    def __len__(self) -> int:
        return len(self._listeners)

    def add(self, listener: PacketSink, lossless: bool = False) -> None:
        """Encode for one more listener, which can begin with the next keyframe.

        Arguments:
            lossless: it needs every picture, even if that takes longer; the next is a keyframe.
        """
        if not self._listeners and self._thread is None:
            self._thread = self._make_thread()
        self._listeners[listener] = lossless
        if lossless:
            self._keyframe_due = 0
        self._hub.add(self, priority=LATE)

    def remove(self, listener: PacketSink) -> Deferred[None]:
        """Remove a listener. Fires when it has received all frames that were captured before."""
        lossless = self._listeners.get(listener)
        if lossless is None:
            return succeed(None)
        if lossless and (self._busy or len(self._waiting)):
            done: Deferred[None] = Deferred()
            self._leaving.append((listener, done))
            self._listeners[listener] = False
            return done
        self._remove(listener)
        return succeed(None)

    def need_keyframe(self) -> None:
        """Make the next frame a keyframe: a listener has dropped frames."""
        self._keyframe_due = 0

    def take(self, frame: Frame) -> None:
        """Encode a new frame, or queue it (hub.Sink)."""
        if any(self._listeners.values()):
            timed = self._place(frame)
            if not self._waiting.offer(timed):
                self.dropped += 1
                del self._frames[_pts(timed)]
                return
        elif not self._leaving:
            self.dropped += self._newest is not None
            self._newest = frame
        self._pump()

    def _place(self, frame: Frame) -> TimedFrame:
        """Return the frame with its time, at least a step of CLOCK after the last."""
        time = self._timeline.place(frame.time_us, self._steady())
        while time * CLOCK // 1_000_000 <= self._last_pts:
            time += 1_000_000 // CLOCK + 1
        timed = TimedFrame.of(frame, time)
        self._last_pts = _pts(timed)
        self._frames[self._last_pts] = frame
        return timed

    def _pump(self) -> None:
        if self._busy or self._thread is None:
            return
        if len(self._waiting):
            (timed,) = self._waiting.take(1)
        elif self._newest is not None:
            frame, self._newest = self._newest, None
            timed = self._place(frame)
        else:
            self._release()
            return
        pts = _pts(timed)
        keyframe = pts >= self._keyframe_due
        if keyframe:
            self._keyframe_due = pts + KEYFRAMES
        self._busy = True
        made = self._thread.run(lambda: self._encode(timed, pts, keyframe))
        made.addCallbacks(self._made, self._failed, errbackArgs=(pts,))
        made.addErrback(lambda why: log.failure("a listener of H.264 failed", failure=why))
        made.addCallback(self._next)

    def _encode(self, timed: TimedFrame, pts: int, keyframe: bool) -> _Made:
        """Encode one picture; called on the thread."""
        began = self._steady()
        size = timed.width, timed.height
        coder, reason = self._coder, None
        if coder is None or coder.size != size:
            try:
                check_size(*size)
            except NotSupported as error:
                if coder is None:
                    raise
                spent = self._steady() - began
                return _Made(None, coder.name, coder.note, spent, pts, str(error))
            if coder is None or self._sizes.has_settled(size, timed.time):
                self._coder = None  # if opening fails, the next picture tries again
                opened = H264Encoder(self.settings, *size, self._generation + 1)
                self._generation += 1
                if coder is not None:
                    self._sizes.changed(timed.time)
                coder = self._coder = opened
        else:
            self._sizes.returned(timed.time)
        packets = coder.encode(timed.jpeg, pts, keyframe)
        if packets is None:
            reason = "pictures that cannot be decoded are missing from H.264"
        return _Made(packets, coder.name, coder.note, self._steady() - began, pts, reason)

    def _made(self, made: _Made) -> None:
        self._is_broken = False
        if made.note and made.note != self.note:
            log.warn("{camera}: {note}", camera=self._camera, note=made.note)
        self.name, self.note = made.name, made.note
        for timed in self._waiting.wrote(1, made.seconds):
            self.dropped += 1
            self._frames.pop(_pts(timed), None)
        if made.packets is None:
            self._note_broken(made)
            return
        for packet in made.packets:
            frame = self._frames.pop(packet.pts, None)
            if frame is None:
                continue
            for listener in tuple(self._listeners):
                listener.take_packet(frame, packet)
        if made.packets:  # an encoder may drop pictures by itself
            last = made.packets[-1].pts
            self._frames = {pts: each for pts, each in self._frames.items() if pts > last}

    def _note_broken(self, made: _Made) -> None:
        """Count a picture that cannot be encoded, and log each reason once."""
        self.dropped += 1
        self._frames.pop(made.pts, None)
        if self._keyframe_due == made.pts + KEYFRAMES:  # it was to be a keyframe
            self._keyframe_due = 0
        if made.reason is not None and made.reason not in self._logged:
            self._logged.add(made.reason)
            log.warn("{camera}: {reason}", camera=self._camera, reason=made.reason)

    def _failed(self, why: Failure, pts: int) -> None:
        """Close the encoder after an error; the next picture opens another."""
        self.dropped += 1
        self._frames.pop(pts, None)
        self._coder = None
        self._keyframe_due = 0
        if self._is_broken:
            return
        self._is_broken = True
        reason = f"H.264 cannot be encoded: {why.getErrorMessage()}"
        log.error("{camera}: {reason}", camera=self._camera, reason=reason)
        self._events.publish(Fault(self._camera, "not-supported", reason))

    def _next(self, _: object) -> None:
        self._busy = False
        self._pump()

    def _release(self) -> None:
        """Remove leaving listeners, which have all frames now, and the thread if none is left."""
        leaving, self._leaving = self._leaving, []
        for listener, done in leaving:
            self._remove(listener)
            done.callback(None)
        if not self._listeners and self._thread is not None:
            self._thread.end()
            self._thread = self._coder = None

    def _remove(self, listener: PacketSink) -> None:
        self._listeners.pop(listener, None)
        if self._listeners:
            return
        self._hub.remove(self)
        self._newest = self.name = None
        self._frames.clear()
        if not self._busy:
            self._release()


def _pts(timed: TimedFrame) -> int:
    return timed.time * CLOCK // 1_000_000
