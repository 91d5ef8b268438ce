"""Whatever the disk refuses: what was written before is kept, said, and the camera goes on."""

from __future__ import annotations

import errno
import fcntl
import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from twisted.logger import capturedLogs

from tests.recording.test_recorder import RecorderCase
from tests.support.films import read_film
from twistedcam.errors import BadArgument, DiskError
from twistedcam.events import Fault, RecordingChanged
from twistedcam.recording.writer import part_file as partfile
from twistedcam.recording.writer.part_file import part_of
from twistedcam.runtime import file_system

FORMATS = ("mp4", "mkv", "avi", "mov")


def failing(code: int) -> Callable[..., Any]:
    """A system call that fails with that error."""

    def call(*_: Any, **__: Any) -> Any:
        raise OSError(code, os.strerror(code))

    return call


class BadDisk(io.FileIO):
    """A file that takes so many bytes."""

    room = 0
    code = errno.ENOSPC

    def write(self, data: Any) -> int | None:  # type: ignore[override]
        if self.code == errno.EAGAIN and self.tell() + len(data) > self.room:
            return None
        if self.tell() + len(data) > self.room:
            short = max(0, self.room - self.tell())
            if short:
                return super().write(data[:short])
            raise OSError(self.code, os.strerror(self.code))
        return super().write(data)


