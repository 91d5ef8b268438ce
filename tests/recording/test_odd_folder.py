"""A recordings folder with odd things in it: nothing hangs, breaks, or leads out of it."""

from __future__ import annotations

import json
import os
import shutil
import stat
from pathlib import Path
from typing import Any
from unittest.mock import patch

from twisted.internet.defer import Deferred

from tests.recording.library.test_library import LibraryCase, make_recording
from tests.support.fakes import InlineReader, InlineThread
from twistedcam.core.saved_settings import SavedSettings
from twistedcam.errors import NoSuchRecording
from twistedcam.recording import Library, RetentionLimits
from twistedcam.recording.library.hidden_folder import HIDDEN
from twistedcam.recording.library.media_reader import ReadingFailed
from twistedcam.recording.library.thumbnail import Thumbnails
from twistedcam.recording.media_worker.video_file import Head, UnreadableVideo
from twistedcam.sources.spec import parse

SECRET = b"\xff\xd8\xff what nobody may see \xff\xd9"


class OddCase(LibraryCase):
    def setUp(self) -> None:
        super().setUp()
        make_recording(self.folder / "a.mp4", 3)
        self.outside = Path(f"{self.folder}.outside")
        self.outside.mkdir()
        self.addCleanup(shutil.rmtree, self.outside)
        make_recording(self.outside / "film.mp4", 3)
        (self.outside / "secret").write_bytes(SECRET)

    def litter(self, suffix: str) -> list[str]:
        """All that is no regular file, under names with that ending."""
        os.mkfifo(self.folder / f"fifo{suffix}")
        (self.folder / f"folder{suffix}").mkdir()
        (self.folder / f"link{suffix}").symlink_to(self.outside / "film.mp4")
        (self.folder / f"dangling{suffix}").symlink_to("nowhere")
        (self.folder / f"circle{suffix}").symlink_to(f"circle{suffix}")
        return [f"{kind}{suffix}" for kind in ("fifo", "folder", "link", "dangling", "circle")]

    def refused(self, call: Any) -> str:
        """What is said of a recording that there is not."""
        with self.assertRaises(NoSuchRecording) as raised:
            self.get(call)
        return str(raised.exception)


class KindTests(OddCase):
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


class HiddenTests(OddCase):
    def test_a_symbolic_link_among_the_thumbnails_is_not_followed(self) -> None:
        kept = self.folder / HIDDEN / "thumbnails" / "a.mp4.jpg"
        kept.parent.mkdir(parents=True)
        for put in (kept.symlink_to, lambda path: os.link(path, kept), lambda _: os.mkfifo(kept)):
            put(self.outside / "secret")
            data = self.get(self.open().thumbnail("a.mp4"))
            self.assertNotIn(b"nobody may see", data)
            self.assertEqual((self.outside / "secret").read_bytes(), SECRET)
            self.assertTrue(stat.S_ISREG(kept.lstat().st_mode))  # it took its place
            kept.unlink()
        kept.write_bytes(b"no picture")
        self.assertEqual(self.get(self.open().thumbnail("a.mp4"))[:2], b"\xff\xd8")

    def test_nothing_is_written_or_read_through_links_in_place_of_folders(self) -> None:
        for inner in (False, True):
            shutil.rmtree(self.folder / HIDDEN, ignore_errors=True)
            if inner:
                (self.folder / HIDDEN).mkdir()
                (self.folder / HIDDEN / "thumbnails").symlink_to(self.outside)
            else:
                (self.folder / HIDDEN).symlink_to(self.outside)
            before = set(os.listdir(self.outside))
            library = self.open()
            self.assertEqual(len(self.get(library.list())), 1)
            self.assertEqual(self.get(library.thumbnail("a.mp4"))[:2], b"\xff\xd8")
            self.assertEqual(set(os.listdir(self.outside)), before)
            if not inner:
                (self.folder / HIDDEN).unlink()

    def test_settings_and_index_that_are_fifos_links_or_endless_are_as_none(self) -> None:
        configured = parse("pattern:?fps=5")
        hidden = self.folder / HIDDEN
        for put in (
            os.mkfifo,
            lambda path: path.symlink_to("/dev/zero"),
            lambda path: path.mkdir(),
            lambda path: (path.touch(), os.truncate(path, 1 << 40)),
            lambda path: path.write_bytes(b"[" * 900_000),
        ):
            shutil.rmtree(hidden, ignore_errors=True)
            hidden.mkdir()
            for name in ("settings.json", "index.json", "clocks.json"):
                put(hidden / name)  # type: ignore[no-untyped-call]
            self.assertIs(SavedSettings(self.folder).apply("cam", configured), configured)
            self.library = self.open()
            self.assertEqual(self.names(), ["a.mp4"])
            self.assertEqual(self.get(self.library.make_room(RetentionLimits(keep=10**9))), [])

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

    def test_the_hidden_folder_is_for_its_owner_alone(self) -> None:
        self.names()
        self.get(self.library.thumbnail("a.mp4"))
        hidden = self.folder / HIDDEN
        self.assertEqual(stat.S_IMODE(hidden.stat().st_mode), 0o700)
        self.assertEqual(stat.S_IMODE((hidden / "index.json").stat().st_mode), 0o600)


