"""Writing a recording on threads of its own."""

from __future__ import annotations

import tempfile
from pathlib import Path
from shutil import rmtree

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from tests.support.fakes import InlineThread, ManualThread
from tests.support.films import changed, frame_times, h264_packets, read_film, timed_frames
from twistedcam.errors import CommandError
from twistedcam.recording.settings import RecordSettings
from twistedcam.recording.writer.job import WriteJob, write_frames
from twistedcam.recording.writer.plan import Plan, make_plan
from twistedcam.recording.writer.segment import SegmentResult


class Listener:
    """Keeps what a job tells."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def on_first_frame(self) -> None:
        self.told.append("first frame")

    def on_published(self, result: SegmentResult) -> None:
        self.told.append(f"{result.name} {result.frames}")

    def on_left_out(self, reason: str) -> None:
        self.told.append(reason)

    def on_failed(self, error: CommandError) -> None:
        self.told.append(error.code)


class JobTests(SynchronousTestCase):
    """Threads on which calls wait for the test."""

    def setUp(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.addCleanup(rmtree, self.folder)
        self.listener, self.threads = Listener(), list[ManualThread]()

    def plan(self, name: str = "a.mkv") -> Plan:
        return make_plan(self.folder, "cam", name, RecordSettings(), None)

    def make_thread(self) -> ManualThread:
        self.threads.append(ManualThread())
        return self.threads[-1]

    def work(self) -> None:
        while any(each.waiting for each in self.threads):
            for each in self.threads:
                if each.waiting:
                    each.step()

    def test_frames_from_before_come_first_and_the_end_waits_for_all(self) -> None:
        before, after = timed_frames([0, 0.1]), timed_frames([0.2, 0.3])
        job = WriteJob(self.plan(), before, self.make_thread, self.listener)
        for each in after:
            self.assertTrue(job.offer(each))
        finished = job.finish(None)
        self.assertNoResult(finished)
        self.work()
        progress = self.successResultOf(finished)
        self.assertEqual((progress.frames, progress.name, job.dropped), (4, "a.mkv", 0))
        self.assertEqual(self.listener.told, ["first frame", "a.mkv 4"])
        self.assertTrue(all(each.ended for each in self.threads))
        self.assertEqual(len(read_film(self.folder / "a.mkv").times), 4)

    def test_a_split_begins_another_file_with_the_next_frame(self) -> None:
        job = WriteJob(self.plan(), [], self.make_thread, self.listener)
        job.offer(timed_frames([0])[0])
        self.work()
        job.split()
        self.work()
        job.offer(timed_frames([1])[0])
        finished = job.finish(None)
        self.work()
        self.assertEqual(self.successResultOf(finished).files, 2)
        self.assertEqual(self.listener.told, ["first frame", "a.mkv 1", "a-2.mkv 1"])

    def test_each_file_that_gets_no_more_pictures_is_told_with_the_progress(self) -> None:
        job, left = WriteJob(self.plan(), [], self.make_thread, self.listener), list[str]()
        job.on_file_left = lambda before, now: left.append(before.name)
        for times in ([0, 0.1], [0.2, 0.3]):
            for each in timed_frames(times):
                job.offer(each)
            self.work()
            job.split()
            self.work()
        job.finish(None)
        self.work()
        self.assertEqual(left, ["a.mkv", "a-2.mkv"])

    def test_coded_packets_are_written_several_at_once_and_none_is_kept_back_at_the_end(
        self,
    ) -> None:
        job = WriteJob(self.plan("a.mp4"), [], self.make_thread, self.listener)
        writer = self.threads[0]
        packets = h264_packets(n / 25 for n in range(20))
        job.offer(packets[0])
        self.work()
        self.assertEqual(self.listener.told, ["first frame"])
        turns = 0
        for each in packets[1:]:
            job.offer(each)
            turns += bool(writer.waiting)
            self.work()
        self.assertLess(turns, 5)
        finished = job.finish(None)
        self.work()
        self.assertEqual(self.successResultOf(finished).frames, 20)

    def test_what_was_gathered_is_on_the_disk_afterwards(self) -> None:
        for name, most in (("a.mp4", 2), ("b.mkv", 4)):
            job = WriteJob(self.plan(name), [], self.make_thread, self.listener)
            writer, turns, late = self.threads[-2], 0, list[int]()
            for number, each in enumerate(h264_packets(n / 25 for n in range(38))):
                job.offer(each)
                turns += bool(writer.waiting)
                self.work()
                path = self.folder / f".{name}.part"
                late.append(number + 1 - len(frame_times(path, decode=False)))
            self.assertLessEqual(max(late) / 25, 0.75)
            self.assertLessEqual(turns / 1.5, most + 0.7)
            job.finish(None)
            self.work()

    def test_an_error_is_told_once_and_what_waits_is_counted(self) -> None:
        job = WriteJob(self.plan(), [], self.make_thread, self.listener)
        for each in timed_frames([0, 0.1, 0.2]):
            job.offer(each)
        self.folder.chmod(0o700)
        (self.folder / ".a.mkv.part").mkdir()  # no file can be made there
        rmtree(self.folder)
        self.work()
        finished = job.finish(None)
        self.work()
        self.assertEqual(self.successResultOf(finished).frames + job.dropped, 3)
        self.assertEqual(self.listener.told, ["disk"])
        self.folder.mkdir()

    def test_a_reason_for_left_out_pictures_is_told_once(self) -> None:
        broken = [changed(each, jpeg=b"\xff\xd8 no \xff\xd9") for each in timed_frames([0, 0.1])]
        job = WriteJob(self.plan("a.mp4"), broken, self.make_thread, self.listener)
        finished = job.finish(None)
        self.work()
        self.successResultOf(finished)
        self.assertEqual(self.listener.told, ["pictures that cannot be decoded are left out"])

    def test_frames_in_memory_become_a_file(self) -> None:
        made = Deferred.fromCoroutine(
            write_frames(self.plan(), timed_frames([0, 0.1]), InlineThread)
        )
        progress, file = self.successResultOf(made)
        assert file is not None
        self.assertEqual((progress.frames, file.name), (2, "a.mkv"))
        none = Deferred.fromCoroutine(write_frames(self.plan("b.mkv"), [], InlineThread))
        self.assertIsNone(self.successResultOf(none)[1])
        small = [changed(each, width=1) for each in timed_frames([0])]
        saved = Deferred.fromCoroutine(write_frames(self.plan("c.mp4"), small, InlineThread))
        progress, file = self.successResultOf(saved)
        self.assertIsNone(file)
        self.assertIn("cannot be encoded", progress.unsupported or "")
