"""One H.264 encoding of a camera's frames, shared by all who need it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from twistedcam.codecs.h264_encoder import (
    CLOCK,
    EncodedFrame,
    H264Encoder,
    H264Settings,
    check_size,
)
from twistedcam.errors import NotSupported
from twistedcam.events import EventBus, Fault
from twistedcam.media.frame import Frame
from twistedcam.media.h264 import H264
from twistedcam.media.packet import Packet
from twistedcam.media.track import VIDEO, Track
from twistedcam.runtime.threads import Thread
from twistedcam.stream.hub import NORMAL, FrameHub, GroupHub, Sink
from twistedcam.stream.size_changes import SizeChanges
from twistedcam.stream.transcoder import Transcoder
from twistedcam.stream.write_queue import WriteQueue

log = Logger()

#: The least steps of CLOCK between two key frames that were asked for.
MIN_KEYFRAME_INTERVAL = CLOCK // 2
#: A time in microseconds after any frame.
_AFTER_ALL = 2**63
#: The least seconds over which the rate of an encoder is measured.
MEASURING_TIME = 1.5


class _Result(NamedTuple):
    #: None if the picture was not encoded.
    encoded: list[EncodedFrame] | None
    track: Track | None
    #: The encoder's name, and the reason why it is not the requested one.
    name: str
    note: str | None
    seconds: float
    pts: int
    #: The reason why the picture was not encoded, or None; True if that is its size.
    reason: str | None = None
    is_size: bool = False


class H264Transcoder(Transcoder[Frame]):
    """Encodes a camera's frames as H.264 on its own thread, while its hub has sinks.

    It encodes the newest frame whenever it is ready for one. While a sink needs all frames, they
    are queued as for a recording (WriteQueue).

    Arguments:
        camera: the camera's name.
        source: the hub of the camera's frames.
        settings: the encoder's settings.
        make_thread: makes the thread.
        events: receives a fault if there is no encoder.
        clock: schedules the rounds of sinks; None: all sinks get a packet in one call.
        monotonic: returns the seconds of a monotonic clock.
        find_rate: returns the camera's nominal rate in pictures a second; None if it is unknown.
    """

    def __init__(
        self,
        camera: str,
        source: FrameHub,
        settings: H264Settings,
        make_thread: Callable[[], Thread],
        events: EventBus,
        clock: IReactorTime | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        find_rate: Callable[[], float | None] = lambda: None,
    ) -> None:
        self.hub = GroupHub(clock)
        super().__init__(source, make_thread)
        self.hub.on_demand = self.demand
        self.hub.on_keyframe_request = self.request_keyframe
        self.settings = settings
        #: The encoder's name, and the reason why it is not the requested one; or None.
        self.name: str | None = None
        self.note: str | None = None
        #: The bits a second that were measured last; None before the first measurement.
        self.bitrate: float | None = None
        #: Called after each measurement.
        self.on_measured: Callable[[], None] = lambda: None
        self._measured_bytes, self._measured_since = 0, -1
        self._camera = camera
        self._events = events
        self._monotonic = monotonic
        self._find_rate = find_rate
        #: Sinks that need every frame, with their ``on_left_out``, and those that leave when they
        #: have received theirs.
        self._every: dict[Sink[Packet], Callable[[str, bool], None]] = {}
        self._leaving: list[tuple[Sink[Packet], Deferred[None]]] = []
        self._flushing: list[Deferred[None]] = []
        self._encoder: H264Encoder | None = None
        self._track: Track | None = None
        self._newest: Frame | None = None
        self._waiting = WriteQueue[Frame]()
        #: Frames in the encoder by their times in steps of CLOCK.
        self._frames: dict[int, Frame] = {}
        self._interval = round(settings.keyframes * CLOCK)
        #: Times of the next key frame, the last one, the last frame and the one in the encoder, in
        #: steps of CLOCK.
        self._keyframe_due = self._last_keyframe = 0
        #: The time of the stream's timeline from which the next frame is a key frame, too.
        self._planned = _AFTER_ALL
        self._last_pts = self._encoding = -1
        #: The time of the newest frame that was taken, and that of the one behind which the next
        #: is a key frame, in microseconds.
        self._taken = self._restart_after = -1
        self._is_broken = False
        self._sizes = SizeChanges()
        #: Reasons for broken pictures that were logged.
        self._logged: set[str] = set()

    def add(
        self,
        sink: Sink[Packet],
        every: bool = False,
        priority: int = NORMAL,
        on_left_out: Callable[[str, bool], None] = lambda reason, is_size: None,
    ) -> None:
        """Encode for one more sink, which can begin with the next key frame.

        Arguments:
            every: it needs every picture, even if that takes longer; the next is a key frame.
            priority: as for ``Hub.add``.
            on_left_out: as for ``Wants``.
        """
        if every:
            self._every[sink] = on_left_out
            self._restart_after = self._taken
            if self._newest is not None:  # it comes before those that this sink needs
                self._waiting.offer(self._newest)
                self._newest = None
        self.hub.add(sink, priority=priority)

    def remove(self, sink: Sink[Packet]) -> Deferred[None]:
        """Remove a sink. Fires when it has received all frames that were captured before."""
        if sink in self._every and (self._is_busy or len(self._waiting)):
            done: Deferred[None] = Deferred()
            self._leaving.append((sink, done))
            del self._every[sink]
            return done
        self._every.pop(sink, None)
        self.hub.remove(sink)
        return succeed(None)

    def flush(self) -> Deferred[None]:
        """Fires when all sinks have received the frames that were captured before."""
        if not self._is_busy and not len(self._waiting):
            self.hub.finish_pass()
            return succeed(None)
        done: Deferred[None] = Deferred()
        self._flushing.append(done)
        return done

    def shorten_groups(self, keyframes: float) -> None:
        """Make a key frame at least every so many seconds, for one more who shares it."""
        self._interval = min(self._interval, round(keyframes * CLOCK))
        self._keyframe_due = min(self._keyframe_due, self._last_keyframe + self._interval)

    def request_keyframe(self) -> None:
        """Make a frame a key frame soon: a sink begins, or has left packets out."""
        self._keyframe_due = min(self._keyframe_due, self._last_keyframe + MIN_KEYFRAME_INTERVAL)

    def plan_keyframe(self, time: int) -> None:
        """Make the first frame at this time of the stream's timeline, or after it, a key frame."""
        self._planned = min(self._planned, time)

    def take(self, packet: Frame, /) -> None:
        """Encode a new frame, or queue it (hub.Sink)."""
        self._taken = packet.pts
        if self._every:
            if not self._waiting.offer(packet):
                self.dropped += 1
                return
        elif not self._leaving:
            self.dropped += self._newest is not None
            self._newest = packet
        self._pump()

    def on_cleared(self) -> None:
        """Forget the newest packet: the camera is not live (hub.Sink)."""
        self._restart_after = self._taken  # what comes next may begin a file
        self.hub.clear()

    def _place(self, frame: Frame) -> int:
        """Give the frame a time in steps of CLOCK, at least one after the last; return it."""
        pts = max(frame.pts * CLOCK // 1_000_000, self._last_pts + 1)
        self._last_pts = pts
        self._frames[pts] = frame
        return pts

    def _end(self) -> None:
        self._newest = self.name = self.note = self.bitrate = None
        self._planned = _AFTER_ALL
        self._measured_bytes, self._measured_since = 0, -1
        self._frames.clear()
        self._waiting = WriteQueue[Frame]()
        for done in self._take_flushing():
            done.callback(None)
        self.hub.clear()
        self.hub.track = None  # the pictures may have another size when it begins again

    def _release(self) -> None:
        super()._release()
        self._encoder = None

    def _pump(self) -> None:
        if self._is_busy or self._thread is None:
            return
        if len(self._waiting):
            (frame,) = self._waiting.take(1)
        elif self._newest is not None:
            frame, self._newest = self._newest, None
        else:
            self._let_leave()
            return
        pts = self._encoding = self._place(frame)
        keyframe = pts >= self._keyframe_due or frame.pts >= self._planned
        is_restart = frame.pts > self._restart_after
        if is_restart:
            self._restart_after, keyframe = _AFTER_ALL, True
        if keyframe:
            self._keyframe_due, self._last_keyframe = pts + self._interval, pts
            if frame.pts >= self._planned:
                self._planned = _AFTER_ALL
        rate = self._find_rate()
        self._work(lambda: self._encode(frame, pts, keyframe, rate, is_restart), self._made)

    def _encode(
        self, frame: Frame, pts: int, keyframe: bool, rate: float | None, is_restart: bool
    ) -> _Result:
        """Encode one picture; called on the thread.

        Arguments:
            is_restart: the camera was not live, or a new sink needs every picture: another size
                need not prove to last.
        """
        began = self._monotonic()
        size = frame.width, frame.height
        encoder, reason = self._encoder, None
        if encoder is None or encoder.size != size:
            try:
                check_size(*size)
            except NotSupported as error:
                if encoder is None:
                    raise
                why, spent = str(error), self._monotonic() - began
                facts = encoder.name, encoder.note, spent, pts, why
                return _Result(None, None, *facts, is_size=True)
            if encoder is None or is_restart or self._sizes.has_settled(size, frame.pts):
                self._encoder = None  # if opening fails, the next picture tries again
                opened = H264Encoder(self.settings, *size, rate)
                if encoder is not None:
                    self._sizes.changed(frame.pts)
                encoder = self._encoder = opened
        else:
            self._sizes.returned(frame.pts)
        encoded = encoder.encode(frame.jpeg, pts, keyframe)
        if encoded is None:
            reason = "pictures that cannot be decoded are missing from H.264"
        else:
            self._follow_headers(encoder, encoded)
        spent = self._monotonic() - began
        return _Result(encoded, self._track, encoder.name, encoder.note, spent, pts, reason)

    def _follow_headers(self, encoder: H264Encoder, encoded: list[EncodedFrame]) -> None:
        """Make a new track where the encoder's parameter sets are others than before."""
        for each in encoded:
            if not each.is_keyframe:
                continue
            sets = H264.parameter_sets(each.data)
            size, rate = encoder.output_size, encoder.rate
            track = Track(VIDEO, "video", "h264", *size, rate, extradata=sets)
            if track != self._track:
                self._track = track

    def _made(self, made: _Result) -> None:
        self._is_broken = False
        if made.note and made.note != self.note:
            log.warn("{camera}: {note}", camera=self._camera, note=made.note)
        self.name, self.note = made.name, made.note
        self.dropped += len(self._waiting.wrote(1, made.seconds))
        if made.encoded is None:
            self._note_broken(made)
            return
        for each in made.encoded:
            frame = self._frames.pop(each.pts, None)
            if frame is None or made.track is None:
                continue
            packet = Packet(
                made.track, frame.seq, frame.time_us, frame.pts, each.data, each.is_keyframe
            )
            self.hub.publish(packet)
            self._measure(packet)
        if made.encoded:  # an encoder may drop pictures by itself
            last = made.encoded[-1].pts
            self._frames = {pts: each for pts, each in self._frames.items() if pts > last}

    def _measure(self, packet: Packet) -> None:
        """Measure the rate from one key frame on, over at least ``MEASURING_TIME`` seconds."""
        seconds = (packet.pts - self._measured_since) / 1e6
        if packet.is_keyframe and (self._measured_since < 0 or seconds >= MEASURING_TIME):
            if self._measured_since >= 0:
                self.bitrate = self._measured_bytes * 8 / seconds
            self._measured_bytes, self._measured_since = 0, packet.pts
            self.on_measured()
        self._measured_bytes += len(packet.data)

    def _note_broken(self, made: _Result) -> None:
        """Count a picture that cannot be encoded, and log each reason once."""
        self.dropped += 1
        self._frames.pop(made.pts, None)
        if self._keyframe_due == made.pts + self._interval:  # it was to be a key frame
            self._keyframe_due = 0
        if made.reason is None:
            return
        if made.reason not in self._logged:
            self._logged.add(made.reason)
            log.warn("{camera}: {reason}", camera=self._camera, reason=made.reason)
        self._report(made.reason, made.is_size)

    def _failed(self, why: Failure) -> None:
        """Close the encoder after an error; the next picture opens another."""
        self.dropped += 1
        self._frames.pop(self._encoding, None)
        self._encoder = None
        self._keyframe_due = 0
        is_size = why.check(NotSupported) is not None
        self._report(why.getErrorMessage(), is_size)
        if self._is_broken:
            return
        self._is_broken = True
        reason = f"H.264 cannot be encoded: {why.getErrorMessage()}"
        log.error("{camera}: {reason}", camera=self._camera, reason=reason)
        self._events.publish(Fault(self._camera, "not-supported", reason))

    def _take_flushing(self) -> list[Deferred[None]]:
        flushing, self._flushing = self._flushing, []
        return flushing

    def _report(self, reason: str, is_size: bool) -> None:
        """Tell the sinks that need every picture that one is left out."""
        for on_left_out in tuple(self._every.values()):
            on_left_out(reason, is_size)

    def _let_leave(self) -> None:
        """Remove leaving sinks, which have all frames now."""
        leaving, self._leaving = self._leaving, []
        self.hub.finish_pass()
        for flushed in self._take_flushing():
            flushed.callback(None)
        for sink, done in leaving:
            self.hub.remove(sink)
            done.callback(None)