class Dying(InlineReader):
    """A reader whose process dies of each film."""

    def __init__(self) -> None:
        self.asked = 0

    def heads(self, files: Any) -> list[Head | UnreadableVideo]:
        self.asked += len(files)
        return [ReadingFailed("the process that read it was ended by SIGSEGV") for _ in files]

    def has_packet(self, fd: int) -> bool:
        raise ReadingFailed("the process that read it was ended by SIGSEGV")

    def picture(self, fd: int) -> bytes:
        self.asked += 1
        raise ReadingFailed("the process that read it was ended by SIGSEGV")


class DyingTests(OddCase):
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
        part.write_bytes((self.folder / "a.mp4").read_bytes() + b"\0\0\0\x08moof")
        before = part.read_bytes()
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


class SharingTests(OddCase):
    def thumbnails(self) -> tuple[Thumbnails, list[Deferred[bytes]]]:
        """Thumbnails whose threads end when told, and what is under way."""
        running: list[Deferred[bytes]] = []

        def run(_: Any) -> Deferred[bytes]:
            running.append(Deferred())
            return running[-1]

        library = self.library
        return Thumbnails(self.folder, library._thumbnails._hidden, InlineReader(), run), running

    def test_one_is_made_at_a_time_for_a_name_and_two_in_all(self) -> None:
        thumbnails, running = self.thumbnails()
        asked = [Deferred.fromCoroutine(thumbnails.get(name)) for name in "aaabbcccd"]
        self.assertEqual(len(running), 2)
        running[0].callback(b"A")
        self.assertEqual(len(running), 3)
        running[1].callback(b"B")
        running[2].callback(b"C")
        self.assertEqual(len(running), 4)
        running[3].callback(b"D")
        self.assertEqual(
            [self.successResultOf(each) for each in asked], list(map(str.encode, "AAABBCCCD"))
        )

    def test_an_error_is_everybody_s_and_the_next_one_tries_again(self) -> None:
        thumbnails, running = self.thumbnails()
        asked = [Deferred.fromCoroutine(thumbnails.get("a")) for _ in range(3)]
        running[0].errback(UnreadableVideo("no"))
        for each in asked:
            self.failureResultOf(each, UnreadableVideo)
        again = Deferred.fromCoroutine(thumbnails.get("a"))
        running[1].callback(b"A")
        self.assertEqual(self.successResultOf(again), b"A")

    def test_that_of_a_recording_under_way_is_kept_for_some_seconds(self) -> None:
        (self.folder / "a.mp4").rename(self.folder / ".a.mp4.part")
        made: list[int] = []
        real = InlineReader.picture
        count = lambda reader, fd: made.append(fd) or real(reader, fd)  # noqa: E731
        with patch.object(InlineReader, "picture", count):
            for _ in range(5):
                self.get(self.library.thumbnail("a.mp4"))
        self.assertEqual(len(made), 1)
        self.assertFalse((self.folder / HIDDEN / "thumbnails").exists())


class RetentionTests(OddCase):
    def test_room_is_made_while_somebody_reads_the_folder(self) -> None:
        for number in range(3):
            make_recording(self.folder / f"{number}.mkv", 20, number * 86400.0)
        (self.folder / "a.mp4").rename(self.folder / "new.mp4")
        self.names()
        size = (self.folder / "0.mkv").stat().st_size
        os.utime(self.folder / "new.mp4", (1, 1))
        self.successResultOf(self.library._reading.acquire())  # a file that takes long
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
        told = [each.name for each in self.events if getattr(each, "what", "") == "deleted"]
        self.assertEqual(told, mine)

    def test_a_recording_that_somebody_else_has_just_deleted_is_none(self) -> None:
        path = self.library.path("a.mp4")
        with patch.object(self.library, "path", lambda _: path):
            path.unlink()
            self.refused(self.library.delete("a.mp4"))
        self.assertEqual(self.events, [])
