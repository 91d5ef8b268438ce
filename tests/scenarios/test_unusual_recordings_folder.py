"""A recordings folder with unusual files in it: nothing hangs, breaks, or leads out of it."""

from __future__ import annotations

import json
import os
import shutil
from typing import Any
from unittest.mock import patch

from tests.support.fakes import InlineReader, InlineThread
from tests.support.recordings import SECRET, OddFolderCase
from twistedcam.recording import Library, RetentionLimits
from twistedcam.recording.library.hidden_folder import HIDDEN
from twistedcam.recording.library.media_reader import ReadingFailed
from twistedcam.recording.media_worker.remux import Copied
from twistedcam.recording.media_worker.video_file import Head, UnreadableVideo


class KindTests(OddFolderCase):
    def test_what_is_no_regular_file_is_no_recording(self) -> None:
        names = self.litter(".mp4")
        self.assertEqual(self.names(), ["a.mp4"])
        for name in names:
            self.refused(self.library.thumbnail(name))
            self.refused(self.library.delete(name))
            self.assertTrue(os.path.lexists(self.folder / name), name)
        self.assertTrue((self.outside / "film.mp4").exists())

    def test_unfinished_files_that_are_none_keep_no_other_from_being_finished(self) -> None:
        for name in self.litter(".mp4.part"):
            (self.folder / name).rename(self.folder / f".{name}")
        (self.folder / ".b.mkv.whole").mkdir()
        (self.folder / ".c.mkv.whole").symlink_to(self.outside / "secret")
        shutil.copy(self.folder / "a.mp4", self.folder / ".z.mp4.part")
        found = {each.was: each for each in self.get(self.library.recover())}
        self.assertEqual(found[".z.mp4.part"].name, "z.mp4")
        self.assertEqual(
            {was for was, each in found.items() if each.kept},
            {f".{kind}.mp4.part" for kind in ("fifo", "folder", "link", "circle", "dangling")}
            & set(found),
        )
        self.assertEqual((self.outside / "secret").read_bytes(), SECRET)
        self.assertEqual(set(self.names()), {"a.mp4", "z.mp4"})

    def test_names_that_are_no_utf_8_and_other_odd_ones_are_recordings_as_any(self) -> None:
        names = [
            *(
                b"caf\xe9.mp4",
                b"caf%E9.mp4",
                b"\xff\xff.mkv",
                b"esc\x1b[31m.mp4",
                b"two\nlines.mp4",
            ),
            *("\u202egpj.mp4".encode(), b"a" * 251 + b".mp4", b"\xe9" * 251 + b".mp4", b" .mp4"),
        ]
        for name in names:
            shutil.copy(self.folder / "a.mp4", os.path.join(os.fsencode(self.folder), name))
        listed = self.names()
        self.assertEqual(len(set(listed)), len(names) + 1)
        self.assertIn("caf%E9.mp4", listed)
        json.dumps(listed).encode()
        self.library = self.open()  # as kept in the index
        self.assertEqual(sorted(self.names()), sorted(listed))
        for name in listed:
            self.assertEqual(self.get(self.library.thumbnail(name))[:2], b"\xff\xd8", name)
            self.get(self.library.delete(name))
        self.assertEqual(self.names(), [])
        told = [each.name for each in self.events if each.kind == "recording"]  # type: ignore[attr-defined]
        self.assertEqual(told, listed)
        self.assertEqual(os.listdir(self.folder / HIDDEN / "thumbnails"), [])

    def test_times_that_no_calendar_has_do_not_end_the_list(self) -> None:
        from twistedcam.commands.recording import _shown

        for name, when in (("past.mp4", -(2**40)), ("future.mp4", 2**40)):
            shutil.copy(self.folder / "a.mp4", self.folder / name)
            (self.folder / name).write_bytes(b"no film")
            os.utime(self.folder / name, (when, when))
        said = {"date": "9999-12-31T23:59:59-23:59"}
        with patch.object(InlineReader, "heads", lambda _, files: [Head(said)] * len(files)):
            shown = self.get(self.library.shown(_shown))
        self.assertEqual(len(json.loads(json.dumps(shown, allow_nan=False))), 3)

    def test_a_file_that_goes_while_it_is_listed_is_left_out(self) -> None:
        for name in ("b.mp4", "c.mp4"):
            shutil.copy(self.folder / "a.mp4", self.folder / name)
        files = list(self.library._index._files())
        (self.folder / "b.mp4").unlink()
        with patch.object(self.library._index, "_files", lambda: files):
            self.assertEqual(set(self.names()), {"a.mp4", "c.mp4"})

    def test_a_file_that_may_not_be_read_is_listed_as_far_as_it_is_known(self) -> None:
        real = os.open

        def refuse(path: Any, *args: Any, **words: Any) -> int:
            if str(path).endswith("a.mp4"):
                raise PermissionError(13, "Permission denied")
            return real(path, *args, **words)

        with patch.object(os, "open", refuse):
            (item,) = self.get(self.library.list())
            self.assertIn("Permission denied", self.refused(self.library.thumbnail("a.mp4")))
        self.assertEqual((item.recording, item.codec), ("a.mp4", None))
        (item,) = self.get(self.library.list())
        self.assertEqual(item.codec, "h264")  # that is not kept


class Dying(InlineReader):
    """A reader whose process dies of each film."""

    def __init__(self) -> None:
        self.asked = 0

    def heads(self, files: Any) -> list[Head | UnreadableVideo]:
        self.asked += len(files)
        return [ReadingFailed("the process that read it was ended by SIGSEGV") for _ in files]

    def has_packet(self, fd: int) -> bool:
        raise ReadingFailed("the process that read it was ended by SIGSEGV")

    def copy(self, source: int, target: int, muxer: str, options: dict[str, str]) -> Copied:
        raise ReadingFailed("the process that read it was ended by SIGSEGV")

    def picture(self, fd: int) -> bytes:
        self.asked += 1
        raise ReadingFailed("the process that read it was ended by SIGSEGV")


class DyingTests(OddFolderCase):
    def test_a_film_that_kills_its_reader_is_listed_and_read_once_a_start(self) -> None:
        reader = Dying()
        library = Library(self.folder, self.bus, InlineThread, reader=reader)
        for _ in range(3):
            (item,) = self.get(library.list())
            self.assertEqual((item.recording, item.codec, item.own), ("a.mp4", None, False))
            self.get(library.make_room(RetentionLimits(keep=1)))
        self.assertEqual(reader.asked, 1)
        (item,) = self.get(self.open().list())
        self.assertTrue(item.own)  # after the next start it is tried again

    def test_an_unfinished_one_that_kills_its_reader_is_left_as_it_is(self) -> None:
        part = self.folder / ".b.mp4.part"
        before = (self.folder / "a.mp4").read_bytes()
        part.write_bytes(before + b"\0\0\0\x08moof")  # what was torn is cut off
        library = Library(self.folder, self.bus, InlineThread, reader=Dying())
        (found,) = self.get(library.recover())
        self.assertEqual((found.name, found.kept), (None, True))
        self.assertEqual(part.read_bytes(), before)

    def test_of_its_thumbnail_there_is_one_clear_error(self) -> None:
        reader = Dying()
        library = Library(self.folder, self.bus, InlineThread, reader=reader)
        for _ in range(3):
            said = self.refused(library.thumbnail("a.mp4"))
            self.assertEqual(
                said, "a.mp4 has no thumbnail: the process that read it was ended by SIGSEGV"
            )
        self.assertEqual(reader.asked, 1)
