"""The index of recordings: each file is read once."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from typing import Any

from tests.support.fakes import FakeTime, InlineReader
from tests.support.recordings import LibraryCase, OddFolderCase, make_recording
from twistedcam.recording import RetentionLimits
from twistedcam.recording.library import index as index_module
from twistedcam.recording.library.hidden_folder import HIDDEN, HiddenFolder
from twistedcam.recording.media_worker.video_file import Head, UnreadableVideo


class IndexTests(LibraryCase):
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
        saved = self.folder / HIDDEN / "index.json"
        before = saved.stat()
        os.link(self.folder / "a.mkv", self.folder / "one more.mkv")
        self.assertEqual(len(self.names()), 10_001)
        self.assertEqual(saved.stat().st_mtime_ns, before.st_mtime_ns)  # it takes time to save it
        self.patch(index_module, "_SMALL_SAVE_PERIOD", 0.0)
        (self.folder / "one more.mkv").unlink()
        self.assertEqual(len(self.names()), 10_000)
        self.assertGreater(saved.stat().st_mtime_ns, before.st_mtime_ns)

    def test_of_many_files_only_new_and_replaced_ones_are_looked_at_each_time(self) -> None:
        self.patch(index_module, "_FULL_FILES", 1)
        for name in ("a.mkv", "b.mkv", "c.mkv"):
            make_recording(self.folder / name, 2)
        index = index_module.Index(self.folder, HiddenFolder(self.folder), self.library._reader)
        index.scan()
        first = {each.recording: each for each in index.scan()}
        os.utime(self.folder / "a.mkv", (1, 1))
        make_recording(self.folder / "new.mkv", 3, 60)
        make_recording(self.folder / "other.mkv", 4)
        (self.folder / "other.mkv").replace(self.folder / "b.mkv")
        (self.folder / "c.mkv").unlink()
        for _ in range(2):
            found = {each.recording: each for each in index.scan(is_full=False)}
            self.assertEqual(sorted(found), ["a.mkv", "b.mkv", "new.mkv"])
            self.assertIs(found["a.mkv"], first["a.mkv"])
            self.assertGreater(found["b.mkv"].seconds, first["b.mkv"].seconds)
        changed = {each.recording: each for each in index.scan()}
        self.assertIsNot(changed["a.mkv"], first["a.mkv"])
        self.assertIs(changed["b.mkv"], found["b.mkv"])


class SlowReader(InlineReader):
    """A reader whose disk is slow while ``is_slow``."""

    is_slow = True
    asked = 0

    def heads(self, files: Any) -> list[Head | UnreadableVideo]:
        self.asked += len(files)
        if self.is_slow:
            return [UnreadableVideo("it takes too long", is_temporary=True) for _ in files]
        return super().heads(files)


class SlowDiskTests(LibraryCase):
    def setUp(self) -> None:
        self.reader = SlowReader()
        super().setUp()
        self.time = FakeTime()
        self.patch(index_module, "time", self.time)
        make_recording(self.folder / "a.mkv", 3)
        self.opened = self.open()

    def make_reader(self) -> SlowReader:
        return self.reader

    def item(self) -> Any:
        (found,) = self.get(self.opened.list())
        return found

    def test_a_header_that_was_read_too_slowly_is_read_again_at_longer_and_longer_times(
        self,
    ) -> None:
        due = 0.0
        for count, pause in enumerate((60.0, 120.0, 240.0), 1):
            self.item()
            self.assertEqual(self.reader.asked, count)
            due += pause
            self.time.now = due - 0.1
            self.assertIsNone(self.item().camera)
            self.assertEqual(self.reader.asked, count)
            self.time.now = due
        self.reader.is_slow = False
        self.assertIsNone(self.item().camera, "nobody waits for it")
        self.assertEqual((self.item().camera, self.item().own), ("cam", True))
        self.time.now = 1e9
        self.assertEqual((self.item().camera, self.reader.asked), ("cam", 4))

    def test_the_time_between_two_attempts_is_limited(self) -> None:
        self.item()
        for _ in range(20):
            self.time.now += 3600.0
            self.item()
        self.assertEqual(self.reader.asked, 21)

    def test_it_is_read_again_before_old_recordings_are_deleted(self) -> None:
        self.get(self.opened.make_room(RetentionLimits(keep=1)))
        self.reader.is_slow = False
        for now, left in ((0.0, ["a.mkv"]), (60.0, ["a.mkv"]), (60.0, [])):
            self.time.now = now
            self.get(self.opened.make_room(RetentionLimits(keep=1)))
            self.assertEqual([path.name for path in self.folder.glob("*.mkv")], left)

    def test_it_is_read_again_for_those_who_ask_for_its_camera_and_after_a_restart(self) -> None:
        self.item()
        index = self.opened._index
        self.reader.is_slow = False
        self.assertIsNone(index.camera_of("a.mkv"))
        self.time.now = 60.0
        self.assertEqual(index.camera_of("a.mkv"), "cam")
        self.reader.is_slow = True
        self.opened = self.open()
        self.item()
        self.reader.is_slow = False
        self.opened = self.open()
        self.assertEqual(self.item().camera, "cam")

    def test_one_that_is_gone_is_not_read_again(self) -> None:
        self.item()
        (self.folder / "a.mkv").unlink()
        self.time.now = 60.0
        self.assertEqual(self.get(self.opened.list()), [])
        self.assertEqual((self.reader.asked, self.opened._index.has_retries), (1, False))


class ForeignIndexTests(OddFolderCase):
    def test_an_index_that_somebody_has_written_breaks_nothing(self) -> None:
        self.names()
        path = self.folder / HIDDEN / "index.json"
        head, line = path.read_text().splitlines()
        values = json.loads(line)
        for at in range(len(values)):
            for odd in ("x", -1.5e300, float("nan"), [], None, {}, 2**70, True):
                changed = [*values[:at], odd, *values[at + 1 :]]
                path.write_text(f"{head}\n{json.dumps(changed)}\n")
                self.library = self.open()
                (item,) = self.get(self.library.list())
                json.dumps(item.as_dict(), allow_nan=False)
                self.get(self.library.make_room(RetentionLimits(keep=10**12, keep_days=1e6)))
