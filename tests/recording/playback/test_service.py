"""What was recorded at a time, as commands and HTTP ask for it."""

from __future__ import annotations

from typing import Any

from tests.support.fakes import InlineReader, InlineThread
from tests.support.movies import START, make_numbered, numbers_in
from tests.support.recordings import LibraryCase
from twistedcam.errors import BadArgument, DiskError, NoSuchCamera, NoSuchRecording
from twistedcam.events import Event, RecordingChanged
from twistedcam.recording.playback.service import NothingRecorded, PlaybackService


class ServiceTests(LibraryCase):
    def setUp(self) -> None:
        super().setUp()
        for number in range(3):
            make_numbered(self.folder / f"{number}.mp4", number * 30, 30)
        self.service = self.serve()
        self.events: list[Event] = []
        self.bus.subscribe(self.events.append)

    def serve(self, check_mount: Any = lambda: None) -> PlaybackService:
        return PlaybackService(
            self.library,
            self.bus,
            InlineThread,
            check_mount,
            lambda: ["front door"],
            lambda: 0,
            InlineReader(),
        )

    def test_a_piece_is_planned_and_read(self) -> None:
        piece = self.get(self.service.plan("door", START + 4.5, 2.0))
        film = b"".join(self.service.read(piece, 0, piece.size))
        self.assertEqual(numbers_in(film), list(range(30, 65)))

    def test_a_camera_is_found_by_its_recordings_if_it_was_removed(self) -> None:
        make_numbered(self.folder / "old.mp4", 0, 10, camera="Küche")
        for word, name in {
            "front-door": "front door",
            "door": "door",
            "Küche": "Küche",
            "Kuche": "Küche",
        }.items():
            self.assertEqual(self.get(self.service.find_camera(word)), name)
        with self.assertRaisesRegex(NoSuchCamera, "no camera 'cellar', nor a recording"):
            self.get(self.service.find_camera("cellar"))
        found = self.get(self.service.recorded())
        self.assertEqual(sorted(found), ["Küche", "door"])
        self.assertEqual((found["door"].start, found["door"].end), (START, START + 9))
        self.assertEqual((found["door"].recordings, found["Küche"].recordings), (3, 1))

    def test_a_further_part_of_a_piece_is_of_the_same_plan(self) -> None:
        piece = self.get(self.service.plan("door", START, 100.0))
        make_numbered(self.folder / "3.mp4", 90, 30)
        self.assertIs(self.get(self.service.plan("door", START, 100.0, is_continued=True)), piece)
        newer = self.get(self.service.plan("door", START, 100.0))
        self.assertNotEqual(newer.tag, piece.tag)
        self.assertEqual(len(newer.parts), 4)

    def test_where_nothing_was_recorded_the_nearest_time_is_named(self) -> None:
        with self.assertRaises(NothingRecorded) as raised:
            self.get(self.service.plan("door", START + 1000, 10.0))
        assert raised.exception.nearest is not None
        self.assertEqual(raised.exception.nearest.start, START)
        self.assertIn("the nearest recording is from 2025-06-15T", str(raised.exception))
        with self.assertRaisesRegex(NothingRecorded, "nor at any other time"):
            self.get(self.service.plan("yard", START, 10.0))

    def test_a_picture_is_that_of_its_time_and_read_once(self) -> None:
        first = self.get(self.service.picture("door", START + 2.5))
        self.assertTrue(first.startswith(b"\xff\xd8"))
        other = self.get(self.service.picture("door", START + 4.0))
        self.assertNotEqual(first, other)
        self.patch(self.service, "_read_picture", None)
        self.assertEqual(self.get(self.service.picture("door", START + 2.7)), first)
        with self.assertRaises(NoSuchRecording):
            self.get(self.service.picture("door", START + 99))

    def test_an_export_is_named_after_its_time_and_reported(self) -> None:
        result, piece = self.get(self.service.export("door", START + 4.0, 2.0))
        self.assertRegex(result.name, r"door_\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d\.mp4")
        self.assertEqual(numbers_in(self.folder / result.name), list(range(30, 60)))
        (event,) = [each for each in self.events if isinstance(each, RecordingChanged)]
        self.assertEqual((event.camera, event.what, event.name), ("door", "saved", result.name))
        self.assertIn(result.name, self.names())
        self.assertEqual(piece.gaps, [])

    def test_a_name_must_be_free_and_that_of_an_mp4(self) -> None:
        for name in ("0.mp4", "x.mkv", "../x.mp4", ".x.mp4"):
            with self.assertRaises(BadArgument):
                self.get(self.service.export("door", START, 1.0, name))
        self.assertEqual(self.get(self.service.export("door", START, 1.0, "y"))[0].name, "y.mp4")

    def test_an_export_of_two_sizes_is_refused_with_the_part_that_is_possible(self) -> None:
        make_numbered(self.folder / "3.mp4", 90, 30, width=320)
        with self.assertRaisesRegex(BadArgument, r"another codec, size.*\(9\.0 s\)"):
            self.get(self.service.export("door", START, 20.0, "x.mp4"))
        self.assertNotIn("x.mp4", self.names())

    def test_nothing_is_written_below_a_mount_point(self) -> None:
        def refuse() -> None:
            raise DiskError("it is not mounted")

        with self.assertRaises(DiskError):
            self.get(self.serve(refuse).export("door", START, 1.0))
