"""Of a camera's sound, nobody gets what is muted or not wanted."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.support.fakes import InlineThread
from tests.support.sound import START_US, click_times, pcm_packets
from twistedcam.camera import audio_input
from twistedcam.camera.audio_input import EXAMPLES, MICROPHONE_OPENS, AudioInput
from twistedcam.errors import BadArgument
from twistedcam.events import Event, EventBus, SoundChanged
from twistedcam.media.packet import Packet
from twistedcam.microphones.devices import MicrophoneDevice
from twistedcam.sources.base import RawPacket
from twistedcam.sources.sound_settings import check_audio
from twistedcam.sources.spec import parse
from twistedcam.stream.camera_sound import CameraSound
from twistedcam.stream.hub import PATIENT, Sink


class Listener(Sink[Packet]):
    """Keeps what it is given."""

    def __init__(self) -> None:
        self.taken: list[Packet] = []

    def take(self, packet: Packet, /) -> None:
        self.taken.append(packet)


class Opened:
    """A microphone that does what the test says."""

    def __init__(self, reactor: Any, camera: str, source: str, listener: Any) -> None:
        self.source, self.listener = source, listener
        self.state, self.reason = "starting", None
        self.is_closed = False
        self.is_gathering: bool | None = None
        self.caught_up: list[Deferred[None]] = []

    def catch_up(self) -> Deferred[None]:
        self.caught_up.append(Deferred())
        return self.caught_up[-1]

    def gather(self, wanted: bool) -> None:
        self.is_gathering = wanted

    def become(self, state: str, reason: Any = None) -> None:
        self.state, self.reason = state, reason
        self.listener.on_microphone_state()

    def close(self) -> Deferred[None]:
        self.is_closed = True
        return succeed(None)


class AudioInputTests(SynchronousTestCase):
    def setUp(self) -> None:
        make: Any = InlineThread
        self.clock = Clock()
        self.wall = 0.0
        self.microphones: list[Opened] = []
        self.sound = CameraSound("cam", None, make)
        self.events: list[Event] = []
        self.bus = EventBus()
        self.bus.subscribe(self.events.append)
        self.listener = Listener()
        self.sound.hub.add(self.listener)

    def make(self, source: str) -> AudioInput:
        return AudioInput(
            *("cam", self.sound, self.bus, parse(source), self.clock, self.deliver, self.open),
            wall_clock=lambda: self.wall,
        )

    def open(self, *arguments: Any) -> Any:
        self.microphones.append(Opened(*arguments))
        return self.microphones[-1]

    def deliver(self, raw: RawPacket) -> None:
        time_us = round(raw.time * 1e6)
        self.sound.publish(Packet(raw.track, 0, time_us, time_us, raw.data), time_us, time_us)

    def send(self, audio: AudioInput, packets: list[Packet]) -> None:
        for each in packets:
            audio.take_own(RawPacket.of(each))

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

    def test_what_was_captured_while_muted_and_comes_later_is_silent(self) -> None:
        for offset in (0, 500):
            self.listener.taken.clear()
            source = f"webcam:0?audio=alsa:default&audio_offset_ms={offset}"
            audio = self.make(f"{source}&muted=1")
            packets = pcm_packets(seconds=5, start_us=START_US + (0 if offset == 0 else 10_000_000))
            for each in packets[:75]:
                audio.on_sound(RawPacket.of(each))
            self.wall = packets[110].time_us / 1e6  # the click of the second 2 is under way
            audio.use(parse(source))
            for each in packets[75:110]:
                audio.on_sound(RawPacket.of(each))
            self.assertIsNone(self.sound.level(packets[109].time_us))
            for each in packets[110:]:
                audio.on_sound(RawPacket.of(each))
            self.assertIsNotNone(self.sound.level(packets[-1].time_us))
            begin = (packets[0].time_us - START_US + offset * 1000) / 1e6
            times = [round(each - begin, 2) for each in click_times(self.listener.taken)]
            self.assertEqual(times, [3.0, 4.0])

    def test_a_source_whose_clock_is_slow_is_not_silent_for_longer(self) -> None:
        audio = self.make("push:?muted=1")
        self.wall = START_US / 1e6 + 3600
        audio.use(parse("push:"))
        packets = pcm_packets(seconds=3)
        self.send(audio, packets[:75])
        self.assertEqual(click_times(self.listener.taken), [])
        self.clock.advance(3)
        self.send(audio, packets[75:])
        self.assertEqual([round(each, 2) for each in click_times(self.listener.taken)], [2.0])

    def test_the_track_of_a_microphone_that_is_being_opened_is_waited_for(self) -> None:
        audio = self.make("webcam:0?audio=alsa:default")
        self.successResultOf(audio.when_known())  # the camera is not started
        audio.follow(True, "", True)
        (microphone,) = self.microphones
        known, left = audio.when_known(), audio.when_known()
        microphone.become("live")
        self.assertNoResult(known)
        left.cancel()
        self.failureResultOf(left)
        audio.on_sound(RawPacket.of(pcm_packets(seconds=0.1)[0]))
        self.successResultOf(known)
        self.successResultOf(audio.when_known())
        self.sound.forget()
        fails, takes_long = audio.when_known(), audio.when_known()
        microphone.become("recovering", "it is not plugged in")
        self.successResultOf(fails)
        self.successResultOf(takes_long)
        microphone.become("starting")
        takes_long = audio.when_known()
        self.clock.advance(MICROPHONE_OPENS)
        self.successResultOf(takes_long)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_sound_that_another_server_has_muted_is_told(self) -> None:
        audio = self.make("twistedcam://door")
        is_muted = False
        audio.is_muted_at_source = lambda: is_muted
        packets = pcm_packets(seconds=1)
        self.send(audio, packets[:9])
        is_muted = True
        self.send(audio, packets[9:19])
        self.assertEqual((audio.state, audio.is_muted, audio.gives_silence), ("muted", False, True))
        self.assertIn("another server", audio.reason or "")
        is_muted = False
        self.send(audio, packets[19:])
        self.assertEqual((audio.state, audio.reason), ("live", None))
        told = SoundChanged("cam", "muted", False, "it is muted on another server")
        self.assertEqual(self.events, [told, SoundChanged("cam", "live", False)])

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

    def test_a_microphone_is_open_while_the_camera_is_started(self) -> None:
        audio = self.make("pattern:?audio=alsa:default")
        self.assertEqual(self.microphones, [])
        audio.follow(True, "")
        audio.follow(True, "")
        [microphone] = self.microphones
        self.assertEqual((microphone.source, audio.state), ("alsa:default", "starting"))
        packets = pcm_packets(seconds=1)
        audio.on_sound(RawPacket.of(packets[0]))
        self.assertEqual(self.sound.level(START_US), (-4.3, -17.3))
        self.assertEqual(self.listener.taken[0].data, packets[0].data)
        audio.take_own(RawPacket.of(packets[1]))
        self.assertEqual(len(self.listener.taken), 1, "the camera's own sound is not wanted")
        audio.follow(False, "")
        self.assertTrue(microphone.is_closed)
        self.successResultOf(audio.closed())
        self.assertIsNone(self.sound.level(START_US))

    def test_each_microphone_is_told_if_its_sound_may_gather(self) -> None:
        audio = self.make("pattern:?audio=alsa:default")
        audio.gather(True)
        audio.follow(True, "")
        [microphone] = self.microphones
        self.assertTrue(microphone.is_gathering)
        audio.gather(False)
        self.assertFalse(microphone.is_gathering)
        audio.follow(False, "")
        audio.follow(True, "")
        self.assertFalse(self.microphones[-1].is_gathering)

    def test_a_recording_that_stops_waits_for_the_last_sound_of_a_microphone(self) -> None:
        for codecs in (("pcm_s16le",), ("aac",)):
            audio = self.make("pattern:?audio=alsa:default")
            audio.follow(True, "")
            microphone = self.microphones[-1]
            packets = pcm_packets(seconds=1, start_us=START_US + len(self.microphones) * 10**7)
            audio.on_sound(RawPacket.of(packets[0]))
            recorder = Listener()
            hub = self.sound.hub_for(codecs)
            assert hub is not None
            hub.add(recorder, priority=PATIENT)
            for each in packets[1:20]:
                audio.on_sound(RawPacket.of(each))
            left = self.sound.remove(hub, recorder, True)
            flushed = self.sound.flush(hub)
            self.assertNoResult(left)
            for each in packets[20:30]:
                audio.on_sound(RawPacket.of(each))
            microphone.caught_up.pop(0).callback(None)
            self.successResultOf(left)
            microphone.caught_up.pop(0).callback(None)
            self.successResultOf(flushed)
            self.assertNotIn(recorder, hub)
            self.assertGreater(recorder.taken[-1].pts, packets[25].pts)
            audio.follow(False, "")

    def test_the_state_of_a_microphone_is_told(self) -> None:
        audio = self.make("pattern:?audio=alsa:default")
        audio.follow(True, "")
        for _ in range(2):
            self.microphones[0].become("recovering", "another program uses it")
        self.assertEqual((audio.state, audio.reason), ("recovering", "another program uses it"))
        self.microphones[0].become("live")
        told = [(each.state, each.reason) for each in self.events]  # type: ignore[attr-defined]
        expected = [("starting", None), ("recovering", "another program uses it"), ("live", None)]
        self.assertEqual(told, expected)

    def test_another_microphone_takes_the_place_of_the_first(self) -> None:
        audio = self.make("pattern:?audio=alsa:default")
        audio.follow(True, "")
        audio.use(parse("pattern:?audio=pulse:cam"))
        self.assertEqual([each.is_closed for each in self.microphones], [True, False])
        audio.use(parse("pattern:?audio=off"))
        self.assertTrue(self.microphones[1].is_closed)

    def test_auto_is_the_microphone_of_the_webcam(self) -> None:
        found: list[MicrophoneDevice | None] = [None]
        patch = pytest.MonkeyPatch()
        self.addCleanup(patch.undo)
        patch.setattr(audio_input, "microphone_of", lambda path: found[0])
        audio = self.make("webcam:0?audio=auto")
        audio.follow(True, "")
        self.assertEqual((self.microphones, audio.reason), ([], None))
        audio.follow(True, "/dev/video0")
        self.assertIn("no microphone of this webcam was found", audio.reason or "")
        found[0] = MicrophoneDevice("C920", "alsa:plughw:CARD=C920,DEV=0", "/sys/x", "/dev/x")
        self.clock.advance(5)
        self.assertEqual(self.microphones[0].source, "alsa:plughw:CARD=C920,DEV=0")
        self.assertIsNone(audio.reason)
        found[0] = None  # it was unplugged, with the webcam
        audio.follow(True, "/dev/video0")
        self.assertFalse(self.microphones[0].is_closed, "it tries again by itself")
        audio.follow(False, "/dev/video0")
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_sound_that_cannot_be_used_has_a_reason_until_it_can(self) -> None:
        audio = self.make("rtsp://door/1")
        for _ in range(3):
            audio.note_fault("it is no AAC")
        self.assertEqual((audio.state, audio.reason), ("none", "it is no AAC"))
        self.assertEqual(len(self.events), 1)
        self.send(audio, pcm_packets(seconds=1))
        self.assertEqual((audio.state, audio.reason), ("live", None))
        audio.note_fault("it is no AAC")
        audio.note_fault("")
        self.assertIsNone(audio.reason, "the camera was opened again, and has other sound")
        audio.use(parse("rtsp://door/1#audio=off"))
        audio.note_fault("it is no AAC")
        self.assertIsNone(audio.reason)

    def test_auto_without_a_webcam_has_a_reason(self) -> None:
        audio = self.make("auto:?audio=auto")
        audio.follow(True, "")
        self.assertIsNone(audio.reason)
        audio.follow(True, "", True)  # such as the test picture in place of a webcam
        self.assertIn(
            f"name one, such as audio={EXAMPLES.get(sys.platform, EXAMPLES['linux'])}",
            audio.reason or "",
        )
        self.assertEqual(audio.state, "recovering")
        self.assertEqual([each.state for each in self.events], ["recovering"])  # type: ignore[attr-defined]
        self.assertEqual(self.microphones, [])
        audio.follow(False, "")


@pytest.mark.parametrize("name", EXAMPLES.values())
def test_the_names_that_are_proposed_can_be_used(name: str) -> None:
    assert check_audio(name) == name
