"""A camera's sound: its own packets, and those that are made of them while somebody listens."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IReactorTime

from twistedcam.codecs.audio_encoder import MADE_CODECS
from twistedcam.codecs.audio_level import LevelMeter
from twistedcam.media.packet import Packet
from twistedcam.media.silence import silence_like
from twistedcam.media.track import Track
from twistedcam.runtime.threads import Thread
from twistedcam.stream.audio_transcoder import AudioTranscoder
from twistedcam.stream.hub import Hub, Sink
from twistedcam.stream.recent_packets import RecentPackets

#: Microseconds by which sound can be ahead of now: more than ``audio_offset_ms`` may move it.
#: Microseconds by which a packet can be earlier than the end of the one before.
_MOST_AHEAD_US, _MOST_BACK_US = 15_000_000, 500_000


class CameraSound:
    """The hubs of a camera's sound in each codec.

    Arguments:
        camera: the camera's name.
        clock: schedules the rounds of sinks.
        make_thread: makes the thread of the transcoder.
    """

    def __init__(
        self, camera: str, clock: IReactorTime | None, make_thread: Callable[[], Thread]
    ) -> None:
        #: The hub of the camera's own packets.
        self.hub: Hub[Packet] = Hub(clock)
        #: Waits for the sound that a microphone has captured so far.
        self.catch_up: Callable[[], Deferred[None]] = lambda: succeed(None)
        #: Called when the camera's sound is another one: sinks may need other hubs.
        self.on_track_changed: Callable[[], None] = lambda: None
        self._transcoder = AudioTranscoder(camera, self.hub, make_thread, clock)
        self._transcoder.find_own = lambda time: self._recent.since(max(time, self._usable_since))
        #: The track of the camera's own sound; None if it has none, or before the first packet.
        self.track: Track | None = None
        self._is_muted = False
        #: Microseconds since the UNIX epoch: what was captured before is silenced, too.
        self.muted_until_us = 0
        #: The level that the source itself measures, as microphones do.
        self.source_meter = LevelMeter()
        self._last_pts = 0
        #: The newest packets of the camera's own sound, and the time from which they may be used.
        self._recent = RecentPackets()
        self._usable_since = 0
        #: What is wrong with the time of the last packet.
        self._time_fault: str | None = None

    @property
    def is_muted(self) -> bool:
        """True while silence takes the place of all sound, before anybody gets it."""
        return self._is_muted

    @is_muted.setter
    def is_muted(self, is_muted: bool) -> None:
        if is_muted and not self._is_muted:  # those who come later do not get what was before
            self._usable_since = self._last_pts + 1
        self._is_muted = is_muted

    def is_silenced(self, time_us: int) -> bool:
        """True if silence takes the place of sound that was captured at a time.

        Arguments:
            time_us: microseconds since the UNIX epoch.
        """
        return self._is_muted or time_us < self.muted_until_us

    @property
    def fault(self) -> str | None:
        """The reason why the sound cannot be used or transcoded now; None if it can."""
        return self._time_fault or self._transcoder.fault

    def expect(self, track: Track) -> None:
        """Note the track of the camera's own sound, before its first packet."""
        if track != self.track:
            self.track = track
            self.hub.track = None  # sinks that come or stay are told of the track by the hub
            self.on_track_changed()
            self.hub.change_track(track)

    def publish(self, packet: Packet, pts: int | None, now: int | None) -> None:
        """Pass a packet to those who take it.

        It is dropped before the first picture, and if its time cannot be right: much later than
        now, or earlier than that of the packet before.

        Arguments:
            pts: its time on the timeline of the video; None before the first picture.
            now: the present time on that timeline; None before the first picture.
        """
        if pts is None or now is None or self._is_wrong(pts, now):
            return
        if self.is_silenced(packet.time_us):
            data = silence_like(packet.track, packet.data)
            if data is None:  # a gap is silent, too
                return
            packet.data = data
        packet.pts = packet.dts = self._last_pts = max(pts, self._last_pts + 1)
        if packet.track is not self.track and packet.track != self.track:
            self.track = packet.track
            self.hub.track = None  # sinks that come or stay are told of the track by the hub
            self.on_track_changed()
        self._recent.add(packet)
        self.hub.publish(packet)

    def since(self, time: int, codecs: tuple[str, ...]) -> list[Packet]:
        """Return the packets since a time of the timeline that a sink of ``hub_for`` has missed.

        They are kept for some seconds. In a codec that nobody takes yet there are none: they will
        be made if the first sink comes within a second, so that it begins at that time.
        """
        hub = self.hub_for(codecs)
        time = max(time, self._usable_since)
        if hub is None:
            return []
        if hub is not self.hub:
            return self._transcoder.since(hub, time)
        return [each for each in self._recent.since(time) if each.track.codec in codecs]

    def _is_wrong(self, pts: int, now: int) -> bool:
        """True for a time that would hold up all sound after it, or that has passed."""
        if pts > now + _MOST_AHEAD_US:
            self._time_fault = "the times of its sound are wrong: they are in the future"
        elif pts < self._last_pts - _MOST_BACK_US:
            self._time_fault = "the times of its sound go back"
        else:
            self._time_fault = None
            return False
        return True

    def hub_for(self, codecs: tuple[str, ...]) -> Hub[Packet] | None:
        """The hub of the camera's own packets if their codec is wanted; else of the first made one.

        None if the camera has no sound, or none that is wanted can be made of it.
        """
        track = self.track
        if track is None:
            return None
        if track.codec in codecs and not _is_surround_opus(track):
            return self.hub
        codec = next((each for each in codecs if each in MADE_CODECS), None)
        return None if codec is None else self._transcoder.hub_of(codec, track)

    def remove(self, hub: Hub[Packet], sink: Sink[Any], every: bool) -> Deferred[None]:
        """Pass no more packets of a hub to a sink.

        Fires at once; if it needs every packet, when it has received those captured before.
        """

        def leave(_: None) -> Deferred[None]:
            if hub is not self.hub:
                return self._transcoder.remove(hub, sink, every)
            hub.finish_pass()
            hub.remove(sink)
            return succeed(None)

        caught_up = self.catch_up() if every else succeed(None)
        return caught_up.addCallback(leave)

    def flush(self, hub: Hub[Any]) -> Deferred[None]:
        """Fires when a hub has passed on the sound that was captured before."""
        caught_up = self.catch_up()
        if hub is self.hub:
            return caught_up
        return caught_up.addCallback(lambda _: self._transcoder.flush())

    def level(self, now_us: int) -> tuple[float, float] | None:
        """Peak and effective value (RMS) of the last second in decibels; None if it is unknown.

        It is known of microphones, and while sound is transcoded for somebody.

        Arguments:
            now_us: microseconds since the UNIX epoch.
        """
        if self.is_muted:
            return None
        return self.source_meter.read(now_us) or self._transcoder.meter.read(now_us)

    def clear(self) -> None:
        """Forget the newest packets: the camera is not live."""
        self.source_meter.clear()
        self._recent.clear()
        self.hub.clear()

    def forget(self) -> None:
        """Forget the track, too: the camera has no sound, or that of another source."""
        self.clear()
        if self.track is not None:
            self.track = self.hub.track = None
            self.on_track_changed()

    def transcoding(self) -> list[tuple[str, str, int]]:
        """The codecs from and to which sound is transcoded now, with the number of sinks."""
        track = self.track
        if track is None:
            return []
        hubs = self._transcoder.hubs.items()
        return [(track.codec, codec, len(hub)) for codec, hub in hubs if len(hub)]

    def dropped_for(self, hub: Hub[Packet] | None) -> int:
        """The number of packets that the transcoder has left out, if a hub is one of its own."""
        return 0 if hub is None or hub is self.hub else self._transcoder.dropped


def _is_surround_opus(track: Track) -> bool:
    """True for packets of several streams, which RTP and silence cannot have (RFC 7587, 7845)."""
    return track.codec == "opus" and track.channels > 2


class SoundSink(Sink[Packet]):
    """Passes sound on, for what is itself a sink of the pictures.

    Arguments:
        on_packet: called with each packet.
        on_track: called with each new track, before its packets.
    """

    def __init__(
        self,
        on_packet: Callable[[Packet], None],
        on_track: Callable[[Track], None] = lambda track: None,
    ) -> None:
        self._on_packet = on_packet
        self._on_track = on_track

    def take(self, packet: Packet, /) -> None:
        """Pass a packet on (hub.Sink)."""
        self._on_packet(packet)

    def track_changed(self, track: Track) -> None:
        """Pass the news on (hub.Sink)."""
        self._on_track(track)
