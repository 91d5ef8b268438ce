"""Recordings that are deleted to keep limits."""

from __future__ import annotations

import errno
import os
import shutil
import time
from pathlib import Path
from unittest.mock import patch

from tests.support.fakes import InlineReader
from tests.support.films import frame
from tests.support.recordings import LibraryCase, OddFolderCase, make_recording
from twistedcam.errors import DiskError
from twistedcam.events import RecordingChanged
from twistedcam.recording import LibraryEntry, RetentionLimits
from twistedcam.recording.library import remover
from twistedcam.recording.library.age import Ages
from twistedcam.recording.library.hidden_folder import HIDDEN
from twistedcam.recording.library.retention import recordings_to_delete


class RetentionTests(LibraryCase):
    def setUp(self) -> None:
        super().setUp()
        self.make_five()

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
        self.patch(remover.log, "warn", lambda text, **values: said.append(text.format(**values)))
        limits = RetentionLimits(keep=int(self.size * 2.5))
        with patch.object(Path, "unlink", unlink):
            self.assertEqual(self.get(self.library.make_room(limits)), ["0.mkv", "2.mkv", "3.mkv"])
            for _ in range(3):
                self.assertEqual(self.get(self.library.make_room(limits)), [])
            with self.assertRaisesRegex(DiskError, r"'1\.mkv' cannot be deleted: Operation"):
                self.get(self.library.delete("1.mkv"))
        (line,) = said
        self.assertTrue(line.startswith("'1.mkv' cannot be deleted: Operation not permitted"), line)
        tight = RetentionLimits(keep=int(self.size * 1.5))
        self.assertEqual(self.get(self.library.make_room(tight)), ["1.mkv"])

    def test_nothing_else_ever_goes(self) -> None:
        self.written = [LibraryEntry("now.mkv", "cam", 0.0, 1.0, 99, complete=False, own=True)]
        self.get(self.library.make_room(RetentionLimits(keep=1, keep_days=0.001, keep_free=2**60)))
        self.assertEqual(set(self.names()), {"holiday.mp4", self.foreign.name, "now.mkv"})

    def test_one_camera_s_limits_are_for_its_own_recordings(self) -> None:
        other = frozenset({"other"})
        self.assertEqual(self.get(self.library.make_room(RetentionLimits(keep=1), other)), [])


class OddFolderRetentionTests(OddFolderCase):
    def test_room_is_made_while_somebody_reads_the_folder(self) -> None:
        for number in range(3):
            make_recording(self.folder / f"{number}.mkv", 20, number * 86400.0)
        (self.folder / "a.mp4").rename(self.folder / "new.mp4")
        self.names()
        size = (self.folder / "0.mkv").stat().st_size
        os.utime(self.folder / "new.mp4", (1, 1))
        self.successResultOf(self.library._reading._lock.acquire())  # a file that takes long
        with patch.object(InlineReader, "heads", side_effect=AssertionError("it was read")):
            gone = self.get(self.library.make_room(RetentionLimits(keep=int(size * 2.5))))
        self.assertEqual(gone, ["0.mkv"])

    def test_odd_things_are_never_counted_nor_deleted(self) -> None:
        names = {*self.litter(".mkv"), *self.litter(".mp4")}
        (self.folder / "sparse.mkv").touch()
        os.truncate(self.folder / "sparse.mkv", 1 << 40)
        gone = self.get(self.library.make_room(RetentionLimits(keep=1)))
        self.assertEqual(gone, ["a.mp4"])
        self.assertEqual(set(os.listdir(self.folder)) - {HIDDEN}, {*names, "sparse.mkv"})

    def test_two_servers_on_one_folder_delete_no_more_than_has_to_go(self) -> None:
        for number in range(6):
            make_recording(self.folder / f"{number}.mkv", 20, (number + 1) * 86400.0)
        size = (self.folder / "0.mkv").stat().st_size
        other = self.open()
        self.get(other.list())
        items = self.get(self.library.list())
        limits = RetentionLimits(keep=int(size * 3.5))
        with patch.object(other._index, "scan", lambda *_: list(items)):
            mine = self.get(self.library.make_room(limits))
            self.assertEqual(self.get(other.make_room(limits)), mine)  # gone is gone
        self.assertEqual(self.names(), ["5.mkv", "4.mkv", "3.mkv"])
        told = [
            (each.name, each.camera, each.expired)
            for each in self.events
            if isinstance(each, RecordingChanged)
        ]
        self.assertEqual(told, [(name, "cam", True) for name in mine])

    def test_a_recording_that_somebody_else_has_just_deleted_is_none(self) -> None:
        path = self.library.path("a.mp4")
        with patch.object(self.library, "path", lambda _: path):
            path.unlink()
            self.refused(self.library.delete("a.mp4"))
        self.assertEqual(self.events, [])


def test_what_is_free_counts_what_has_been_deleted() -> None:
    items = [LibraryEntry(str(n), "cam", float(n), 1.0, 100, own=True) for n in range(5)]
    going = recordings_to_delete(items, RetentionLimits(keep_free=250), Ages(Path("none")), 100)
    assert [item.recording for item in going] == ["0", "1"]
