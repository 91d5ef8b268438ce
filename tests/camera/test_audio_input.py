"""Of a camera's sound, nobody gets what is muted or not wanted."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.support.fakes import InlineThread
from tests.support.sound import START_US, click_times, pcm_packets
from twistedcam.camera.audio_input import AudioInput
from twistedcam.errors import BadArgument
from twistedcam.events import Event, EventBus, SoundChanged
from twistedcam.media.packet import Packet
from twistedcam.sources.base import RawPacket
from twistedcam.sources.spec import parse
from twistedcam.stream.camera_sound import CameraSound
from twistedcam.stream.hub import Sink


class Listener(Sink[Packet]):
    """Keeps what it is given."""

    def __init__(self) -> None:
        self.taken: list[Packet] = []

    def take(self, packet: Packet, /) -> None:
        self.taken.append(packet)


class AudioInputTests(SynchronousTestCase):
    def setUp(self) -> None:
        make: Any = InlineThread
        self.sound = CameraSound("cam", None, make)
        self.events: list[Event] = []
        self.bus = EventBus()
        self.bus.subscribe(self.events.append)
        self.listener = Listener()
        self.sound.hub.add(self.listener)

    def make(self, source: str) -> AudioInput:
        return AudioInput("cam", self.sound, self.bus, parse(source))

    def send(self, audio: AudioInput, packets: list[Packet]) -> None:
        def deliver(raw: RawPacket) -> None:
            time_us = round(raw.time * 1e6)
            self.sound.publish(Packet(raw.track, 0, time_us, time_us, raw.data), time_us)

        for each in packets:
            audio.take_own(RawPacket.of(each), deliver)

    def test_while_muted_only_silence_passes_and_times_stay(self) -> None:
        audio = self.make("rtsp://door/1")
        packets = pcm_packets(8_000, codec="pcm_alaw", seconds=4)
        self.send(audio, packets[:75])
        audio.use(parse("rtsp://door/1#muted=1"))
        self.assertTrue(audio.is_muted)
        self.assertEqual(audio.state, "muted")
        self.send(audio, packets[75:125])
        audio.use(parse("rtsp://door/1"))
        self.send(audio, packets[125:])
        self.assertEqual([each.pts for each in self.listener.taken], [p.pts for p in packets])
        times = [round(each, 2) for each in click_times(self.listener.taken)]
        self.assertEqual(times, [0.0, 1.0, 3.0])
        muted = SoundChanged("cam", "muted", True), SoundChanged("cam", "live", False)
        self.assertEqual(tuple(self.events), muted)

    def test_it_can_begin_muted(self) -> None:
        audio = self.make("rtsp://door/1#muted=1")
        self.send(audio, pcm_packets(seconds=2))
        self.assertEqual(click_times(self.listener.taken), [])
        self.assertEqual(len(self.listener.taken), 100)

    def test_sound_that_is_off_is_dropped(self) -> None:
        audio = self.make("rtsp://door/1#audio=off")
        self.send(audio, pcm_packets(seconds=1))
        self.assertEqual((self.listener.taken, audio.state), ([], "off"))

    def test_off_ends_the_sound_of_those_who_listen(self) -> None:
        audio = self.make("rtsp://door/1")
        self.send(audio, pcm_packets(seconds=1))
        self.assertEqual(audio.state, "live")
        audio.use(parse("rtsp://door/1#audio=off"))
        self.assertIsNone(self.sound.track)
        self.send(audio, pcm_packets(seconds=1))
        self.assertEqual(len(self.listener.taken), 50)
        self.assertEqual(self.events, [SoundChanged("cam", "off", False)])

    def test_the_offset_moves_sound(self) -> None:
        audio = self.make("rtsp://door/1#audio_offset_ms=150")
        self.send(audio, pcm_packets(seconds=1))
        self.assertEqual(self.listener.taken[0].pts, START_US + 150_000)

    def test_settings_that_are_not_valid_change_nothing(self) -> None:
        audio = self.make("rtsp://door/1#muted=1")
        with self.assertRaises(BadArgument):
            audio.use(parse("rtsp://door/1#audio=nonsense"))
        self.assertTrue(audio.is_muted)
        self.assertEqual(self.events, [])
