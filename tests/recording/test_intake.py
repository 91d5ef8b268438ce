"""Frames on their way into the pre-roll and a recording."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.support.fakes import CameraRig, FakeScheme
from tests.support.films import START_US, jpeg
from twistedcam.media.frame import Frame
from twistedcam.media.timed_frame import H264Packet, TimedFrame
from twistedcam.recording.intake import Intake
from twistedcam.sources.base import SourceInfo


class Job:
    """Takes frames, or refuses them."""

    def __init__(self) -> None:
        self.taken: list[TimedFrame] = []
        self.is_full = False

    def offer(self, frame: TimedFrame) -> bool:
        if not self.is_full:
            self.taken.append(frame)
        return not self.is_full


class Encoder:
    """Stands for a transcoder."""

    def __init__(self) -> None:
        self.dropped, self.keyframes = 5, 0
        self.removed: Deferred[None] = Deferred()

    def add(self, listener: Any, lossless: bool) -> None:
        assert lossless

    def remove(self, listener: Any) -> Deferred[None]:
        return self.removed

    def need_keyframe(self) -> None:
        self.keyframes += 1


class IntakeTests(SynchronousTestCase):
    """A camera whose pictures the test publishes."""

    def setUp(self) -> None:
        scheme = FakeScheme()
        scheme.__enter__()
        self.addCleanup(scheme.__exit__)
        self.camera, self.clock = CameraRig().camera, Clock()
        self.intake = Intake(self.camera, self.clock.seconds)
        self.job: Any = Job()

    def frame(self, seconds: float) -> Frame:
        self.clock.rightNow = seconds
        return Frame(1, START_US + round(seconds * 1e6), 160, 120, jpeg(1))

    def show(self, *times: float) -> None:
        for each in times:
            self.camera.hub.publish(self.frame(each))

    def seconds(self) -> list[float]:
        return [(each.time - START_US) / 1e6 for each in self.job.taken]

    def test_only_what_comes_between_begin_and_end_is_recorded(self) -> None:
        self.show(1)
        self.intake.begin(self.job, None, None)
        self.show(2, 3)
        self.clock.rightNow = 3.5
        at = self.successResultOf(self.intake.end())
        self.show(4)
        self.assertEqual(self.seconds(), [2, 3])
        self.assertEqual(at, START_US + 3_500_000)
        self.assertEqual(len(self.camera.hub), 0)

    def test_a_timelapse_takes_a_frame_in_each_period(self) -> None:
        self.intake.begin(self.job, 10.0, None)
        self.show(0, 1, 9, 10, 11, 35, 44, 46)
        self.assertEqual(self.seconds(), [0, 10, 35, 46])

    def test_the_pre_roll_has_the_last_seconds(self) -> None:
        self.assertEqual(self.intake.last(10), [])
        self.intake.keep(5, 10**9)
        self.show(*range(20))
        self.assertEqual(
            [each.captured_us - START_US for each in self.intake.last(2)],
            [17_000_000, 18_000_000, 19_000_000],
        )
        kept = self.intake.preroll
        self.intake.keep(5, 10**9)
        self.assertIs(self.intake.preroll, kept)
        self.intake.keep(0, 10**9)
        self.assertEqual((self.intake.preroll, len(self.camera.hub)), (None, 0))

    def test_packets_begin_with_a_key_frame_and_so_they_do_after_a_gap(self) -> None:
        encoder: Any = Encoder()
        self.intake.begin(self.job, None, encoder)
        for number, is_keyframe in enumerate((False, True, False, False, False, True)):
            self.job.is_full = number == 3
            packet = H264Packet(b"%d" % number, number, is_keyframe)
            self.intake.take_packet(self.frame(float(number)), packet)
        self.assertEqual([each.packet.data for each in self.job.taken], [b"1", b"2", b"5"])
        self.assertEqual(encoder.keyframes, 1)
        encoder.dropped = 7
        ended = self.intake.end()
        self.assertEqual(self.intake.missed, 2)
        self.intake.take_packet(self.frame(9.0), H264Packet(b"last", 9, True))
        encoder.removed.callback(None)
        self.assertEqual(self.successResultOf(ended), START_US + 5_000_000)
        self.assertEqual(self.job.taken[-1].packet.data, b"last")
        self.intake.take_packet(self.frame(10.0), H264Packet(b"late", 10, True))
        self.assertEqual(self.job.taken[-1].packet.data, b"last")

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
        self.camera.hub.publish(Frame(2, START_US, 1, 1, b""))
        self.assertFalse(self.intake.has_encodable_picture())
