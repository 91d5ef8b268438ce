"""The standard commands: ``kick``."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred

from tests.support.server_case import ServerCase
from twistedcam.commands import standard_commands
from twistedcam.commands.standard import KICK_TIMEOUT
from twistedcam.errors import NoSuchViewer


class KickTests(ServerCase):
    def ask(self, line: str) -> Deferred[Any]:
        command, words = standard_commands().find(line.split())
        arguments = command.bind(self.server, words)
        return Deferred.fromCoroutine(command.run(self.server, **arguments))

    def test_kick_answers_when_the_viewer_has_left(self) -> None:
        told: list[str] = []
        viewer = self.server.viewers.join("here", "tcp", "door", "write", told.append)
        asked, again = self.ask(f"kick {viewer.id}"), self.ask(f"kick {viewer.id}")
        self.assertEqual(told, ["ended by a controller"] * 2)
        self.assertNoResult(asked)
        self.server.viewers.leave(viewer)
        self.assertIsNone(self.successResultOf(asked))
        self.assertIsNone(self.successResultOf(again))
        self.failureResultOf(self.ask(f"kick {viewer.id}"), NoSuchViewer)

    def test_kick_says_that_a_viewer_is_still_there(self) -> None:
        viewer = self.server.viewers.join("here", "tcp", "door", "write", lambda reason: None)
        asked = self.ask(f"kick {viewer.id}")
        self.clock.advance(KICK_TIMEOUT)
        self.assertIn("still closing", self.successResultOf(asked)["note"])
        self.server.viewers.leave(viewer)
