"""Frames on their way into the pre-roll and a recording."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from twisted.internet.defer import succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.support.fakes import CameraRig, FakeScheme, InlineThread
from tests.support.films import START_US, h264_packets, jpeg
from tests.support.sound import aac_packets, pcm_packets
from twistedcam.media.frame import Frame
from twistedcam.media.packet import Packet
from twistedcam.media.track import Track
from twistedcam.recording.containers import FORMATS
from twistedcam.recording.intake import Intake
from twistedcam.recording.settings import RecordSettings
from twistedcam.recording.writer.plan import Plan
from twistedcam.recording.writer.session import Progress
from twistedcam.sources.base import SourceInfo


class Job:
    """Takes frames, or refuses them."""

    def __init__(self) -> None:
        self.taken: list[Packet] = []
        self.is_full = False
        self.progress = Progress("a.mp4")
        self.is_gathering = True

    def sound_changed(self, track: Track | None) -> None:
        """Take the sound of any track."""

    def offer(self, frame: Packet) -> bool:
        if not self.is_full:
            self.taken.append(frame)
        return not self.is_full


class IntakeTests(SynchronousTestCase):
    """A camera whose pictures the test publishes."""

    def setUp(self) -> None:
        scheme = FakeScheme()
        scheme.__enter__()
        self.addCleanup(scheme.__exit__)
        self.clock = Clock()
        self.camera = CameraRig(monotonic=self.clock.seconds).camera
        self.patch(self.camera.stream, "_make_thread", InlineThread)
        self.intake = Intake(self.camera)
        self.job: Any = Job()

    def frame(self, seconds: float) -> Frame:
        self.clock.rightNow = seconds
        return Frame(1, START_US + round(seconds * 1e6), 160, 120, jpeg(1))

    def show(self, *times: float) -> None:
        for each in times:
            self.camera.stream.publish(self.frame(each))

    def publish(self, packet: Packet) -> None:
        self.clock.rightNow = (packet.time_us - START_US) / 1e6
        self.camera.stream.publish(packet)

    def begin(
        self, every: float | None = None, table: dict[str, Any] | None = None, **more: Any
    ) -> None:
        settings = RecordSettings.from_mapping(table or {})
        plan = Plan(Path("."), "cam", "a.mp4", False, FORMATS["auto"], settings, every)
        self.intake.begin(self.job, plan, **more)

    def seconds(self) -> list[float]:
        return [(each.pts - START_US) / 1e6 for each in self.job.taken]

    def test_what_the_camera_has_sent_before_the_end_is_recorded(self) -> None:
        packets = h264_packets([1, 2, 3])
        self.begin()
        self.publish(packets[0])
        self.publish(packets[1])
        self.camera.stream.packets.collect = lambda: self.publish(packets[2])
        self.successResultOf(self.intake.end())
        self.assertEqual([each.data for each in self.job.taken], [each.data for each in packets])

    def test_only_what_comes_between_begin_and_end_is_recorded(self) -> None:
        self.show(1)
        self.begin()
        self.show(2, 3)
        self.clock.rightNow = 3.5
        at = self.successResultOf(self.intake.end())
        self.show(4)
        self.assertEqual(self.seconds(), [2, 3])
        self.assertEqual(at, START_US + 3_500_000)
        self.assertEqual(len(self.camera.hub), 0)

    def test_a_timelapse_takes_a_frame_in_each_period(self) -> None:
        self.begin(every=10.0)
        self.show(0, 1, 9, 10, 11, 35, 44, 46)
        self.assertEqual(self.seconds(), [0, 10, 35, 46])

    def test_the_pre_roll_has_the_last_seconds(self) -> None:
        self.assertEqual(self.intake.last(10), [])
        self.intake.keep(5, 10**9, FORMATS["auto"])
        self.show(*range(20))
        self.assertEqual(
            [each.time_us - START_US for each in self.intake.last(2)],
            [17_000_000, 18_000_000, 19_000_000],
        )
        kept = self.intake.preroll
        self.intake.keep(5, 10**9, FORMATS["auto"])
        self.assertIs(self.intake.preroll, kept)
        self.intake.keep(0, 10**9, FORMATS["auto"])
        self.assertEqual((self.intake.preroll, len(self.camera.hub)), (None, 0))

    def test_packets_begin_with_a_key_frame_and_so_they_do_after_a_gap(self) -> None:
        self.begin()
        packets = h264_packets(range(6), keyframes=5.0)
        for number, packet in enumerate(packets):
            self.job.is_full = number == 3
            self.publish(packet)
        self.assertEqual([each.seq for each in self.job.taken], [0, 1, 2, 5])
        self.assertEqual(self.job.taken[0].data, packets[0].data)
        self.assertEqual(self.job.taken[0].track, packets[0].track)

    def test_a_recording_begins_with_the_packets_since_the_last_key_frame(self) -> None:
        packets = h264_packets(range(6), keyframes=3.0)
        for each in packets[:5]:
            self.publish(each)
        group = self.intake.first(0, FORMATS["auto"])
        self.assertEqual([each.seq for each in group], [3, 4])
        self.begin(first=group)
        self.publish(packets[5])
        self.assertEqual([each.seq for each in self.job.taken], [5])

    def test_a_recording_begins_with_the_sound_since_the_last_key_frame(self) -> None:
        packets = h264_packets(range(15), keyframes=12.0)
        sounds = aac_packets(0.0, 14.0, START_US)
        for each in sorted([*packets[:14], *sounds], key=lambda each: each.pts):
            self.publish(each)
        first = self.intake.first(0, FORMATS["auto"])
        self.assertEqual([each.seq for each in first if each.track.kind == "video"], [12, 13])
        heard = [each.seq for each in first if each.track.kind == "audio"]
        self.assertEqual(heard, [each.seq for each in sounds if each.pts >= packets[12].pts])
        self.assertEqual([each.pts for each in first], sorted(each.pts for each in first))
        self.assertEqual(first[0].track.kind, "video")
        kept = self.camera.stream.audio.since(0, ("aac",))
        self.assertEqual(round((kept[-1].pts - kept[0].pts) / 1e6), 10)
        self.assertEqual(self.camera.stream.audio.since(0, ("opus",)), [])
        self.camera.stream.clear()
        self.assertEqual(self.camera.stream.audio.since(0, ("aac",)), [])

    def test_a_timelapse_of_a_camera_that_encodes_takes_key_frames(self) -> None:
        self.begin(every=2.0)
        for each in h264_packets([n / 2 for n in range(20)], keyframes=1.5):
            self.publish(each)
        self.assertEqual([each.seq for each in self.job.taken], [0, 6, 9, 12, 18])

    def test_the_pre_roll_of_a_camera_that_encodes_begins_with_a_key_frame(self) -> None:
        self.intake.keep(3, 10**9, FORMATS["auto"])
        for each in h264_packets(range(20), keyframes=4.0):
            self.publish(each)
        self.assertEqual([each.seq for each in self.intake.last(1)], [16, 17, 18, 19])

    def test_frames_are_encoded_for_a_recording_that_shares_an_encoder(self) -> None:
        self.begin()
        self.show(1, 2)
        self.assertEqual([each.track.codec for each in self.job.taken], ["h264"] * 2)
        self.assertEqual(self.successResultOf(self.intake.end()), START_US + 2_000_000)
        self.assertEqual((self.job.count_missed(), self.camera.stream.h264_transcoders), (0, ()))

    def test_a_key_frame_is_made_when_a_new_file_is_due(self) -> None:
        self.begin(table={"segment": "5s"})
        self.show(*(n / 10 for n in range(103)))
        keyframes = [each.pts - START_US for each in self.job.taken if each.is_keyframe]
        self.assertIn(5_000_000, keyframes)
        self.assertIn(10_000_000, keyframes)

    def test_a_key_frame_is_planned_for_the_file_after_a_pre_roll_too(self) -> None:
        self.begin(table={"segment": "1.1s"}, first=[self.frame(0)])
        self.show(*(n / 10 for n in range(1, 40)))
        keyframes = [each.pts - START_US for each in self.job.taken if each.is_keyframe]
        self.assertEqual(keyframes, [100_000, 1_100_000, 2_200_000, 3_300_000])

    def test_why_pictures_cannot_be_encoded_is_told_once(self) -> None:
        told = []
        self.begin(on_left_out=lambda *reason: told.append(reason))
        self.show(1)
        for width, height in ((1, 1), (1, 1), (2, 1)):
            self.clock.advance(1)
            time_us = START_US + round(self.clock.seconds() * 1e6)
            self.camera.stream.publish(Frame(1, time_us, width, height, b"\xff\xd8"))
        self.clock.advance(1)
        self.camera.stream.publish(Frame(1, START_US + 5_000_000, 160, 120, b"no JPEG"))
        self.assertEqual([is_size for _, is_size in told], [True, False])
        self.assertRegex(told[0][0], "^pictures of 1x1 cannot be encoded")
        self.successResultOf(self.intake.end())
        self.assertEqual(self.job.count_missed(), 4)

    def test_sound_is_passed_on_in_the_codec_of_the_file(self) -> None:
        self.patch(self.camera.stream, "_make_thread", InlineThread)
        sounds, tracks = aac_packets(0.0, 0.5, START_US), list[Track | None]()
        self.job.sound_changed = tracks.append
        self.show(0)
        self.begin()
        self.assertIsNone(self.intake.sound_track(FORMATS["auto"]))
        for each in sounds[:5]:
            self.camera.stream.publish(each)
        self.assertEqual(tracks, [sounds[0].track])
        self.assertEqual(self.intake.sound_track(FORMATS["auto"]), sounds[0].track)
        self.assertEqual(self.intake.sound_track(FORMATS["mkv"]), sounds[0].track)
        self.assertIsNone(self.intake.sound_track(FORMATS["avi"]))
        self.successResultOf(self.intake.end())
        self.camera.stream.publish(sounds[5])
        heard = [each for each in self.job.taken if each.track.kind == "audio"]
        self.assertEqual([each.data for each in heard], [each.data for each in sounds[:5]])

    def test_pictures_wait_for_a_microphone_that_is_opened_but_not_for_long(self) -> None:
        microphone = SimpleNamespace(
            state="starting",
            close=lambda: succeed(None),
            gather=lambda wanted: None,
            catch_up=lambda: succeed(None),
        )
        self.patch(self.camera.audio, "_microphone", microphone)
        sounds = aac_packets(0.0, 1.0, START_US)
        self.job.sound_changed = lambda track: self.job.taken.append(track)
        self.begin()
        self.show(0, 0.1)
        self.assertEqual(self.job.taken, [])
        for each in sounds[:2]:
            self.camera.stream.publish(each)
        self.show(0.2)
        self.assertEqual(self.job.taken[0], sounds[0].track)
        self.assertEqual(self.seconds_of("video"), [0, 0.1, 0.2])
        self.successResultOf(self.intake.end())
        self.camera.stream.audio.forget()
        for state, times in (("starting", [1, 2, 3, 4]), ("recovering", [11])):
            self.job.taken.clear()
            microphone.state = "starting"
            self.begin()
            self.show(times[0])
            self.assertEqual(self.job.taken, [])
            microphone.state = state
            self.show(*(each + 0.5 for each in times))
            self.assertEqual(len(self.seconds_of("video")), len(times) + 1)
            self.successResultOf(self.intake.end())
        self.job.taken.clear()
        microphone.state = "starting"
        self.begin()
        self.show(20)
        self.successResultOf(self.intake.end())  # nothing that waits is lost
        self.assertEqual(self.seconds_of("video"), [20])

    def seconds_of(self, kind: str) -> list[float]:
        packets = [each for each in self.job.taken if isinstance(each, Packet)]
        return [(each.pts - START_US) / 1e6 for each in packets if each.track.kind == kind]

    def test_a_recording_goes_on_with_the_codec_of_the_pre_roll_s_sound(self) -> None:
        self.patch(self.camera.stream.audio._transcoder, "_make_thread", InlineThread)
        self.show(0)
        for each in pcm_packets(8_000, seconds=0.2, codec="pcm_alaw", start_us=START_US):
            self.camera.stream.publish(each)
        made = self.intake.sound_track(FORMATS["mkv"])
        self.assertEqual(made and made.codec, "opus")
        self.intake.keep(3, 10**9, FORMATS["auto"], has_sound=True)
        self.show(0.2)
        for name in ("mkv", "auto"):
            made = self.intake.sound_track(FORMATS[name])
            self.assertEqual(made and made.codec, "aac")
        for each in pcm_packets(8_000, seconds=0.5, codec="pcm_alaw", start_us=START_US + 200_000):
            self.camera.stream.publish(each)
        self.show(1)
        kinds = {each.track.codec for each in self.intake.last(5)}
        self.assertEqual(kinds, {"mjpeg", "aac"})
        self.intake.keep(0, 10**9, FORMATS["auto"])
        self.assertEqual(len(self.camera.stream.sound), 0)

    def test_the_nominal_rate_is_true_unless_more_frames_come(self) -> None:
        self.assertIsNone(self.intake.nominal_rate(0.0))
        self.camera.source_info = SourceInfo(160, 120, 10.0, "", "")
        self.camera.live_since = 0.0
        self.assertEqual(self.intake.nominal_rate(10.0), 10.0)
        for number in range(200):
            self.camera.rate.tick(number / 20)
        self.assertEqual(self.intake.nominal_rate(1.0), 10.0)  # not measured yet
        self.assertIsNone(self.intake.nominal_rate(10.0))

    def test_a_picture_is_encodable_by_its_size(self) -> None:
        self.assertFalse(self.intake.has_encodable_picture())
        self.show(1)
        self.assertTrue(self.intake.has_encodable_picture())
        self.camera.stream.publish(Frame(2, START_US, 1, 1, b""))
        self.assertFalse(self.intake.has_encodable_picture())

    def test_a_pre_roll_that_the_format_cannot_hold_is_left_out(self) -> None:
        self.intake.keep(3, 10**9, FORMATS["auto"])
        for each in h264_packets(range(5)):
            self.publish(each)
        self.assertEqual(len(self.intake.first(2, FORMATS["auto"])), 3)
        self.assertEqual(self.intake.first(2, FORMATS["avi"]), [])
