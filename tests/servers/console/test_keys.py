"""Each key is a command, for one camera or all."""

from __future__ import annotations

import tempfile
from pathlib import Path

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.support.fakes import make_server
from twistedcam.commands import standard_commands
from twistedcam.errors import CameraFailed
from twistedcam.processing import Process
from twistedcam.processing.user_code import Code
from twistedcam.servers.console.keys import KEYS, LINE_GAP, Keys
from twistedcam.sources.spec import parse


class KeyTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.make("one", "two")

    def make(self, *names: str) -> None:
        self.clock = Clock()
        self.server = make_server(self.clock, Path(tempfile.gettempdir(), "never-written"))
        for name in names:
            self.server.add_camera(name, parse("pattern:"))
        self.registry = standard_commands()
        self.executed: list[tuple[str, str]] = []
        for _, _, name, _ in KEYS:
            self.note(name)
        self.said: list[str] = []
        self.keys = Keys(self.server, self.registry, self.said.append)

    def type(self, keys: str) -> None:
        """One after the other, as a person does."""
        for key in keys:
            self.keys.on_typed(key)
            self.clock.advance(0.2)

    def note(self, name: str) -> None:
        @self.registry.command(name)
        def noted(server: object, camera: object = None) -> None:
            self.executed.append((name, getattr(camera, "name", "")))

    def test_each_key_executes_its_command(self) -> None:
        self.make("cam")
        self.type(" sremuqq")
        self.assertEqual(
            [name for name, _ in self.executed],
            ["start", "stop", "record start", "record stop", "mute", "unmute", "shutdown"],
        )
        self.assertEqual(self.said[0], "cam: start: OK")
        self.assertEqual(self.said[-2:], ["press q again within 2 s to shut down", "shutdown: OK"])

    def test_a_key_is_for_all_cameras_until_one_is_selected(self) -> None:
        self.type("s2s0s")
        self.assertEqual(
            [camera for _, camera in self.executed], ["one", "two", "two", "one", "two"]
        )

    def test_a_camera_of_user_code_has_to_be_selected(self) -> None:
        self.make("cam")
        self.server.add_process(Process("cam", Code.of(len), "thread"))
        self.type("r2r")
        self.assertEqual([camera for _, camera in self.executed], ["cam", "cam.len"])

    def test_record_stop_is_for_recording_cameras_only(self) -> None:
        self.type("e")
        self.assertEqual(self.said, ["record stop: no camera is recording"])
        self.server.channels["two"].recorder.state = "recording"
        self.type("e1e")
        self.assertEqual(
            [each for each in self.executed if each[0] == "record stop"],
            [("record stop", "two"), ("record stop", "one")],
        )

    def test_unknown_keys_are_ignored(self) -> None:
        self.type("x9\n\u00e4")
        self.keys.on_typed("\x1b[sq")
        self.assertEqual(self.executed, [])
        self.assertEqual(self.said, ["there is no camera 9: the cameras are 1 to 2"])

    def test_shutdown_has_to_be_confirmed_in_time(self) -> None:
        self.type("q")
        self.clock.advance(3)
        self.type("q")
        self.assertEqual((self.executed, len(self.said)), ([], 2))
        self.type("q")
        self.assertEqual(self.executed, [("shutdown", "")])

    def test_a_line_is_ignored_with_one_message(self) -> None:
        for pieces in (
            ["clear; time make run\n"],
            list("qqsre qq\n"),
            ["s", "r\n"],
            ["\u00e4q", "q"],
        ):
            self.said.clear()
            for piece in pieces:
                self.keys.on_typed(piece)
                self.clock.advance(LINE_GAP / 2)
            self.clock.advance(1)
            self.assertEqual(self.executed, [], pieces)
            self.assertEqual(len(self.said), 1)
            self.assertIn("ignored", self.said[0])
        self.type("s")
        self.assertEqual([name for name, _ in self.executed], ["stop", "stop"])

    def test_help_names_every_key(self) -> None:
        self.type("?")
        for _, shown, _, about in KEYS:
            self.assertIn(f"{shown} {about}", self.said[0])

    def test_errors_are_shown(self) -> None:
        self.make("cam")

        @self.registry.command("start")
        async def fail(server: object, camera: object) -> None:
            raise CameraFailed("it is in use")

        self.keys.press(" ")
        self.assertEqual(self.said, ["cam: start: it is in use"])
