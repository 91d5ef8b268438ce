"""The commands about the client's own connection."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.support.fakes import make_server
from twistedcam.auth import Grant
from twistedcam.commands import standard_commands
from twistedcam.errors import BadArgument
from twistedcam.sources.spec import parse


class Session:
    """Records what a command asks of the session."""

    json = False

    def __init__(self, grant: Grant) -> None:
        self.grant = grant
        self.calls: list[Any] = []

    def watch(self, camera: str | None) -> None:
        self.calls.append(("watch", camera))

    async def authenticate(self, token: str) -> Grant:
        self.calls.append(("authenticate", token))
        return self.grant

    def quit(self) -> None:
        self.calls.append("quit")


class SessionCommandTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.server = make_server(Clock(), Path(self.mktemp()))
        self.server.add_camera("cam", parse("pattern:"))
        cameras = frozenset({"front door", "cam"})
        self.session = Session(Grant("guest", frozenset({"view", "control"}), cameras))

    def ask(self, line: str) -> Deferred[Any]:
        command, words = standard_commands().find(line.split())
        assert command.of_session
        arguments = command.bind(self.server, words)
        return Deferred.fromCoroutine(command.run(self.session, **arguments))

    def test_auth_answers_with_rights_and_cameras(self) -> None:
        answer = self.successResultOf(self.ask("auth SECRET"))
        self.assertEqual(answer, {"rights": "view control", "cameras": "cam 'front door'"})
        self.assertEqual(self.session.calls, [("authenticate", "SECRET")])

    def test_watch_is_for_one_camera_or_for_all(self) -> None:
        for line in ("watch", "watch cam"):
            self.assertIsNone(self.successResultOf(self.ask(line)))
        self.assertEqual(self.session.calls, [("watch", None), ("watch", "cam")])

    def test_json_is_switched_on_and_off(self) -> None:
        self.successResultOf(self.ask("json on"))
        self.assertTrue(self.session.json)
        self.successResultOf(self.ask("json off"))
        self.assertFalse(self.session.json)
        self.failureResultOf(self.ask("json maybe"), BadArgument)

    def test_quit_ends_the_session(self) -> None:
        self.successResultOf(self.ask("quit"))
        self.assertEqual(self.session.calls, ["quit"])
