"""Recordings that are listed and deleted."""

from __future__ import annotations

import os
import shutil

from tests.support.fakes import InlineReader, InlineThread
from tests.support.films import frame
from tests.support.recordings import LibraryCase, make_recording
from twistedcam.errors import BadArgument, DiskError, NoSuchRecording
from twistedcam.events import RecordingChanged
from twistedcam.recording import Library, LibraryEntry


class LibraryTests(LibraryCase):
    def changes(self) -> list[RecordingChanged]:
        return [each for each in self.events if isinstance(each, RecordingChanged)]

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
        self.written = [LibraryEntry("now.mp4", "cam", frame(150).time, 1.0, 99, complete=False)]
        self.assertEqual(self.names(), ["c.mkv", "now.mp4", "a.mkv", "b.mkv"])

    def test_a_recording_that_is_finished_meanwhile_is_listed_once(self) -> None:
        make_recording(self.folder / "now.mkv", 3)
        self.written = [LibraryEntry("now.mkv", "cam", frame(0).time, 1.0, 99, complete=False)]
        (item,) = self.get(self.library.list())
        self.assertTrue(item.complete)

    def test_a_file_that_was_just_written_is_among_the_times_before_it_is_read(self) -> None:
        make_recording(self.folder / "a.mkv", 10)
        make_recording(self.folder / "part.mkv", 10, 1.0)
        (self.folder / "part.mkv").rename(self.folder / ".b.mkv.part")
        begun = frame(0).time
        self.just_written = [
            LibraryEntry(name, "cam", begun + at, 1.0, 99, complete=False)
            for at, name in enumerate(("a.mkv", "b.mkv", "deleted.mkv"))
        ]
        times, writing = self.get(self.library.times())
        self.assertEqual(times.cameras(), {})
        self.assertEqual([each.recording for each in writing], ["a.mkv", "b.mkv"])
        times, writing = self.get(self.library.times())  # it was read after the first answer
        self.assertEqual(times.cameras()["cam"].recordings, 1)
        (span,) = times.spans("cam", writing=writing)
        self.assertEqual([each.recording for each in span.entries], ["a.mkv", "b.mkv"])

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
        self.written = [LibraryEntry("now.mp4", "cam", 0.0, 1.0, 99, complete=False)]
        with self.assertRaisesRegex(BadArgument, "record stop"):
            self.get(self.library.delete("now.mp4"))

    def test_what_is_deleted_renamed_and_protected_is_reported_with_its_camera(self) -> None:
        make_recording(self.folder / "a.mkv", 3)
        shutil.copy(self.folder / "a.mkv", self.folder / "cam_2026-06-01_18-00-00.jpg")
        (self.folder / "cut.mkv").write_bytes(b"no film")
        library = self.open()
        self.get(library.protect("a.mkv", True))
        self.get(library.protect("a.mkv", False))
        self.get(library.rename("a.mkv", "b"))
        for name in ("b.mkv", "cam_2026-06-01_18-00-00.jpg", "cut.mkv"):
            self.get(library.delete(name))
        told = [(each.what, each.camera, each.expired) for each in self.changes()]
        self.assertEqual(
            told,
            [
                ("protected", "cam", None),
                ("unprotected", "cam", None),
                ("renamed", "cam", None),
                ("deleted", "cam", None),
                ("deleted", "cam", None),
                ("deleted", "", None),
            ],
        )

    def test_a_folder_that_is_a_file_is_a_disk_error(self) -> None:
        (self.folder / "x").write_text("")
        library = Library(self.folder / "x", self.bus, InlineThread, reader=InlineReader())
        with self.assertRaises(DiskError):
            self.get(library.list())
