"""Files that a crash has left."""

from __future__ import annotations

import errno
import io
import os

import av

from tests.support.fakes import InlineReader
from tests.support.films import frame, h264_packets, read_film
from tests.support.recordings import LibraryCase, make_recording
from tests.support.sound import aac_packets
from twistedcam.events import RecordingChanged
from twistedcam.recording.library import recovery
from twistedcam.recording.writer.single_file import FileRecording


def frame_count(data: bytes) -> int:
    """The number of pictures in a file."""
    with av.open(io.BytesIO(data)) as film:
        return sum(1 for each in film.demux(video=0) if each.size)


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

    def test_pictures_before_a_torn_packet_of_sound_are_kept(self) -> None:
        sounds = aac_packets(0.0, 2.0, frame(0, 0).time_us)
        pictures = h264_packets([n / 25 for n in range(50)])
        recording = FileRecording(self.folder / "a.mp4", "cam")
        recording.expect_sound(sounds[0].track)
        recording.write(sorted((*pictures, *sounds), key=lambda each: each.pts))
        data = (self.folder / ".a.mp4.part").read_bytes()
        recording.close()
        (self.folder / "a.mp4").unlink()
        whole = frame_count(data)
        for cut in (1, 30, 60):  # of 23 packets with 6 bytes each
            (self.folder / ".b.mp4.part").write_bytes(data[:-cut])
            (found,) = recovery.recover(self.folder, InlineReader())
            self.assertEqual((found.name, found.frames), ("b.mp4", whole), cut)
            (self.folder / "b.mp4").unlink()

    def test_a_file_that_has_hardly_begun_is_deleted(self) -> None:
        recording = FileRecording(self.folder / "a.mp4", "cam")
        recording.write(frame(n / 30, n) for n in range(60))
        data = (self.folder / ".a.mp4.part").read_bytes()
        recording.close()
        (self.folder / "a.mp4").unlink()
        for kept in (1, 4, 7, 8, 20, 300):
            (self.folder / ".b.mp4.part").write_bytes(data[:kept])
            (found,) = recovery.recover(self.folder, InlineReader())
            self.assertEqual((found.name, found.kept), (None, False), kept)
            self.assertEqual(list(self.folder.iterdir()), [], kept)

    def test_of_a_slow_camera_all_is_finished_but_what_was_torn(self) -> None:
        for suffix in ("mp4", "mkv", "avi"):
            recording = FileRecording(self.folder / f"a.{suffix}", "cam")
            recording.write(frame(n * 5.0, n) for n in range(4))
            data = (self.folder / f".a.{suffix}.part").read_bytes()
            recording.close()
            for cut in (0, 1, *range(20, 380, 90)):
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
