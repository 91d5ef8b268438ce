"""Several requests for one recording, and what ends it."""

from __future__ import annotations

from tests.recording.test_recorder import RecorderCase
from tests.support.fakes import ManualThread
from tests.support.films import read_film
from twistedcam.errors import BadArgument
from twistedcam.recording.continuous import PERIOD


class RequestTests(RecorderCase):
    """A recorder that several parts of a server ask to record."""

    def test_a_recording_runs_until_the_last_request_is_released(self) -> None:
        motion = self.recorder.request("motion")
        self.show(1)
        button = self.recorder.request("command")
        self.assertEqual(button.name, motion.name)
        self.assertEqual(self.recorder.reasons, {"motion", "command"})
        self.assertIsNone(self.successResultOf(motion.release()))
        self.show(1)
        self.assertEqual(self.recorder.state, "recording")
        progress = self.successResultOf(button.release())
        assert progress is not None
        self.assertEqual((progress.name, progress.frames), (button.name, 20))
        self.assertEqual(self.recorder.state, "idle")
        self.assertEqual([what for what, _ in self.told()], ["started", "finished"])

    def test_two_requests_of_one_reason_are_released_each(self) -> None:
        first, second = self.recorder.request("motion"), self.recorder.request("motion")
        self.successResultOf(first.release())
        self.successResultOf(first.release())  # a second time changes nothing
        self.assertEqual(self.recorder.state, "recording")
        self.successResultOf(second.release())
        self.assertEqual(self.recorder.state, "idle")

    def test_motion_does_not_end_what_a_person_has_started(self) -> None:
        self.recorder.start("mine.mkv")
        motion = self.recorder.request("motion")
        self.assertEqual(motion.name, "mine.mkv")
        self.show(1)
        self.successResultOf(motion.release())
        self.show(1)
        self.successResultOf(self.recorder.stop())
        self.assertEqual(len(read_film(self.folder / "mine.mkv").times), 20)

    def test_stop_ends_the_recording_whatever_holds_it(self) -> None:
        motion = self.recorder.request("motion")
        self.recorder.start()
        self.show(1)
        progress = self.successResultOf(self.recorder.stop())
        assert progress is not None
        self.assertEqual((progress.frames, self.recorder.state), (10, "idle"))
        self.assertEqual(self.recorder.reasons, set())
        self.recorder.start("next.mkv")
        self.assertIsNone(self.successResultOf(motion.release()))  # of the recording before
        self.assertEqual((self.recorder.state, self.recorder.name), ("recording", "next.mkv"))
        self.recorder.stop()

    def test_a_camera_that_is_stopped_ends_it_too(self) -> None:
        motion = self.recorder.request("motion")
        self.show(1)
        self.become("stopped")
        self.assertEqual((self.recorder.state, self.recorder.reasons), ("idle", set()))
        self.assertIsNone(self.successResultOf(motion.release()))

    def test_a_request_for_another_file_or_a_timelapse_is_refused(self) -> None:
        motion = self.recorder.request("motion")
        for name, every in (("other.mp4", None), (None, 10.0)):
            with self.assertRaisesRegex(BadArgument, f"recorded already, to {motion.name}"):
                self.recorder.request("command", name, every)
        self.assertEqual(self.recorder.reasons, {"motion"})
        self.successResultOf(motion.release())

    def test_a_recording_that_began_with_the_server_outlives_other_requests(self) -> None:
        self.camera.state = "live"
        self.recorder = self.make({"at_start": "on", "format": "copy"})
        self.recorder.start_with_server()
        motion = self.recorder.request("motion")
        self.show(1)
        self.assertIsNone(self.successResultOf(motion.release()))
        self.assertEqual((self.recorder.state, self.recorder.reasons), ("recording", {"at_start"}))
        self.recorder.stop()
        self.clock.advance(PERIOD * 100)
        self.assertEqual(self.recorder.state, "idle")

    def test_the_server_joins_a_recording_that_runs_already(self) -> None:
        self.camera.state = "live"
        self.recorder = self.make({"at_start": "on", "format": "copy"})
        motion = self.recorder.request("motion")
        self.recorder.start_with_server()
        self.show(1)
        self.successResultOf(motion.release())
        self.assertEqual((self.recorder.state, self.recorder.name), ("recording", motion.name))
        self.recorder.stop()


class SlowDiskTests(RecorderCase):
    """Requests while the file before is still being finished."""

    def setUp(self) -> None:
        self.thread = ManualThread()
        self.make_thread = lambda: self.thread  # type: ignore[method-assign,assignment]
        super().setUp()

    def work(self) -> None:
        """Make all calls that wait for the disk."""
        while self.thread.waiting:
            self.thread.step()

    def test_a_request_is_refused_and_the_server_s_recording_begins_later(self) -> None:
        self.camera.state = "live"
        self.recorder = self.make({"at_start": "on", "format": "copy"})
        motion = self.recorder.request("motion")
        self.show(1)
        released = motion.release()
        self.assertEqual(self.recorder.state, "finishing")
        with self.assertRaisesRegex(BadArgument, "still being finished"):
            self.recorder.request("command")
        self.recorder.start_with_server()
        self.work()
        self.assertIsNotNone(self.successResultOf(released))
        self.assertEqual(self.recorder.state, "idle")
        self.clock.advance(PERIOD)
        self.assertEqual((self.recorder.state, self.recorder.reasons), ("recording", {"at_start"}))
        self.recorder.stop()
        self.work()