class FaultTests(RecorderCase):
    """A recorder, and a system that has something against it."""

    def disk(self, room: int, code: int) -> None:
        """Files take so many bytes and then give that error."""
        kind = type("Disk", (BadDisk,), {"room": room, "code": code})
        self.patch(partfile, "open", lambda path, mode, buffering: kind(path, mode))

    def setUp(self) -> None:
        super().setUp()
        partfile.open = open  # type: ignore[attr-defined]
        self.addCleanup(lambda: delattr(partfile, "open"))

    def ended(self, reason: str) -> None:
        """The recording has ended by itself, has said why, and another one can begin."""
        self.assertEqual(self.recorder.state, "idle")
        assert self.recorder.failure is not None
        self.assertIn(reason, str(self.recorder.failure))
        self.assertEqual([e.code for e in self.events if isinstance(e, Fault)], ["disk"])
        last = [e for e in self.events if isinstance(e, RecordingChanged)][-1]
        self.assertEqual((last.what, last.code), ("failed", "disk"))
        self.assertEqual(len(self.camera.hub), 0)
        open_now = [_target(fd) for fd in os.listdir("/proc/self/fd")]
        self.assertFalse([each for each in open_now if str(self.folder) in each])

    def again(self) -> None:
        """Another recording, on a disk that is well."""
        self.events.clear()
        self.recorder.start("again.mkv")
        self.show(1)
        self.successResultOf(self.recorder.stop())
        self.assertEqual(len(read_film(self.folder / "again.mkv").times), 10)
        self.assertIsNone(self.recorder.failure)

    def test_a_disk_that_is_full_in_the_middle_leaves_a_film_that_plays(self) -> None:
        for code in (errno.ENOSPC, errno.EIO, errno.EDQUOT, errno.EAGAIN):
            for suffix in FORMATS:
                with self.subTest(code=code, suffix=suffix):
                    self.disk(60_000, code)
                    self.events.clear()
                    self.recorder.start(f"{code}.{suffix}")
                    self.show(60, 30)
                    told = errno.EIO if code == errno.EAGAIN else code
                    self.ended(os.strerror(told))
                    film = read_film(self.folder / f"{code}.{suffix}")
                    self.assertGreater(len(film.times), 5)
                    self.assertFalse(part_of(self.folder / f"{code}.{suffix}").exists())
        partfile.open = open  # type: ignore[attr-defined]
        self.again()

    def test_a_disk_that_is_full_from_the_start_leaves_no_file(self) -> None:
        for room in (0, 100):
            for suffix in FORMATS:
                with self.subTest(room=room, suffix=suffix):
                    self.disk(room, errno.ENOSPC)
                    self.events.clear()
                    self.recorder.start(f"a.{suffix}")
                    self.show(3)
                    self.ended("No space left on device")
                    self.assertEqual(list(self.folder.iterdir()), [])
        partfile.open = open  # type: ignore[attr-defined]
        self.again()

    def test_without_a_file_to_be_had_there_is_none_and_the_reason(self) -> None:
        partfile.open = failing(errno.EMFILE)  # type: ignore[attr-defined]
        self.patch(partfile, "PATIENCE", 0)
        self.recorder.start("a.mkv")
        self.show(3)
        self.ended("Too many open files")
        self.assertEqual(list(self.folder.iterdir()), [])
        partfile.open = open  # type: ignore[attr-defined]
        self.again()

    def test_a_moment_without_a_file_to_be_had_costs_nothing(self) -> None:
        tries: list[str] = []

        def opening(path: Path, *more: Any, **how: Any) -> Any:
            tries.append(path.name)
            return failing(errno.EMFILE)() if len(tries) < 3 else open(path, *more, **how)

        partfile.open = opening  # type: ignore[attr-defined]
        self.recorder.start("a.mkv")
        self.show(3)
        self.successResultOf(self.recorder.stop())
        self.assertIsNone(self.recorder.failure)
        self.assertEqual(len(read_film(self.folder / "a.mkv").times), 30)

    def test_a_file_system_without_locks_is_recorded_to_and_that_is_said_once(self) -> None:
        for code in (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS, errno.EINVAL, errno.EBADF):
            with self.subTest(code=code), capturedLogs() as logs:
                self.patch(file_system, "_without_locks", set())
                self.patch(fcntl, "flock", failing(code))
                for suffix in FORMATS:
                    name = f"{code}.{suffix}"
                    self.recorder.start(name)
                    self.show(1)
                    self.successResultOf(self.recorder.stop())
                    self.assertIsNone(self.recorder.failure)
                    self.assertEqual(len(read_film(self.folder / name).times), 10)
                said = [each for each in logs if "no locks" in each["log_format"]]
                self.assertEqual([each["reason"] for each in said], [os.strerror(code)])

    def test_a_file_that_somebody_takes_away_before_it_is_locked_is_made_again(self) -> None:
        flock, tries = fcntl.flock, []

        def taken(fd: int, how: int) -> None:
            tries.append(fd)
            if len(tries) == 1:
                (self.folder / ".a.mkv.part").unlink()  # as recovery does with an empty one
                raise BlockingIOError(errno.EWOULDBLOCK, "held")
            flock(fd, how)

        self.patch(fcntl, "flock", taken)
        self.recorder.start("a.mkv")
        self.show(1)
        self.successResultOf(self.recorder.stop())
        self.assertEqual(len(read_film(self.folder / "a.mkv").times), 10)
        self.assertEqual(len(tries), 2)

    def test_a_file_system_without_links_or_that_syncs_no_folder_gets_the_film(self) -> None:
        link, fsync = os.link, os.fsync

        def sync_files_alone(fd: int) -> None:
            if os.path.isdir(f"/proc/self/fd/{fd}"):
                raise OSError(code, os.strerror(code))
            fsync(fd)

        for code in (errno.EACCES, errno.EPERM, errno.EIO, errno.EINVAL, errno.ENOSYS):
            with self.subTest(code=code):
                self.patch(os, "link", failing(code))
                if code != errno.EIO:  # that one is a disk that loses names
                    self.patch(os, "fsync", sync_files_alone)
                (self.folder / f"{code}.mkv").unlink(missing_ok=True)
                self.recorder.start(f"{code}.mkv")
                self.show(1)
                self.successResultOf(self.recorder.stop())
                self.assertIsNone(self.recorder.failure)
                self.assertEqual(len(read_film(self.folder / f"{code}.mkv").times), 10)
                self.assertFalse(list(self.folder.glob(".*.part")))
                os.link, os.fsync = link, fsync

    def test_a_link_that_was_made_though_the_server_says_no_counts(self) -> None:
        link = os.link

        def made_twice(one: Path, two: Path) -> None:
            link(one, two)
            link(one, two)  # NFS does so when an answer was lost

        self.patch(os, "link", made_twice)
        self.recorder.start("a.mkv")
        self.show(1)
        self.successResultOf(self.recorder.stop())
        self.assertEqual([each.name for each in self.folder.iterdir()], ["a.mkv"])

    def test_a_name_that_the_file_system_does_not_take_is_said(self) -> None:
        partfile.open = failing(errno.EINVAL)  # type: ignore[attr-defined]
        self.recorder.start("12:00.mkv")
        self.show(1)
        self.ended("does not take this name")

    def test_a_name_too_long_for_the_file_system_is_refused_at_once(self) -> None:
        self.patch(os, "pathconf", lambda *_: 143)
        with self.assertRaisesRegex(BadArgument, "at most 137 bytes"):
            self.recorder.start("ä" * 67 + ".mkv")
        self.recorder.start("ä" * 66 + ".mkv")

    def test_a_disk_that_cannot_be_asked_for_names_is_said(self) -> None:
        self.patch(Path, "exists", failing(errno.ESTALE))
        for name in ("a.mkv", None):
            with self.assertRaisesRegex(DiskError, os.strerror(errno.ESTALE)):
                self.recorder.start(name)

    def test_a_file_that_is_deleted_meanwhile_ends_the_recording(self) -> None:
        for suffix in FORMATS:
            with self.subTest(suffix=suffix):
                self.events.clear()
                self.recorder.start(f"a.{suffix}")
                self.show(1)
                (self.folder / f".a.{suffix}.part").unlink()
                self.show(1)
                self.ended("deleted, or the disk was unmounted")
                self.assertEqual(list(self.folder.iterdir()), [])
        self.again()

    def test_a_file_system_that_does_not_say_how_much_is_free_is_recorded_to(self) -> None:
        nothing = os.statvfs_result((4096, 4096, 0, 0, 0, 0, 0, 0, 0, 255))
        self.patch(os, "statvfs", lambda *_: nothing)
        self.again()

    def test_a_count_that_cannot_be_written_does_not_hide_the_film(self) -> None:
        self.patch(os, "pwrite", failing(errno.EROFS))
        self.again()

    def ends_hidden(self, call: str, code: int) -> None:
        real = getattr(os, call)
        self.patch(os, call, failing(code))
        self.recorder.start("a.mkv")
        self.show(2)
        self.successResultOf(self.recorder.stop())
        self.ended(os.strerror(code))
        self.assertIn("stays in .a.mkv.part", str(self.recorder.failure))
        self.assertEqual([each.name for each in self.folder.iterdir()], [".a.mkv.part"])
        hidden = self.folder / ".a.mkv.part"
        self.assertEqual(len(read_film(hidden).times), 20)
        setattr(os, call, real)
        self.again()

    def test_a_disk_that_cannot_keep_what_it_took_leaves_the_hidden_file(self) -> None:
        self.ends_hidden("fsync", errno.EIO)

    def test_a_name_that_cannot_be_given_leaves_the_hidden_file(self) -> None:
        for code in (errno.EIO, errno.ENOSPC, errno.EROFS):
            with self.subTest(code=code):
                self.patch(os, "link", failing(errno.EPERM))  # no hard links there
                self.ends_hidden("rename", code)
                for each in self.folder.iterdir():
                    each.unlink()

    def test_a_folder_that_cannot_be_synced_is_said_and_the_film_is_there(self) -> None:
        self.patch(partfile, "sync_folder", failing(errno.EIO))
        self.recorder.start("a.mkv")
        self.show(2)
        self.successResultOf(self.recorder.stop())
        self.ended("Input/output error")
        self.assertEqual(len(read_film(self.folder / "a.mkv").times), 20)

    def test_a_folder_is_left_to_the_system_when_no_file_is_to_be_had(self) -> None:
        self.patch(os, "open", failing(errno.EMFILE))
        self.recorder.start("a.mkv")
        self.show(2)
        self.successResultOf(self.recorder.stop())
        self.assertIsNone(self.recorder.failure)
        self.assertTrue((self.folder / "a.mkv").exists())

    def test_a_segment_that_cannot_be_named_ends_the_recording_and_the_others_stay(self) -> None:
        self.recorder = self.make({"segment": "1s", "format": "copy"})
        self.recorder.start("a.mkv")
        self.show(2.5)
        first = sorted(each.name for each in self.folder.iterdir() if each.name[0] != ".")
        self.patch(os, "fsync", failing(errno.EIO))
        self.show(3)
        self.ended("Input/output error")
        self.assertIn("a.mkv", first)
        for name in first:
            self.assertGreater(len(read_film(self.folder / name).times), 5)


def _target(fd: str) -> str:
    try:
        return os.readlink(Path("/proc/self/fd") / fd)
    except OSError:
        return ""
