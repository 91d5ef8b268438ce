"""Thumbnails of recordings."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import av
import cv2
import numpy as np
from twisted.internet.defer import Deferred

from tests.support.fakes import FakeTime, InlineReader
from tests.support.recordings import SECRET, LibraryCase, OddFolderCase, make_recording
from twistedcam.errors import NoSuchRecording
from twistedcam.recording.library.hidden_folder import HIDDEN
from twistedcam.recording.library.thumbnail import Thumbnails
from twistedcam.recording.media_worker.video_file import UnreadableVideo


class ThumbnailTests(LibraryCase):
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

    def test_what_could_not_be_read_for_a_reason_that_may_pass_is_read_again(self) -> None:
        make_recording(self.folder / "a.mp4", 3)
        clock, asked = FakeTime(), []

        class Refusing(InlineReader):
            is_temporary = True

            def picture(self, fd: int, at: float = 0.0) -> bytes:
                asked.append(fd)
                raise UnreadableVideo("no", is_temporary=self.is_temporary)

        async def run(call: Callable[[], bytes]) -> bytes:
            return call()

        library, reader = self.open(), Refusing()
        hidden = library._thumbnails._hidden
        thumbnails = Thumbnails(self.folder, hidden, reader, run, clock.monotonic)
        for reader.is_temporary, clock.now, count in (
            (True, 0.0, 1), (True, 59.9, 1), (False, 60.0, 2), (False, 1e9, 2),
        ):  # fmt: skip
            with self.assertRaises(UnreadableVideo):
                self.get(thumbnails.get("a.mp4"))
            self.assertEqual(len(asked), count)

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


class SharedThumbnailTests(OddFolderCase):
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


class LinkedThumbnailTests(OddFolderCase):
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
