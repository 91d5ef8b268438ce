"""The commands about what was recorded at a time."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred

from tests.support.fakes import InlineReader
from tests.support.movies import START, make_numbered, numbers_in
from tests.support.server_case import CONTROL, DOOR, YARD, ServerCase
from twistedcam.auth import ANYONE, Grant
from twistedcam.commands import standard_commands
from twistedcam.errors import BadArgument, CameraNeeded, NoSuchCamera, NoSuchRecording


class PlaybackCommandTests(ServerCase):
    """Two cameras, of which one has recordings with a gap."""

    def setUp(self) -> None:
        super().setUp()
        for number, first in enumerate((0, 30, 80)):
            make_numbered(self.server.recordings / f"{number}.mp4", first, 30)
        self.server.library._index._reader = InlineReader()
        self.registry = standard_commands()

    def ask(self, line: str) -> Any:
        command, words = self.registry.find(line.split())
        arguments = command.bind(self.server, words)
        if command.takes_covers:
            arguments["covers"] = lambda camera: True
        found: list[Any] = []
        failures: list[Any] = []
        running = Deferred.fromCoroutine(command.run(self.server, **arguments))
        running.addCallbacks(found.append, failures.append)
        if failures:
            raise failures[0].value
        return found[0]

    def test_spans_have_their_recordings(self) -> None:
        self.assertEqual(
            self.ask("spans door"),
            [
                {"start": START, "end": START + 6, "recordings": ["0.mp4", "1.mp4"]},
                {"start": START + 8, "end": START + 11, "recordings": ["2.mp4"]},
            ],
        )
        self.assertEqual(self.ask("spans yard"), [])
        (joined,) = self.ask("spans door --gap 5s")
        self.assertEqual((joined["end"], joined["files"]), (START + 11, 3))
        (last,) = self.ask(f"spans door --start {START + 7} --end 2030-01-01T00:00:00Z")
        self.assertEqual(last["recordings"], ["2.mp4"])

    def test_a_camera_that_was_removed_can_be_looked_back_at(self) -> None:
        make_numbered(self.server.recordings / "old.mp4", 0, 30, camera="cellar")
        (span,) = self.ask("spans cellar")
        self.assertEqual(span["recordings"], ["old.mp4"])
        told = self.ask(f"export cellar {START} 2s visit.mp4")
        self.assertEqual((told["recording"], told["frames"]), ("visit.mp4", 20))
        self.ask(f"timelapse cellar {START} {START + 3} 100ms")
        self.assertEqual(self.ask("events cellar"), [])
        listed = {each["camera"]: each["removed"] for each in self.ask("recorded")}
        self.assertEqual(listed, {"cellar": True, "door": False})
        for line in ("spans attic", "events attic", f"export attic {START} 2s", "start cellar"):
            with self.assertRaises(NoSuchCamera):
                self.ask(line)

    def test_an_export_says_what_it_contains(self) -> None:
        told = self.ask(f"export door {START + 4} 5s mine.mp4")
        self.assertEqual((told["recording"], told["seconds"], told["frames"]), ("mine.mp4", 4, 40))
        self.assertEqual((told["gaps"], told["missing_seconds"]), (1, 2))
        shown = numbers_in(self.server.recordings / "mine.mp4")
        self.assertEqual(shown, [*range(30, 60), *range(80, 90)])

    def test_what_is_no_time_is_an_error(self) -> None:
        for line in ("export door soon 5s", f"export door {START} 9d", "spans door --start x"):
            with self.assertRaises(BadArgument):
                self.ask(line)
        with self.assertRaisesRegex(NoSuchRecording, "the nearest recording"):
            self.ask("export door 5 5s")
        with self.assertRaisesRegex(BadArgument, "later"):
            self.ask("timelapse door 10 5 1s")

    def test_a_timelapse_is_rendered_and_shown(self) -> None:
        self.assertEqual(self.ask("timelapse status"), [])
        told = self.ask(f"timelapse door {START} {START + 60} 100ms film.mp4")
        self.assertEqual(told, {"recording": "film.mp4", "pictures": 3})
        (shown,) = self.ask("timelapse status")
        self.assertEqual((shown["state"], shown["percent"]), ("saved", 100))
        with self.assertRaisesRegex(BadArgument, "no timelapse"):
            self.ask("timelapse cancel door")

    def test_the_only_timelapse_is_cancelled_without_its_camera(self) -> None:
        make_numbered(self.server.recordings / "old.mp4", 0, 30, camera="cellar")
        with self.assertRaises(CameraNeeded):
            self.ask("timelapse cancel")
        self.ask("timelapse status")
        self.ask(f"timelapse cellar {START} {START + 60} 100ms film.mp4")
        job = self.server.timelapses.job
        assert job is not None
        job.state = "rendering"  # as long as its thread renders
        command, words = self.registry.find(["timelapse", "cancel"])
        for grant in (
            ANYONE,
            Grant("desk", CONTROL),
            Grant("porter", CONTROL, frozenset({"cellar"})),
        ):
            self.assertEqual(command.bind(self.server, words, grant)["camera"].name, "cellar")
        with self.assertRaises(CameraNeeded):
            command.bind(self.server, words, Grant("attendant", CONTROL, DOOR | YARD))

    def test_a_recording_is_protected_and_listed_so(self) -> None:
        self.assertIsNone(self.ask("protect 1.mp4"))
        self.assertIn("already", self.ask("protect 1.mp4")["note"])
        shown = {each["recording"]: each["protected"] for each in self.ask("recordings")}
        self.assertEqual(shown, {"0.mp4": False, "1.mp4": True, "2.mp4": False})
        self.assertIsNone(self.ask("unprotect 1.mp4"))
        with self.assertRaises(NoSuchRecording):
            self.ask("protect none.mp4")

    def test_a_long_list_is_read_in_parts(self) -> None:
        first = self.ask("recordings --limit 2")
        self.assertEqual([each["recording"] for each in first], ["2.mp4", "1.mp4"])
        rest = self.ask(f"recordings --limit 2 --before {first[-1]['start']}")
        self.assertEqual([each["recording"] for each in rest], ["0.mp4"])
        for limit in ("0", "-1", "x", "1e3"):
            with self.assertRaises(BadArgument):
                self.ask(f"recordings --limit {limit}")
