"""A recorder: its pre-roll, what ends a recording, and what is reported."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import av.error
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from tests.support.fakes import FakeScheme, InlineThread, ManualThread
from tests.support.films import START_US, jpeg, read_film
from tests.support.odd_jpegs import lossless, make_jpeg, with_frame_header, with_size
from twistedcam.camera import Camera
from twistedcam.errors import BadArgument, CameraFailed, DiskError, NotSupported
from twistedcam.events import CameraChanged, Event, EventBus, Fault, RecordingChanged
from twistedcam.media.frame import Frame
from twistedcam.recording import Recorder, RecordSettings
from twistedcam.recording.writer import plan as planning
from twistedcam.recording.writer.segment import Segment
from twistedcam.sources.base import SourceInfo
from twistedcam.sources.spec import SourceSpec
from twistedcam.stream.hub import Sink
from twistedcam.stream.wants import Wants

GOOD = make_jpeg(160, 120)
#: Pictures that may come between good ones: width, height and bytes.
ODD: dict[str, tuple[int, int, bytes]] = {
    "one pixel": (1, 1, make_jpeg(1, 1)),
    "one row": (160, 1, make_jpeg(160, 1)),
    "more than H.264 has": (16_386, 16, make_jpeg(16_386, 16)),
    "sampling factors": (160, 120, with_frame_header(GOOD, {11: 0x33})),
    "sampling factors that FFmpeg does not have": (160, 120, with_frame_header(GOOD, {11: 0x13})),
    "no components": (160, 120, with_frame_header(GOOD, {9: 0})),
    "another size in its header": (160, 120, with_size(GOOD, 320, 240)),
    "another size": (320, 240, make_jpeg(320, 240)),
    "garbage": (160, 120, b"\xff\xd8 nothing \xff\xd9"),
    "nothing": (160, 120, b""),
    "lossless": (160, 120, lossless(160, 120)),
}


class RecorderCase(SynchronousTestCase):
    """A recorder on a camera that the test plays itself."""

    make_thread: Callable[[], Any] = staticmethod(InlineThread)

    def setUp(self) -> None:
        scheme = FakeScheme()
        scheme.__enter__()
        self.addCleanup(scheme.__exit__)
        self.folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)
        self.clock = Clock()
        self.camera = Camera(
            "cam",
            SourceSpec("fake", "", {}, "fake:"),
            EventBus(),
            self.clock,  # type: ignore[arg-type]
            InlineThread,  # type: ignore[arg-type]
            self.clock.seconds,
        )
        self.bus = EventBus()
        self.events: list[Event] = []
        self.bus.subscribe(self.events.append)
        self.recorder = self.make({})

    def make(self, table: dict[str, Any]) -> Recorder:
        settings = RecordSettings.from_mapping(table)
        thread, clock = self.make_thread, self.clock
        return Recorder(
            self.camera,
            self.folder,
            self.bus,
            thread,
            clock,  # type: ignore[arg-type]
            settings,
            clock.seconds,
        )

    def show(self, seconds: float, fps: float = 10.0) -> None:
        """The camera gives pictures for so long."""
        for _ in range(round(seconds * fps)):
            self.clock.advance(1 / fps)
            now = self.clock.seconds()
            self.camera.stream.publish(
                Frame(1, START_US + round(now * 1e6), 160, 120, jpeg(round(now * fps) % 50))
            )

    def become(self, state: str) -> None:
        """The camera is in another state."""
        self.bus.publish(CameraChanged("cam", state))

    def told(self) -> list[tuple[str, str]]:
        """What was told of recordings: what and name."""
        return [(e.what, e.name) for e in self.events if isinstance(e, RecordingChanged)]

    def near(self, value: float, wanted: float, off: float) -> None:
        """The value is no further off (trial's assertAlmostEqual knows no delta)."""
        self.assertLessEqual(abs(value - wanted), off, f"{value} is not {wanted}")

    def result_of(self, made: Any) -> Any:
        """What a coroutine gives that waits for nothing."""
        deferred = Deferred.fromCoroutine(made)
        results: list[Any] = []
        failures: list[Any] = []
        deferred.addCallbacks(results.append, failures.append)
        if failures:
            raise failures[0].value
        return results[0]


class RecorderTests(RecorderCase):
    """A disk that is quick."""

    def test_a_recording_is_as_long_as_it_was_recorded(self) -> None:
        name = self.recorder.start("a.mp4")
        self.show(10)
        self.assertEqual((name, self.recorder.name), ("a.mp4", "a.mp4"))
        result = self.successResultOf(self.recorder.stop())
        self.assertEqual((result.name, result.frames), ("a.mp4", 100))
        self.near(result.seconds, 10, 0.1)
        self.near(read_film(self.folder / "a.mp4").seconds, 10, 0.1)
        self.assertEqual(self.told(), [("started", "a.mp4"), ("finished", "a.mp4")])
        self.assertIsNone(self.recorder.name)
        self.assertEqual(len(self.camera.hub), 0)

    def test_start_and_stop_can_be_said_twice(self) -> None:
        self.assertEqual(self.recorder.start("a.mp4"), self.recorder.start())
        self.show(0.5)
        self.successResultOf(self.recorder.stop())
        self.assertIsNone(self.successResultOf(self.recorder.stop()))

    def test_another_recording_than_the_one_under_way_is_refused(self) -> None:
        for every, others in ((None, (10.0,)), (10.0, (20.0,))):
            self.recorder.start("a", every)
            for same in ((None, None), ("a", None), ("a.mp4", every), (None, every)):
                self.assertEqual(self.recorder.start(*same), "a.mp4")
            for other in (("b", None), ("a.mkv", None), *((None, period) for period in others)):
                with self.assertRaisesRegex(BadArgument, "recorded already, to a.mp4"):
                    self.recorder.start(*other)
            with self.assertRaisesRegex(BadArgument, "ending"):
                self.recorder.start("a.gif")
            self.assertEqual((self.recorder.state, self.recorder.name), ("recording", "a.mp4"))
            self.successResultOf(self.recorder.stop())

    def test_an_avi_says_the_rate_of_the_camera_unless_more_pictures_come(self) -> None:
        def rate_of(name: str) -> str:
            self.recorder.start(name)
            self.show(3)
            self.successResultOf(self.recorder.stop())
            film = read_film(self.folder / name)
            self.near(film.seconds, 3, 0.1)
            return str(film.stream["time_base"])

        self.camera.source_info = SourceInfo(160, 120, 10.0, "", "")
        self.camera.live_since = self.clock.seconds()
        self.camera.rate.tick(0.0)
        self.camera.rate.tick(0.01)  # the first ones come together
        self.assertEqual(rate_of("true.avi"), "1/10")
        for number in range(1, 61):
            self.camera.rate.tick(number / 20)
        self.assertEqual(rate_of("untrue.avi"), "1/120")

    def test_a_name_that_is_taken_is_refused(self) -> None:
        (self.folder / "a.mp4").touch()
        with self.assertRaisesRegex(BadArgument, "already"):
            self.recorder.start("a.mp4")
        self.assertEqual(self.recorder.state, "idle")

    def test_a_name_is_taken_before_there_is_a_file(self) -> None:
        other = self.make({})
        for every in (None, 60.0):
            self.recorder.start("a.mp4", every)
            for ask in (other.check, other.start):
                with self.assertRaisesRegex(BadArgument, "already"):
                    ask("a.mp4")
            self.assertEqual(other.state, "idle")
            first, second = self.recorder.name, other.start()
            self.assertNotEqual(first, second)
            self.successResultOf(other.stop())
            self.successResultOf(self.recorder.stop())  # no picture came: its name is free again

    def test_two_automatic_names_of_one_second_are_two(self) -> None:
        self.patch(planning.time, "time", lambda: 1_800_000_000.0)
        other = self.make({})
        names = [self.recorder.start(), other.start()]
        self.assertEqual(names[1], names[0].replace(".mp4", "-2.mp4"))
        self.show(1)
        for recorder, name in ((self.recorder, names[0]), (other, names[1])):
            self.successResultOf(recorder.stop())
            self.assertIn(f"name={name}", read_film(self.folder / name).tags["comment"])

    def test_a_recording_that_got_no_picture_says_that_there_is_no_file(self) -> None:
        broken = Frame(1, START_US, 160, 120, b"\xff\xd8 nothing \xff\xd9")
        for pictures, said in (([], "no picture came"), ([broken], "none of 1 pictures")):
            self.events.clear()
            self.recorder.start("a.mp4")
            for each in pictures:
                self.camera.stream.publish(each)
            self.successResultOf(self.recorder.stop())
            assert self.recorder.failure is not None
            self.assertRegex(str(self.recorder.failure), f"^{said}.*no file a.mp4")
            _, told = self.events
            assert isinstance(told, RecordingChanged)
            self.assertEqual((told.what, told.code), ("failed", "camera-failed"))
            self.assertEqual(list(self.folder.iterdir()), [])
        self.recorder.start("a.mp4")
        self.assertIsNone(self.recorder.failure)

    def test_pictures_that_cannot_be_read_are_not_saved(self) -> None:
        self.recorder = self.make({"preroll": "3s"})
        self.camera.stream.publish(Frame(1, START_US, 160, 120, b"\xff\xd8 nothing \xff\xd9"))
        with self.assertRaisesRegex(CameraFailed, "none of 1 pictures"):
            self.result_of(self.recorder.save_last(3))

    def test_the_pre_roll_is_in_the_file(self) -> None:
        self.recorder = self.make({"preroll": "3s"})
        self.show(10)
        self.recorder.start("a.mkv")
        self.show(2)
        self.successResultOf(self.recorder.stop())
        film = read_film(self.folder / "a.mkv")
        self.near(film.seconds, 5, 0.15)
        self.assertEqual(len(film.times), 51)

    def test_a_pre_roll_continues_with_the_encoder_that_viewers_share(self) -> None:
        for name in ("a.mp4", "a.mkv", "a.mov"):
            self.recorder = self.make({"preroll": "3s", "format": "h264"})
            viewer = type("Viewer", (Sink,), {"take": lambda _, packet: None})()
            self.show(5)
            self.recorder.start(name)
            self.show(2.5)
            watching = self.camera.stream.subscribe(viewer, Wants(("h264",)))
            self.assertEqual(len(self.camera.stream.h264_transcoders), 1)
            self.show(2.5)
            result = self.successResultOf(self.recorder.stop())
            self.successResultOf(watching.close())
            self.assertEqual((result.files, result.dropped), (1, 0))
            film = read_film(self.folder / name)
            self.assertEqual(len(film.times), result.frames)
            self.near(result.frames, 80, 1)
            steps = [after - before for before, after in pairwise(film.times)]
            self.assertLess(max(abs(each - 0.1) for each in steps), 0.002)
            self.recorder.settings = RecordSettings()

    def test_a_new_file_is_begun_when_it_is_due_and_no_frame_is_lost(self) -> None:
        self.recorder = self.make({"segment": "3s"})
        self.recorder.start("a.mp4")
        self.show(9.5)
        result = self.successResultOf(self.recorder.stop())
        self.assertEqual((result.files, result.frames, result.dropped), (4, 95, 0))
        films = [read_film(self.folder / name) for name in ("a.mp4", "a-2.mp4", "a-3.mp4")]
        for film in films:
            self.near(film.seconds, 3, 0.15)

    def test_the_last_seconds_become_a_file_of_their_own(self) -> None:
        self.recorder = self.make({"preroll": "30s", "format": "copy"})
        self.show(5)
        self.recorder.start("a.mkv")
        self.show(1)
        (saved,) = [self.result_of(self.recorder.save_last(2.0))]
        self.assertEqual(saved.frames, 21)
        self.assertEqual(self.recorder.name, "a.mkv")
        self.assertEqual(len(read_film(self.folder / saved.name).times), 21)
        self.assertIn(("saved", saved.name), self.told())
        self.successResultOf(self.recorder.stop())

    def test_without_a_pre_roll_the_camera_s_frames_are_not_taken(self) -> None:
        self.recorder.settings = RecordSettings.from_mapping({"preroll": "3s"})
        self.show(1)
        self.assertEqual(len(self.camera.hub), 1)
        self.recorder.settings = RecordSettings.from_mapping({"preroll": "3s", "crf": 20})
        assert self.recorder.preroll is not None
        self.assertEqual(len(self.recorder.preroll), 10)
        self.recorder.settings = RecordSettings()
        self.assertEqual(len(self.camera.hub), 0)

    def test_a_pre_roll_that_begins_during_a_recording_does_not_change_it(
        self,
    ) -> None:
        self.patch(self.camera.stream, "_make_thread", InlineThread)
        self.recorder = self.make({})
        self.recorder.start("a.mp4")
        self.show(1)
        self.recorder.settings = RecordSettings.from_mapping({"preroll": "3s"})
        self.show(1)
        result = self.successResultOf(self.recorder.stop())
        self.assertIsNone(self.recorder.failure)
        self.assertEqual((result.frames, result.dropped), (20, 0))
        self.near(read_film(self.folder / "a.mp4").seconds, 2, 0.1)
        self.assertEqual(len(self.camera.hub), 1)

    def test_without_a_pre_roll_there_is_nothing_to_save(self) -> None:
        with self.assertRaisesRegex(NotSupported, "preroll=30s"):
            self.result_of(self.recorder.save_last(5))
        self.recorder = self.make({"preroll": "3s"})
        with self.assertRaises(CameraFailed):
            self.result_of(self.recorder.save_last(5))

    def test_a_timelapse_takes_one_frame_in_so_many_seconds(self) -> None:
        self.recorder.start("a.mp4", every=2.0)
        self.show(20)
        result = self.successResultOf(self.recorder.stop())
        self.assertEqual(result.frames, 10)
        self.near(read_film(self.folder / "a.mp4").seconds, 10 / 30, 0.01)

    def test_a_camera_that_was_silent_leaves_a_pause_in_the_file(self) -> None:
        self.recorder.start("a.mkv")
        self.show(2)
        self.camera.stalled = True
        self.become("recovering")
        self.clock.advance(3)
        self.become("live")
        self.show(2)
        result = self.successResultOf(self.recorder.stop())
        self.assertEqual((result.files, round(result.seconds, 1)), (1, 7.0))
        film = read_film(self.folder / "a.mkv")
        self.near(film.longest_gap, 3.1, 0.01)

    def test_a_camera_that_was_lost_ends_the_file_at_once(self) -> None:
        self.recorder.start("a.mkv")
        self.show(2)
        self.become("recovering")
        self.clock.advance(3)
        self.become("live")
        self.show(2)
        self.assertEqual(self.successResultOf(self.recorder.stop()).files, 2)

    def test_in_a_long_outage_the_file_is_finished_and_another_begins_after_it(self) -> None:
        self.recorder.start("a.mkv")
        self.show(2)
        self.become("recovering")
        self.clock.advance(60)
        self.assertTrue((self.folder / "a.mkv").exists())
        self.assertEqual(self.recorder.state, "recording")
        self.become("live")
        self.show(1)
        self.assertEqual(self.recorder.name, "a-2.mkv")
        result = self.successResultOf(self.recorder.stop())
        self.assertEqual((result.files, round(result.seconds, 1)), (2, 3.0))
        told = [("started", "a.mkv"), ("segment", "a.mkv"), ("finished", "a-2.mkv")]
        self.assertEqual(self.told(), told)

    def test_a_camera_that_is_stopped_ends_the_recording(self) -> None:
        self.recorder.start("a.mkv")
        self.show(1)
        self.become("stopped")
        self.assertEqual(self.told()[-1], ("finished", "a.mkv"))
        self.assertEqual(self.recorder.state, "idle")

    def test_a_clock_that_is_set_back_does_not_break_the_file(self) -> None:
        self.recorder.start("a.mp4")
        self.show(2)
        for number in range(20):
            self.clock.advance(0.1)
            early = START_US - 3600 * 10**6 + number * 100_000
            self.camera.stream.publish(Frame(1, early, 160, 120, jpeg(number)))
        self.successResultOf(self.recorder.stop())
        film = read_film(self.folder / "a.mp4")
        self.near(film.seconds, 4.0, 0.1)
        self.assertEqual(len(film.times), 40)

    def test_a_folder_that_is_gone_ends_the_recording_and_says_why(self) -> None:
        self.recorder.start("a.mkv")
        self.show(2)
        shutil.rmtree(self.folder)
        self.show(2)
        self.assertEqual(self.recorder.state, "idle")
        assert self.recorder.failure is not None
        self.assertIn("No such file or directory", str(self.recorder.failure))
        (fault,) = [each for each in self.events if isinstance(each, Fault)]
        self.assertEqual((fault.code, fault.camera), ("disk", "cam"))
        failed = [each for each in self.events if isinstance(each, RecordingChanged)][-1]
        self.assertEqual((failed.what, failed.code), ("failed", "disk"))
        self.assertEqual(len(self.camera.hub), 0)
        self.folder.mkdir()

    def test_a_camera_of_a_size_that_cannot_be_encoded_is_not_recorded(self) -> None:
        for before in (None, Frame(1, START_US, 1, 1, jpeg(1, 1, 1))):
            if before is not None:
                self.camera.stream.publish(before)
            self.recorder.start("a.mp4")
            self.camera.stream.publish(Frame(1, START_US, 1, 1, jpeg(1, 1, 1)))
            self.assertEqual(self.recorder.state, "idle")
            assert self.recorder.failure is not None
            self.assertEqual(self.recorder.failure.code, "not-supported")
            self.assertRegex(str(self.recorder.failure), r"^pictures of 1x1 cannot .*format=copy")
            self.assertEqual(self.told()[-1], ("failed", "a.mp4"))
            self.assertEqual(list(self.folder.iterdir()), [])
        self.assertEqual(self.flushLoggedErrors(), [])
        self.recorder.start("a.mp4")  # its name is free again

    def test_pictures_of_a_size_that_cannot_be_encoded_are_left_out_and_said_once(self) -> None:
        self.show(0.1)
        self.recorder.start("a.mp4")
        asked = self.recorder.wait_for_first_picture()
        with capturedLogs() as logs:
            for size in (1, 1, 2):
                self.camera.stream.publish(Frame(1, START_US, size, 1, jpeg(1, size, 1)))
        why = "^pictures of 1x1 cannot .*format=copy"
        self.assertRegex(str(self.successResultOf(asked)), why)
        self.assertRegex(str(self.recorder.waiting), why)
        self.assertEqual(self.recorder.state, "recording")
        (fault,) = [each for each in self.events if isinstance(each, Fault)]
        self.assertEqual(fault.code, "not-supported")
        self.assertRegex(fault.reason, why)
        self.assertEqual(len([each for each in logs if "recording:" in each["log_format"]]), 1)
        self.successResultOf(self.recorder.stop())
        assert self.recorder.failure is not None
        self.assertEqual(self.recorder.failure.code, "not-supported")
        self.assertRegex(str(self.recorder.failure), why)
        self.assertEqual(self.told()[-1], ("failed", "a.mp4"))
        self.assertEqual(list(self.folder.iterdir()), [])
        self.recorder.start("a.mp4")  # its name is free again

    def test_odd_pictures_among_good_ones_end_no_recording(self) -> None:
        for name in ("a.mp4", "a.mkv", "a.avi", "a.mov"):
            self.recorder.start(name)
            for odd in ODD.values():
                self.show(0.5)
                now = self.clock.seconds()
                self.camera.stream.publish(Frame(1, START_US + round(now * 1e6) + 20_000, *odd))
            self.show(0.5)
            result = self.successResultOf(self.recorder.stop())
            self.assertIsNone(self.recorder.failure)
            self.assertEqual(result.files, 1)
            film = read_film(self.folder / name, decode=name == "a.mp4")
            self.assertEqual(len(film.times), result.frames)
            self.assertGreaterEqual(result.frames, 5 * (len(ODD) + 1))
            self.assertEqual(result.frames + result.dropped, 5 * (len(ODD) + 1) + len(ODD))
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_the_last_seconds_are_saved_without_their_odd_pictures(self) -> None:
        self.recorder = self.make({"preroll": "60s"})
        for odd in ODD.values():
            self.show(0.5)
            now = self.clock.seconds()
            self.camera.stream.publish(Frame(1, START_US + round(now * 1e6) + 20_000, *odd))
        result = self.result_of(self.recorder.save_last(60))
        self.assertGreaterEqual(result.frames, 5 * len(ODD))
        self.assertEqual(result.files, 1)

    def test_what_ffmpeg_cannot_do_is_no_error_of_the_disk(self) -> None:
        def refuse(*_: object, **__: object) -> None:
            raise av.error.InvalidDataError(1, "Invalid data found")

        self.patch(Segment, "_put_tail", refuse)
        self.recorder.start("a.mp4")
        self.show(0.5)
        self.assertEqual(self.recorder.state, "idle")
        assert self.recorder.failure is not None
        self.assertEqual(self.recorder.failure.code, "internal")
        self.assertEqual(
            str(self.recorder.failure), "a.mp4: FFmpeg cannot write it: Invalid data found"
        )

    def test_a_folder_that_cannot_be_made_is_a_disk_error(self) -> None:
        self.folder.rmdir()
        self.folder.write_text("a file")
        with self.assertRaises(DiskError):
            self.recorder.start()
        self.folder.unlink()
        self.folder.mkdir()


class SlowThreadTests(RecorderCase):
    """A disk that hangs."""

    def setUp(self) -> None:
        self.threads: list[ManualThread] = []
        super().setUp()

    def make_thread(self) -> ManualThread:  # type: ignore[override]
        self.threads.append(ManualThread())
        return self.threads[-1]

    def test_the_last_seconds_saved_twice_at_once_are_two_files(self) -> None:
        self.patch(planning.time, "time", lambda: 1_800_000_000.0)
        self.recorder = self.make({"preroll": "3s"})
        self.show(2)
        saving = [Deferred.fromCoroutine(self.recorder.save_last(1)) for _ in range(2)]
        self.work()
        first, second = (self.successResultOf(each).name for each in saving)
        self.assertEqual(second, first.replace(".mp4", "-2.mp4"))
        self.assertEqual({each.name for each in self.folder.iterdir()}, {first, second})

    def work(self) -> None:
        """The threads do what they have to, in turns."""
        while any(thread.waiting for thread in self.threads):
            for thread in self.threads:
                if thread.waiting:
                    thread.step()

    def test_frames_are_left_out_and_counted_and_the_camera_goes_on(self) -> None:
        seen = []
        self.camera.hub.add(type("Taker", (Sink,), {"take": lambda _, frame: seen.append(frame)})())
        self.recorder.start("a.mkv")
        self.show(60)
        self.assertEqual(len(seen), 600)
        self.assertGreater(self.recorder.dropped, 300)
        stopping = self.recorder.stop()
        self.work()
        result = self.successResultOf(stopping)
        self.assertEqual(result.frames + result.dropped, 600)
        self.assertIn(
            f"dropped={result.dropped:010d}", read_film(self.folder / "a.mkv").tags["comment"]
        )
