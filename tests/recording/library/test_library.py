"""The recordings folder: what is in it, and what goes."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import av
import cv2
import numpy as np
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.support.fakes import InlineReader, InlineThread
from tests.support.films import frame, read_film
from twistedcam.errors import BadArgument, DiskError, NoSuchRecording
from twistedcam.events import Event, EventBus, RecordingChanged
from twistedcam.recording import Item, Library, RetentionLimits, RetentionService
from twistedcam.recording.library import age, library, recovery
from twistedcam.recording.library import index as index_module
from twistedcam.recording.library.age import Ages
from twistedcam.recording.library.hidden_folder import HIDDEN
from twistedcam.recording.library.retention import too_many
from twistedcam.recording.writer import segment
from twistedcam.recording.writer.single_file import FileRecording


def make_recording(
    path: Path, count: int = 30, start: float = 0.0, made: float | None = None
) -> None:
    """A recording of ten frames a second.

    Arguments:
        start: when its first frame was captured, in seconds after that of others.
        made: what this computer's clock says then; if nothing else is said, the same.
    """
    clock = SimpleNamespace(time=lambda: frame(start if made is None else made).time)
    recording = FileRecording(path, "cam")
    with (
        patch.object(segment, "time", clock),
        patch.object(segment, "boot_id", lambda: "0" * 16),  # of an earlier boot
    ):
        recording.write(frame(start + n / 10, n) for n in range(count))
        recording.close()


class LibraryCase(SynchronousTestCase):
    """A library on a folder of its own."""

    def setUp(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)
        self.bus = EventBus()
        self.events: list[Event] = []
        self.bus.subscribe(self.events.append)
        self.written: list[Item] = []
        self.library = self.open()

    def open(self) -> Library:
        """A library as after a start of the program."""
        return Library(self.folder, self.bus, InlineThread, lambda: self.written, InlineReader())

    def get(self, coroutine: Any) -> Any:
        """What a coroutine gives; its error is raised."""
        results: list[Any] = []
        failures: list[Any] = []
        Deferred.fromCoroutine(coroutine).addCallbacks(results.append, failures.append)
        if failures:
            raise failures[0].value
        return results[0]

    def names(self) -> list[str]:
        """What is listed, in its order."""
        return [item.recording for item in self.get(self.library.list())]


class ListingTests(LibraryCase):
    def test_a_recording_is_listed_as_it_is(self) -> None:
        make_recording(self.folder / "a.mp4", 30)
        (item,) = self.get(self.library.list())
        self.assertEqual((item.recording, item.camera, item.codec), ("a.mp4", "cam", "h264"))
        self.assertEqual((item.width, item.height, item.dropped), (160, 120, 0))
        self.assertEqual((item.complete, item.own), (True, True))
        self.assertEqual(item.size, (self.folder / "a.mp4").stat().st_size)
        self.assertLess(abs(item.seconds - 3.0), 0.04)
        self.assertLess(abs(item.start - frame(0).time), 0.001)

    def test_every_container_says_how_long_it_plays_and_when_it_began(self) -> None:
        for suffix in ("mp4", "mkv", "avi", "mov"):
            make_recording(self.folder / f"a.{suffix}", 30)
        for item in self.get(self.library.list()):
            self.assertLess(abs(item.seconds - 3.0), 0.11, item)
            self.assertLess(abs(item.start - frame(0).time), 0.001, item)
            self.assertTrue(item.own, item)

    def test_the_newest_is_first_and_what_is_being_written_is_among_them(self) -> None:
        for number, name in enumerate(("b.mkv", "a.mkv", "c.mkv")):
            make_recording(self.folder / name, 3, number * 100.0)
        self.written = [Item("now.mp4", "cam", frame(150).time, 1.0, 99, complete=False)]
        self.assertEqual(self.names(), ["c.mkv", "now.mp4", "a.mkv", "b.mkv"])

    def test_a_recording_that_is_finished_meanwhile_is_listed_once(self) -> None:
        make_recording(self.folder / "now.mkv", 3)
        self.written = [Item("now.mkv", "cam", frame(0).time, 1.0, 99, complete=False)]
        (item,) = self.get(self.library.list())
        self.assertTrue(item.complete)

    def test_a_film_copied_in_by_hand_is_listed_and_is_not_our_own(self) -> None:
        make_recording(self.folder / "a.mkv")
        shutil.copy(self.folder / "a.mkv", self.folder / "kept.mkv")
        (self.folder / "broken.mp4").write_bytes(b"no film")
        (self.folder / "notes.txt").write_text("no film either")
        os.mkdir(self.folder / "folder.mp4")
        items = {item.recording: item for item in self.get(self.library.list())}
        self.assertEqual(set(items), {"a.mkv", "kept.mkv", "broken.mp4"})
        self.assertEqual((items["kept.mkv"].codec, items["kept.mkv"].own), ("mjpeg", False))
        self.assertEqual((items["broken.mp4"].codec, items["broken.mp4"].seconds), (None, None))

    def test_each_file_is_read_once_even_over_a_restart(self) -> None:
        for number in range(5):
            make_recording(self.folder / f"{number}.mkv", 3)
        read: list[str] = []
        real = index_module.probe
        self.patch(index_module, "probe", lambda name, *to: read.append(name) or real(name, *to))
        self.assertEqual(len(self.names()), 5)
        self.assertEqual(len(self.names()), 5)
        self.library = self.open()
        before = self.get(self.library.list())
        self.assertEqual(len(read), 5)
        make_recording(self.folder / "new.mkv", 3, 60)
        os.utime(self.folder / "0.mkv", (1, 1))
        self.assertEqual(self.names()[0], "new.mkv")
        self.assertEqual(sorted(read[5:]), ["0.mkv", "new.mkv"])
        (self.folder / HIDDEN / "index.json").write_text('{"version": 1, "files": [{}]}')
        self.library = self.open()
        self.assertEqual(self.get(self.library.list())[1:], before)

    def test_ten_thousand_recordings_are_listed_without_opening_one(self) -> None:
        make_recording(self.folder / "a.mkv", 2)
        (item,) = self.get(self.library.list())
        for number in range(9_999):
            os.link(self.folder / "a.mkv", self.folder / f"{number}.mkv")
        read: list[str] = []
        made = lambda name, *_: read.append(name) or replace(item, recording=name)  # noqa: E731
        self.patch(index_module, "probe", made)
        self.assertEqual(len(self.names()), 10_000)
        self.assertEqual(len(self.names()), 10_000)
        self.assertEqual(len(read), 9_999)

    def test_a_thumbnail_is_the_first_picture_made_small_once(self) -> None:
        make_recording(self.folder / "a.mp4", 3)
        data = self.get(self.library.thumbnail("a.mp4"))
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
        assert image is not None
        self.assertEqual(image.shape, (120, 160, 3))
        self.assertLess(np.abs(image[30, 40].astype(int) - (40, 120, 200)).max(), 12)
        kept = self.folder / HIDDEN / "thumbnails" / "a.mp4.jpg"
        kept.write_bytes(b"\xff\xd8\xff kept \xff\xd9")
        self.assertEqual(self.get(self.library.thumbnail("a.mp4")), kept.read_bytes())
        self.get(self.library.delete("a.mp4"))
        self.assertFalse(kept.exists())

    def test_a_thumbnail_that_cannot_be_kept_is_made_anew(self) -> None:
        make_recording(self.folder / "a.mp4", 3)
        shutil.rmtree(self.folder / HIDDEN, ignore_errors=True)
        (self.folder / HIDDEN).write_text("a file where a folder would be")
        self.assertTrue(self.get(self.library.thumbnail("a.mp4")).startswith(b"\xff\xd8"))

    def test_what_has_no_picture_has_no_thumbnail(self) -> None:
        (self.folder / "broken.mp4").write_bytes(b"no film")
        with av.open(str(self.folder / "sound.mkv"), "w") as container:
            stream = container.add_stream("pcm_s16le", rate=8000)
            sound = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), "s16", "mono")
            sound.sample_rate = 8000
            container.mux(stream.encode(sound))  # type: ignore[attr-defined]
        for name, said in (("broken.mp4", "cannot be read"), ("sound.mkv", "no picture in it")):
            with self.assertRaisesRegex(NoSuchRecording, said):
                self.get(self.library.thumbnail(name))

    def test_there_is_no_way_out_of_the_folder(self) -> None:
        outside = self.folder.parent / "outside.mp4"
        for name in (
            "../outside.mp4",
            str(outside),
            "..",
            "",
            ".twistedcam",
            "a\0.mp4",
            "none.mp4",
            "x/../none.mp4",
            "n" * 300 + ".mp4",
        ):
            for ask in (self.library.thumbnail, self.library.delete):
                with self.assertRaises(NoSuchRecording):
                    self.get(ask(name))

    def test_what_was_copied_in_can_be_deleted_whatever_its_name(self) -> None:
        make_recording(self.folder / "a.mkv", 3)
        names = ["A..B.mkv", "ä" * 125 + ".mkv", "a\\b.mkv", "two%0Alines.mkv"]
        for name in names:
            shutil.copy(self.folder / "a.mkv", self.folder / name.replace("%0A", "\n"))
        self.assertEqual(set(self.names()), {"a.mkv", *names})
        for name in names:
            self.assertTrue(self.get(self.library.thumbnail(name)).startswith(b"\xff\xd8"))
            self.get(self.library.delete(name))
        self.assertEqual(self.names(), ["a.mkv"])

    def test_what_is_being_written_cannot_be_deleted(self) -> None:
        self.written = [Item("now.mp4", "cam", 0.0, 1.0, 99, complete=False)]
        with self.assertRaisesRegex(BadArgument, "record stop"):
            self.get(self.library.delete("now.mp4"))

    def test_a_folder_that_is_a_file_is_a_disk_error(self) -> None:
        (self.folder / "x").write_text("")
        library = Library(self.folder / "x", self.bus, InlineThread, reader=InlineReader())
        with self.assertRaises(DiskError):
            self.get(library.list())


class RetentionTests(LibraryCase):
    def setUp(self) -> None:
        super().setUp()
        self.patch(age, "is_synchronized", lambda: True)
        for number in range(5):
            make_recording(self.folder / f"{number}.mkv", 20, number * 86400.0)
        self.size = (self.folder / "0.mkv").stat().st_size
        self.foreign = self.folder / "0-mine.mkv"
        shutil.copy(self.folder / "0.mkv", self.foreign)
        (self.folder / "holiday.mp4").write_bytes(bytes(10_000_000))

    def test_the_oldest_go_until_the_rest_fits(self) -> None:
        gone = self.get(self.library.make_room(RetentionLimits(keep=int(self.size * 3.5))))
        self.assertEqual(gone, ["0.mkv", "1.mkv"])
        self.assertEqual(
            self.names(), [*("holiday.mp4", "4.mkv", "3.mkv", "2.mkv"), self.foreign.name]
        )
        told = [e.name for e in self.events if isinstance(e, RecordingChanged)]
        self.assertEqual(told, gone)

    def test_what_is_older_than_some_days_goes(self) -> None:
        days = (time.time() - frame(2 * 86400.0).time) / 86400 + 0.5
        self.assertEqual(
            self.get(self.library.make_room(RetentionLimits(keep_days=days))), ["0.mkv", "1.mkv"]
        )

    def test_a_camera_s_wrong_clock_costs_neither_its_own_new_recordings_nor_others(self) -> None:
        day = 86400.0
        make_recording(self.folder / "behind.mkv", 20, -3000 * day, made=5 * day)
        make_recording(self.folder / "ahead.mkv", 20, 3000 * day, made=1.5 * day)
        gone = self.get(self.library.make_room(RetentionLimits(keep=int(self.size * 3.5))))
        self.assertEqual(gone, ["0.mkv", "1.mkv", "ahead.mkv", "2.mkv"])
        days = (time.time() - frame(3.5 * day).time) / day
        self.assertEqual(
            self.get(self.library.make_room(RetentionLimits(keep_days=days))), ["3.mkv"]
        )
        self.assertTrue((self.folder / "behind.mkv").exists())

    def test_a_file_that_is_touched_or_put_back_is_as_old_as_it_was(self) -> None:
        for name, changed in (("0.mkv", time.time()), ("4.mkv", 1.0)):
            os.utime(self.folder / name, (changed, changed))
        shutil.copy(self.folder / "1.mkv", self.folder.parent / f"{self.folder.name}.mkv")
        shutil.move(self.folder.parent / f"{self.folder.name}.mkv", self.folder / "1.mkv")
        gone = self.get(self.library.make_room(RetentionLimits(keep=int(self.size * 2.5))))
        self.assertEqual(gone, ["0.mkv", "1.mkv", "2.mkv"])

    def test_a_file_that_does_not_say_when_it_was_made_is_as_old_as_its_last_change(self) -> None:
        for name in ("0.mkv", "4.mkv"):
            data = (self.folder / name).read_bytes()
            at = data.index(b" made=")
            gap = data.index(b" name=", at) - at
            # As version 0.1.0 wrote it, padded: the comment's length is in the file.
            said = data[:at] + data[at + gap :].replace(
                b"name=" + name.encode(), b"name=" + name.encode() + bytes(gap), 1
            )
            (self.folder / name).write_bytes(said)
        gone = self.get(self.library.make_room(RetentionLimits(keep=int(self.size * 2.5))))
        self.assertEqual(gone, ["1.mkv", "2.mkv", "3.mkv"])

    def test_one_that_cannot_be_deleted_is_named_once_and_the_next_ones_go(self) -> None:
        real = Path.unlink

        def unlink(path: Path, missing_ok: bool = False) -> None:
            if path.name == "1.mkv":
                raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))
            real(path, missing_ok)

        said: list[str] = []
        self.patch(library.log, "warn", lambda text, **values: said.append(text.format(**values)))
        limits = RetentionLimits(keep=int(self.size * 2.5))
        with patch.object(Path, "unlink", unlink):
            self.assertEqual(self.get(self.library.make_room(limits)), ["0.mkv", "2.mkv", "3.mkv"])
            for _ in range(3):
                self.assertEqual(self.get(self.library.make_room(limits)), [])
            with self.assertRaisesRegex(DiskError, r"1\.mkv cannot be deleted: Operation"):
                self.get(self.library.delete("1.mkv"))
        (line,) = said
        self.assertTrue(line.startswith("1.mkv cannot be deleted: Operation not permitted"), line)
        tight = RetentionLimits(keep=int(self.size * 1.5))
        self.assertEqual(self.get(self.library.make_room(tight)), ["1.mkv"])

    def test_nothing_else_ever_goes(self) -> None:
        self.written = [Item("now.mkv", "cam", 0.0, 1.0, 99, complete=False, own=True)]
        self.get(self.library.make_room(RetentionLimits(keep=1, keep_days=0.001, keep_free=2**60)))
        self.assertEqual(set(self.names()), {"holiday.mp4", self.foreign.name, "now.mkv"})

    def test_one_camera_s_limits_are_for_its_own_recordings(self) -> None:
        other = frozenset({"other"})
        self.assertEqual(self.get(self.library.make_room(RetentionLimits(keep=1), other)), [])

    def test_room_is_made_at_the_start_and_after_every_recording(self) -> None:
        limits = [RetentionLimits(keep=int(self.size * 4.5))]
        clock: Any = Clock()
        service = RetentionService(
            self.library, self.bus, clock, lambda: [(each, None) for each in limits]
        )
        service.start()
        self.assertFalse((self.folder / "0.mkv").exists())
        limits[:] = [RetentionLimits(keep=int(self.size * 3.5))]
        self.bus.publish(RecordingChanged("cam", "finished", "x"))
        self.assertFalse((self.folder / "1.mkv").exists())
        limits[:] = [RetentionLimits(keep=int(self.size * 2.5))]
        clock.advance(10)
        self.assertFalse((self.folder / "2.mkv").exists())
        service.stop()
        self.assertEqual(clock.getDelayedCalls(), [])


def test_what_is_free_counts_what_has_been_deleted() -> None:
    items = [Item(str(n), "cam", float(n), 1.0, 100, own=True) for n in range(5)]
    going = too_many(items, RetentionLimits(keep_free=250), Ages(Path("none")), 100)
    assert [item.recording for item in going] == ["0", "1"]


class RecoveryTests(LibraryCase):
    def leave(self, name: str, count: int = 60, cut: int = 0) -> int:
        """A file as a crash leaves it, without its last ``cut`` bytes; the frames it can hold."""
        recording = FileRecording(self.folder / name, "cam")
        recording.write(frame(n / 30, n) for n in range(count))
        part = self.folder / f".{name}.part"
        data = part.read_bytes()
        part.unlink()  # the lock is on the file, not on its name
        part.write_bytes(data[: len(data) - cut])
        return count

    def recovered(self) -> list[str]:
        """What was told of recoveries."""
        found = [each for each in self.events if isinstance(each, RecordingChanged)]
        return [each.name for each in found if each.what == "recovered"]

    def test_what_a_crash_left_is_finished_and_told(self) -> None:
        for suffix in ("mp4", "mkv", "avi", "mov"):
            for cut in (0, 1, 700, 3001):
                name = f"a{cut}.{suffix}"
                self.leave(name, cut=cut)
                self.get(self.library.recover())
                film = read_film(self.folder / name)
                self.assertGreater(len(film.times), 20, name)
                length = len(film.times) / 30
                self.assertLess(abs(film.seconds - length), 0.05, (name, film.seconds, length))
                self.assertEqual(self.recovered()[-1], name)
                self.assertTrue(film.tags["creation_time"].startswith("2025-06-15"), film.tags)
        self.assertEqual([each for each in self.folder.iterdir() if each.suffix == ".part"], [])
        (item, *_) = self.get(self.library.list())
        self.assertEqual((item.camera, item.own), ("cam", True))

    def test_a_fragment_torn_anywhere_costs_itself_alone(self) -> None:
        recording = FileRecording(self.folder / "a.mp4", "cam")
        recording.write(frame(n / 30, n) for n in range(60))
        data = (self.folder / ".a.mp4.part").read_bytes()
        recording.close()
        last = data.rindex(b"moof") - 4
        for kept in (*range(last, last + 60), *range(last + 60, last + 400, 20)):
            (self.folder / ".b.mp4.part").write_bytes(data[:kept])
            (found,) = self.get(self.library.recover())
            self.assertGreaterEqual(found.frames, 36, kept - last)
            assert found.name is not None
            (self.folder / found.name).unlink()

    def test_of_a_slow_camera_all_is_finished_but_what_was_torn(self) -> None:
        for suffix in ("mp4", "mov", "mkv", "avi"):
            recording = FileRecording(self.folder / f"a.{suffix}", "cam")
            recording.write(frame(n * 5.0, n) for n in range(4))
            data = (self.folder / f".a.{suffix}.part").read_bytes()
            recording.close()
            for cut in (0, 1, *range(20, 380, 40)):
                (self.folder / f".b.{suffix}.part").write_bytes(data[: len(data) - cut])
                (found,) = self.get(self.library.recover())
                self.assertGreaterEqual(found.frames, 2 if cut else 4, (suffix, cut))
                assert found.name is not None
                self.assertEqual(len(read_film(self.folder / found.name).times), found.frames)
                (self.folder / found.name).unlink()

    def test_what_cannot_be_read_is_never_deleted(self) -> None:
        (self.folder / ".a.mkv.part").write_bytes(b"something else")
        (found,) = self.get(self.library.recover())
        self.assertEqual((found.name, found.kept), (None, True))
        self.assertTrue((self.folder / ".a.mkv.part").exists())

    def test_a_file_that_is_being_written_is_left_alone(self) -> None:
        recording = FileRecording(self.folder / "a.mkv", "cam")
        recording.write(frame(n / 30, n) for n in range(60))
        self.assertEqual(self.get(self.library.recover()), [])
        recording.close()
        self.assertEqual(len(read_film(self.folder / "a.mkv").times), 60)

    def test_what_holds_no_picture_is_deleted_and_no_name_is_taken_twice(self) -> None:
        (self.folder / ".empty.mp4.part").write_bytes(b"")
        (self.folder / ".a.mkv.whole").write_bytes(b"half a copy")
        (self.folder / ".foreign.part").write_bytes(b"somebody's download")
        make_recording(self.folder / "a.mkv")
        self.leave("b.mkv")
        os.rename(self.folder / ".b.mkv.part", self.folder / ".a.mkv.part")
        found = self.get(self.library.recover())
        self.assertEqual([each.name for each in found], ["a-2.mkv", None])
        left = {each.name for each in self.folder.iterdir()}
        self.assertEqual(left, {"a.mkv", "a-2.mkv", ".foreign.part"})

    def test_without_room_for_a_copy_the_film_itself_gets_its_name(self) -> None:
        self.leave("a.mkv")
        for suffix in ("mp4", "avi"):
            self.leave(f"b.{suffix}")

        def full(*_: object) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        self.patch(InlineReader, "copy", full)
        found = self.get(self.library.recover())
        self.assertEqual({each.name for each in found}, {"a.mkv", "b.mp4", "b.avi"})
        for each in found:
            self.assertEqual((each.whole, each.frames), (False, 0))
            self.assertGreater(each.bytes, 5_000)
            self.assertGreater(len(read_film(self.folder / each.name).times), 40)

    def test_one_picture_that_was_torn_is_no_film(self) -> None:
        self.leave("a.avi")
        part = self.folder / ".a.avi.part"
        data = part.read_bytes()
        part.write_bytes(data[: data.index(b"\xff\xd8\xff") + 100])
        (found,) = self.get(self.library.recover())
        self.assertEqual((found.name, found.kept), (None, False))
        self.assertEqual([each for each in self.folder.iterdir() if each.is_file()], [])

    def test_a_folder_that_is_gone_has_nothing_to_recover(self) -> None:
        self.assertEqual(list(recovery.recover(self.folder / "gone", InlineReader())), [])
