"""Timelapses of recordings: evenly over the recorded time, whole or not at all."""

from __future__ import annotations

import os

import pytest
from twisted.internet.defer import Deferred

from tests.support.fakes import InlineThread, ManualThread
from tests.support.movies import START, entries_in, entry, make_numbered, numbers_in
from tests.support.recordings import LibraryCase
from twistedcam.errors import BadArgument
from twistedcam.events import Event, RecordingChanged
from twistedcam.recording.playback.timelapse import TimelapseRenderer, choose_times


def test_times_are_even_over_files_and_leave_gaps_out() -> None:
    entries = [entry("a", 100, 10), entry("b", 110, 10), entry("c", 200, 10)]
    chosen = choose_times(entries, 105, 205, 10)
    assert [(each.recording, times) for each, times in chosen] == [
        ("a", [5.0, 7.0, 9.0]),
        ("b", [1.0, 3.0, 5.0, 7.0, 9.0]),
        ("c", [1.0, 3.0]),
    ]


@pytest.mark.parametrize("count", [1, 7, 100])
def test_there_are_as_many_times_as_pictures(count: int) -> None:
    entries = [entry(str(number), 100 + 20 * number, 15) for number in range(5)]
    chosen = choose_times(entries, 0, 1000, count)
    assert sum(len(times) for _, times in chosen) == pytest.approx(count, abs=1)


class RendererTests(LibraryCase):
    def setUp(self) -> None:
        super().setUp()
        for number in range(3):
            make_numbered(self.folder / f"{number}.mp4", number * 40, 40)
        self.entries = entries_in(self.folder)
        self.events: list[Event] = []
        self.bus.subscribe(self.events.append)

    def said(self) -> list[str]:
        return [each.what for each in self.events if isinstance(each, RecordingChanged)]

    def test_a_film_has_key_frames_in_order_and_its_mark(self) -> None:
        renderer = TimelapseRenderer(self.folder, self.bus, InlineThread)
        job = renderer.start("door", self.entries, START, START + 12, 0.2, "film")
        self.assertEqual((job.name, job.state, job.done), ("film.mp4", "saved", 6))
        self.assertEqual(self.said(), ["rendering", "saved"])
        self.assertEqual(numbers_in(self.folder / "film.mp4"), [0, 20, 40, 60, 80, 100])
        (item,) = [each for each in entries_in(self.folder) if each.recording == "film.mp4"]
        self.assertEqual((item.camera, item.kind, item.own), ("door", "timelapse", True))
        self.assertEqual((item.seconds, item.start), (0.2, START))

    def test_one_film_is_rendered_at_a_time_and_can_be_cancelled(self) -> None:
        thread = ManualThread()
        renderer = TimelapseRenderer(self.folder, self.bus, lambda: thread)
        renderer.start("door", self.entries, START, START + 12, 1.0, "film")
        with self.assertRaisesRegex(BadArgument, r"film\.mp4 is being rendered"):
            renderer.start("door", self.entries, START, START + 12, 1.0, "other")
        other = Deferred.fromCoroutine(renderer.cancel("yard"))
        self.assertFalse(self.successResultOf(other))
        cancelled = Deferred.fromCoroutine(renderer.cancel("door"))
        self.assertNoResult(cancelled)
        thread.step()
        self.assertTrue(self.successResultOf(cancelled))
        assert renderer.job is not None
        self.assertEqual(renderer.job.state, "failed")
        self.assertEqual(self.said(), ["rendering", "failed"])
        self.assertEqual([name for name in os.listdir(self.folder) if "film" in name], [])
        renderer.start("door", self.entries, START, START + 12, 1.0, "film")

    def test_what_is_not_possible_is_refused(self) -> None:
        renderer = TimelapseRenderer(self.folder, self.bus, InlineThread)
        for seconds, name in ((0.01, "a"), (99_999.0, "a"), (1.0, "0.mp4"), (1.0, "a.mkv")):
            with self.assertRaises(BadArgument):
                renderer.start("door", self.entries, START, START + 12, seconds, name)
        self.assertIsNone(renderer.job)

    def test_recordings_that_cannot_be_read_make_no_film(self) -> None:
        for number in range(3):
            (self.folder / f"{number}.mp4").write_bytes(b"no film")
        renderer = TimelapseRenderer(self.folder, self.bus, InlineThread)
        job = renderer.start("door", self.entries, START, START + 12, 1.0, "film")
        self.assertEqual(job.state, "failed")
        self.assertIn("no picture could be read", job.reason or "")
        self.assertNotIn("film.mp4", os.listdir(self.folder))
