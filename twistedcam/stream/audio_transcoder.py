"""A camera's sound in the codecs that it does not send itself."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from twistedcam.codecs.audio_converter import AudioConverter, ConvertedAudio
from twistedcam.codecs.audio_encoder import MADE_CODECS, made_track
from twistedcam.codecs.audio_level import LevelMeter
from twistedcam.media.packet import Packet
from twistedcam.media.track import Track
from twistedcam.runtime.threads import Thread
from twistedcam.stream.hub import LATE, PATIENT, Hub, Sink
from twistedcam.stream.recent_packets import RecentPackets
from twistedcam.stream.transcoder import Transcoder

log = Logger()

#: Packets that may wait for the thread: some ten seconds of sound.
_MAX_WAITING = 500
#: Different reasons that are logged of a camera at most.
_MAX_REASONS = 16
#: Microseconds within which the first sink comes that begins earlier than now, and microseconds
#: before its first packet that an encoder needs.
_COMES_WITHIN, _ENCODER_DELAY = 1_000_000, 50_000
#: Microseconds from the first to the last packet that are converted at once if nobody needs the
#: sound immediately: a call of the encoder costs less if many packets are encoded.
_GATHERED = 160_000


class AudioTranscoder(Transcoder[Packet]):
    """Decodes a camera's sound once, and encodes it for each codec that has sinks.

    Arguments:
        camera: the camera's name.
        source: the hub of its own sound.
        make_thread: makes the thread.
        clock: schedules the rounds of sinks; None: all sinks get a packet in one call.
    """

    def __init__(
        self,
        camera: str,
        source: Hub[Packet],
        make_thread: Callable[[], Thread],
        clock: IReactorTime | None = None,
    ) -> None:
        super().__init__(source, make_thread)
        self._camera = camera
        #: The hub of each codec.
        self.hubs: dict[str, Hub[Packet]] = {codec: Hub(clock) for codec in MADE_CODECS}
        for hub in self.hubs.values():
            hub.on_demand = self._demanded
            hub.on_patience = self._on_patience
        #: Returns the camera's own packets since a time of the timeline, as far as they are kept.
        self.find_own: Callable[[int], list[Packet]] = lambda time: []
        self._recent = {codec: RecentPackets() for codec in MADE_CODECS}
        #: The time at which each codec begins when its first sink comes, and the time until which
        #: that is so.
        self._earlier: dict[str, tuple[int, int]] = {}
        #: The times before which nothing of a codec is passed on.
        self._begins: dict[str, int] = {}
        #: The reason why the last packet could not be used; None if it could.
        self.fault: str | None = None
        #: The level of the sound while it works.
        self.meter = LevelMeter()
        self._converter = AudioConverter()
        self._waiting: list[Packet] = []
        self._seqs = dict.fromkeys(MADE_CODECS, 0)
        #: Fire when the packets captured before have been passed on; and how many of the packets
        #: that wait are of that time.
        self._flushing: list[Deferred[None]] = []
        self._due = 0
        self._logged: set[str] = set()

    def hub_of(self, codec: str, track: Track) -> Hub[Packet]:
        """Return the hub of a codec; its track is known from now on.

        Arguments:
            track: the camera's own.
        """
        hub = self.hubs[codec]
        if not len(hub):
            hub.track = made_track(codec, track)
        return hub

    def since(self, hub: Hub[Packet], time: int) -> list[Packet]:
        """Return the packets since a time that a sink of a hub has missed (CameraSound.since)."""
        codec = next(codec for codec, each in self.hubs.items() if each is hub)
        if len(hub):
            return self._recent[codec].since(time)
        if self._source.newest is not None:
            self._earlier[codec] = time, self._source.newest.pts + _COMES_WITHIN
        return []

    def remove(self, hub: Hub[Packet], sink: Sink[Packet], every: bool) -> Deferred[None]:
        """Remove a sink.

        Fires at once; if it needs every packet, when it has received those captured before.
        """

        def leave(_: None) -> None:
            hub.finish_pass()
            hub.remove(sink)

        flushed = self.flush() if every and sink in hub else succeed(None)
        return flushed.addCallback(leave)

    def flush(self) -> Deferred[None]:
        """Fires when all sinks have received the sound that was captured before."""
        if not self._is_busy and not self._waiting:
            return succeed(None)
        done: Deferred[None] = Deferred()
        self._flushing.append(done)
        self._due = len(self._waiting)
        self._pump()
        return done

    def take(self, packet: Packet, /) -> None:
        """Convert a new packet (hub.Sink)."""
        self._waiting.append(packet)
        if len(self._waiting) > _MAX_WAITING:
            del self._waiting[0]
            self._due = max(0, self._due - 1)
            self.dropped += 1
        self._pump()

    @property
    def priority(self) -> int:
        """The priority with which it takes packets: that of the most urgent of its sinks."""
        return PATIENT if self._is_patient else LATE

    @property
    def _is_patient(self) -> bool:
        return all(hub.is_patient for hub in self.hubs.values())

    def _on_patience(self) -> None:
        self._source.set_priority(self, self.priority)
        self._pump()

    def on_cleared(self) -> None:
        """Begin again after what was captured before: the camera is not live (hub.Sink)."""
        self.flush().addCallback(lambda _: self._clear())

    def _demanded(self, wanted: bool) -> None:
        if wanted != self.is_active and (wanted or not any(map(len, self.hubs.values()))):
            self.demand(wanted)

    def _begin(self) -> None:
        now = 0 if self._source.newest is None else self._source.newest.pts
        begin = [time for time, until in self._earlier.values() if now <= until]
        if begin:
            self._waiting = self.find_own(min(begin) - _ENCODER_DELAY)

    def _end(self) -> None:
        self._waiting.clear()
        self._due = 0
        self._clear()
        for hub in self.hubs.values():
            hub.track = None  # the camera's sound may be another one when it begins again

    def _clear(self) -> None:
        self._earlier.clear()
        self._begins.clear()
        for each in self._recent.values():
            each.clear()
        self._converter = AudioConverter()
        self.meter.clear()
        self.fault = None
        for hub in self.hubs.values():
            hub.clear()

    @property
    def _can_gather(self) -> bool:
        """True if what waits can wait for more."""
        span = self._waiting[-1].pts - self._waiting[0].pts
        return 0 <= span < _GATHERED and not self._due and self._is_patient

    def _pump(self) -> None:
        if self._is_busy or self._thread is None:
            return
        if self._flushing and not self._due:
            self._end_flush()
            if self._thread is None:
                return
        if not self._waiting or self._can_gather:
            return
        count = self._due or len(self._waiting)
        batch, self._waiting = self._waiting[:count], self._waiting[count:]
        self._due = 0
        converter = self._converter
        codecs = [codec for codec, hub in self.hubs.items() if len(hub)]
        newest, since = batch[-1], {}
        for codec in self._earlier.keys() & codecs:
            time, until = self._earlier.pop(codec)
            if newest.pts <= until:
                self._begins[codec] = time
                since[codec] = time - _ENCODER_DELAY

        def made(converted: ConvertedAudio) -> None:
            if converter is self._converter:
                self._publish(converted, newest)

        self._work(lambda: converter.convert(batch, codecs, since), made)

    def _publish(self, converted: ConvertedAudio, newest: Packet) -> None:
        self.dropped += converted.failed
        self._note_fault(converted.reason)
        ahead = newest.time_us - newest.pts
        for at, samples in converted.samples:
            self.meter.note(at + ahead, samples)
        for each in converted.made:
            hub = self.hubs[each.codec]
            if len(hub) and each.pts >= self._begins.get(each.codec, each.pts):
                self._seqs[each.codec] += 1
                track = made_track(each.codec, newest.track)
                track = hub.track if hub.track == track else track
                assert track is not None
                seq, time_us = self._seqs[each.codec], each.pts + ahead
                packet = Packet(track, seq, time_us, each.pts, each.data)
                self._recent[each.codec].add(packet)
                hub.publish(packet)

    def _note_fault(self, reason: str | None) -> None:
        self.fault = reason
        if reason is not None and reason not in self._logged and len(self._logged) < _MAX_REASONS:
            self._logged.add(reason)
            log.warn("{camera}: {reason}", camera=self._camera, reason=reason)

    def _end_flush(self) -> None:
        flushing, self._flushing = self._flushing, []
        for done in flushing:
            done.callback(None)

    def _next(self, _: object) -> None:
        super()._next(_)
        if not self.is_active:
            self._end_flush()

    def _failed(self, why: Failure) -> None:
        self.dropped += 1
        self._converter = AudioConverter()
        self._note_fault(why.getErrorMessage())
