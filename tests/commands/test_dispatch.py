"""Commands are executed within the rights of the client."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from twistedcam.auth import ANYONE, Grant
from twistedcam.commands import Registry, run_command
from twistedcam.errors import Forbidden

DOOR: Any = SimpleNamespace(name="front door")


class DispatchTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.registry = registry = Registry()
        self.calls: list[Any] = []

        @registry.command("file", new_file="name")
        def file(server: Any, camera: Any, name: str | None = None) -> None:
            self.calls.append(name)

        @registry.command("whole", right="view", shared_keys=("public",))
        def whole(server: Any) -> dict[str, Any]:
            return {"public": 1, "secret": 2}

        @registry.command("hello", before_auth=True, of_session=True)
        def hello(session: Any) -> None:
            self.calls.append(session)

    def run_command(self, words: str, grant: Grant, session: Any = None, **arguments: Any) -> Any:
        server: Any = SimpleNamespace()
        command = self.registry.get(words)
        waiting = run_command(server, command, grant, lambda: arguments, session)
        return Deferred.fromCoroutine(waiting)

    def test_a_right_is_needed_before_the_arguments_are_read(self) -> None:
        viewer = Grant("viewer", frozenset({"view"}))

        def bind() -> dict[str, Any]:
            return pytest.fail("arguments were read")

        waiting = run_command(SimpleNamespace(), self.registry.get("file"), viewer, bind)  # type: ignore[arg-type]
        self.failureResultOf(Deferred.fromCoroutine(waiting), Forbidden)

    def test_a_token_for_some_cameras_gets_files_with_the_camera_s_name(self) -> None:
        guest = Grant("guest", frozenset({"control"}), frozenset({"front door"}))
        for grant in (guest, ANYONE):
            self.successResultOf(self.run_command("file", grant, camera=DOOR, name="a.mkv"))
        self.assertEqual(self.calls, ["front-door+a.mkv", "a.mkv"])

    def test_a_token_for_some_cameras_gets_the_shared_keys_of_an_answer(self) -> None:
        guest = Grant("guest", frozenset({"view"}), frozenset({"front door"}))
        self.assertEqual(self.successResultOf(self.run_command("whole", guest)), {"public": 1})
        self.assertEqual(len(self.successResultOf(self.run_command("whole", ANYONE))), 2)

    def test_a_command_about_the_session_gets_the_session(self) -> None:
        self.successResultOf(self.run_command("hello", Grant("none", frozenset()), session="mine"))
        self.assertEqual(self.calls, ["mine"])

    def test_a_command_about_the_session_is_forbidden_without_one(self) -> None:
        self.failureResultOf(self.run_command("hello", ANYONE), Forbidden)
        self.assertEqual(self.calls, [])
