"""Motion of a camera: events with their times, recordings, the schedule, faults."""

from __future__ import annotations

import time
from itertools import pairwise
from typing import Any

from tests.recording.test_recorder import RecorderCase
from tests.support.fakes import InlineThread
from tests.support.films import read_film
from twistedcam.codecs.jpeg_encoder import JpegEncoder
from twistedcam.core import motion as motions
from twistedcam.core.motion import QUIET, SCHEDULE_PERIOD, CameraMotion
from twistedcam.events import Event, Fault, MotionChanged
from twistedcam.processing.motion.findings import Examined, Moving
from twistedcam.processing.motion.settings import MotionSettings


class FakeWatch:
    """A watch that says what the test lets it say."""

    def __init__(self, camera: Any, settings: Any, thread: Any, examined: Any, lost: Any, _: Any):
        self.camera = camera
        self.settings = settings
        self.examined = examined
        self.lost = lost
        self.ended = False

    def use(self, settings: MotionSettings) -> None:
        self.settings = settings

    def end(self) -> None:
        self.ended = True


class MotionCase(RecorderCase):
    """``self.motion`` records the camera of ``self.recorder``; the test says what moves."""

    def setUp(self) -> None:
        super().setUp()
        self.watches: list[FakeWatch] = []
        self.patch(motions, "MotionWatch", self.make_watch)
        # The wall clock goes as the test's.
        self.patch(motions.time, "time", lambda: 1_000.0 + self.clock.seconds())
        self.motion = self.make_motion(MotionSettings(before=2, after=4))

    def make_watch(self, *arguments: Any) -> FakeWatch:
        self.watches.append(FakeWatch(*arguments))
        return self.watches[-1]

    def make_motion(self, settings: MotionSettings | None) -> CameraMotion:
        made = CameraMotion(
            self.camera,
            self.recorder,
            self.bus,
            self.clock,
            InlineThread,
            settings,
            self.clock.seconds,
        )
        self.addCleanup(made.stop)
        return made

    def pass_seconds(self, seconds: float, score: float = 0.0, delay: float = 0.0) -> None:
        """Pictures come for so long, and something moves if the score is more than 0.

        Arguments:
            delay: seconds by which the movement was seen before it is found.
        """
        since = self.clock.seconds() + 0.1 - delay
        for _ in range(round(seconds * 10)):
            self.show(0.1)
            now = self.clock.seconds()
            box = (0.25, 0.5, 0.1, 0.2)
            moving = [Moving(since, box, score, "yard")] if score else []
            self.watches[-1].examined(Examined(moving, None), now)

    def events_of(self, kind: type[Event]) -> list[Any]:
        return [each for each in self.events if isinstance(each, kind)]

    def what(self) -> list[str]:
        return [what for what, _ in self.told() if what in ("started", "finished")]


class EventTests(MotionCase):
    def test_a_motion_begins_and_ends_with_its_times_and_its_greatest_score(self) -> None:
        self.pass_seconds(3)
        self.assertEqual((self.motion.state, self.motion.score), ("quiet", 0.0))
        self.pass_seconds(1, 20, delay=0.3)
        self.assertEqual((self.motion.state, self.motion.score), ("moving", 20))
        self.pass_seconds(1, 35)
        self.pass_seconds(1, 10)
        self.pass_seconds(2)
        self.assertEqual((self.motion.state, self.motion.score), ("quiet", 0.0))
        begin, end = self.events_of(MotionChanged)
        self.assertEqual((begin.state, begin.score, begin.zone), ("begin", 20, "yard"))
        self.assertEqual((end.state, end.score, end.event), ("end", 35, begin.event))
        self.assertEqual((begin.camera, begin.box), ("cam", (0.25, 0.5, 0.1, 0.2)))
        self.assertAlmostEqual(begin.time, 1_000 + 2.8, 2)
        self.assertAlmostEqual(end.time, 1_000 + 6.0, 2)

    def test_a_motion_is_told_when_its_recording_has_a_name(self) -> None:
        names: list[str | None] = []
        self.bus.subscribe(
            lambda event: (
                names.append(self.recorder.name) if isinstance(event, MotionChanged) else None
            )
        )
        self.pass_seconds(1, 20)
        self.assertEqual(names, [self.recorder.name])
        self.assertIsNotNone(self.recorder.name)

    def test_a_pause_shorter_than_a_second_is_no_end(self) -> None:
        self.pass_seconds(1, 20)
        self.pass_seconds(QUIET - 0.2)
        self.pass_seconds(1, 20)
        self.assertEqual(len(self.events_of(MotionChanged)), 1)

    def test_a_camera_that_is_lost_ends_the_motion(self) -> None:
        self.pass_seconds(1, 20)
        self.watches[-1].lost()
        self.assertEqual([each.state for each in self.events_of(MotionChanged)], ["begin", "end"])
        self.assertEqual(self.motion.state, "quiet")

    def test_a_frozen_camera_is_one_fault_until_it_has_another_picture(self) -> None:
        for fault in ("frozen", "frozen", None, "covered"):
            self.watches[-1].examined(Examined([], fault), 1.0)
        self.assertEqual([each.code for each in self.events_of(Fault)], ["frozen", "covered"])
        assert self.camera.last_fault is not None
        self.assertIn("covered", self.camera.last_fault[1])


class RecordingTests(MotionCase):
    def test_two_motions_are_two_recordings_with_the_seconds_around_them(self) -> None:
        for _ in range(2):
            self.pass_seconds(8)
            self.pass_seconds(3, 20, delay=0.3)
        self.pass_seconds(8)
        self.assertEqual(self.what(), ["started", "finished"] * 2)
        for path in sorted(self.folder.glob("*.mp4")):
            # 2 s before what was seen first, 3.3 s of motion, 4 s after it
            self.assertLess(abs(read_film(path).seconds - 9.25), 0.25)

    def test_a_motion_that_returns_in_time_continues_the_recording(self) -> None:
        self.pass_seconds(3)
        for _ in range(2):
            self.pass_seconds(1, 20)
            self.pass_seconds(3.5)
        self.pass_seconds(4)
        self.assertEqual(self.what(), ["started", "finished"])
        self.assertEqual(len(self.events_of(MotionChanged)), 4)

    def test_what_a_person_has_started_goes_on_after_the_motion(self) -> None:
        self.recorder.start("mine.mp4")
        self.pass_seconds(1, 20)
        self.pass_seconds(8)
        self.assertEqual(self.recorder.reasons, {"command"})
        self.assertEqual(self.what(), ["started"])
        self.successResultOf(self.recorder.stop())

    def test_what_a_person_has_stopped_begins_with_the_next_motion(self) -> None:
        self.pass_seconds(1, 20)
        self.successResultOf(self.recorder.stop())
        self.pass_seconds(1, 20)
        self.assertEqual(self.recorder.state, "idle")
        self.pass_seconds(2)
        self.pass_seconds(1, 20)
        self.assertEqual(self.recorder.reasons, {"motion"})
        self.motion.stop()
        self.assertEqual(self.recorder.state, "idle")

    def test_a_recording_that_a_person_has_begun_meanwhile_is_joined(self) -> None:
        self.pass_seconds(1, 20)
        self.successResultOf(self.recorder.stop())
        self.recorder.start("mine.mp4")
        self.motion.rejoin()
        self.assertEqual(self.recorder.reasons, {"command", "motion"})
        self.successResultOf(self.recorder.stop())

    def test_without_record_there_are_events_only(self) -> None:
        self.motion.configure(MotionSettings(record=False))
        self.assertIsNone(self.recorder.preroll)
        self.pass_seconds(1, 20)
        self.motion.rejoin()
        self.assertEqual((self.what(), self.motion.state), ([], "moving"))

    def test_the_longer_of_both_pre_rolls_is_kept(self) -> None:
        assert self.recorder.preroll is not None
        self.assertEqual(self.recorder.preroll.seconds, 2 + motions.MAX_DELAY)
        self.recorder.settings = self.make({"preroll": "30s"}).settings
        self.assertEqual(self.recorder.preroll.seconds, 30)
        self.motion.switch(False)
        self.assertEqual(self.recorder.preroll.seconds, 30)
        self.recorder.settings = self.make({}).settings
        self.assertIsNone(self.recorder.preroll)


class SwitchTests(MotionCase):
    def test_it_is_off_without_settings_and_on_by_a_switch(self) -> None:
        self.motion.configure(None)
        self.assertEqual((self.motion.state, self.motion.is_on), ("off", False))
        self.motion.switch(True)
        self.assertEqual((self.motion.state, self.motion.is_on), ("quiet", True))
        self.motion.configure(MotionSettings(enabled=False))
        self.assertEqual(self.motion.state, "off")

    def test_off_ends_the_motion_and_its_recording(self) -> None:
        self.pass_seconds(1, 20)
        self.motion.switch(False)
        self.assertEqual([each.state for each in self.events_of(MotionChanged)], ["begin", "end"])
        self.assertEqual(self.what(), ["started", "finished"])
        self.assertTrue(self.watches[-1].ended)

    def test_it_is_off_outside_its_schedule(self) -> None:
        local = time.localtime(1_000)
        begin = f"{local.tm_hour:02}:{local.tm_min + 1:02}"
        end = f"{local.tm_hour:02}:{local.tm_min + 3:02}"
        settings = MotionSettings.from_words([f"when={begin}-{end}"])
        self.motion.configure(settings)
        states = []
        for _ in range(48):
            states.append(self.motion.state)
            self.clock.advance(SCHEDULE_PERIOD)
        self.assertTrue(self.motion.is_on)
        changes = [b for a, b in pairwise(states) if a != b]
        self.assertEqual((states[0], changes), ("off", ["quiet", "off"]))

    def test_nothing_moves_below_a_mask_in_a_smaller_stream(self) -> None:
        mask, corner = ((0.0, 0.0), (1.0, 0.0), (1.0, 0.5)), ((0.0, 0.9), (1.0, 0.9), (0.0, 1.0))
        self.motion.configure(MotionSettings.from_words(["source=fake:small"]))
        self.motion.set_areas(ignore=(corner,))
        self.assertEqual(self.watches[-1].settings.ignore, (corner,))
        self.camera.encoder = JpegEncoder(privacy=[mask])
        self.become("live")
        self.assertEqual(self.watches[-1].settings.ignore, (corner, mask))
        self.assertEqual(self.motion.settings.ignore, (corner,), "it is not one of the settings")

    def test_a_smaller_stream_is_watched_while_the_camera_runs(self) -> None:
        self.motion.configure(MotionSettings.from_words(["source=fake:small"]))
        small = self.watches[-1].camera
        self.assertEqual((small.spec.text, small.state), ("fake:small", "stopped"))
        self.camera.state = "live"
        self.become("live")
        self.assertEqual(small.state, "live")
        self.camera.state = "stopped"
        self.become("stopped")
        self.assertEqual(small.state, "stopped")
        self.camera.state = "live"
        self.become("live")
        self.motion.switch(False)
        self.assertEqual(small.state, "stopped")
        self.become("live")
        self.assertEqual(small.state, "stopped")
