"""The commands that move cameras, with their words and rights."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

from twisted.internet.defer import Deferred

from tests.camera.ptz.test_controller import FakeMotors
from tests.support.http_site import Connection, SiteCase, TokenSiteCase
from twistedcam.auth import ANYONE
from twistedcam.camera.ptz.motors import Velocity
from twistedcam.commands import run_command
from twistedcam.commands.status_fields import camera_status
from twistedcam.errors import BadArgument, NotSupported

API = "/api/v1/cameras/door/ptz"


class PtzCommandTests(SiteCase):
    def setUp(self) -> None:
        super().setUp()
        self.motors = FakeMotors()
        ptz = self.server.channels["door"].ptz
        patched = patch.object(ptz, "_make", lambda key: self.motors)
        patched.start()
        self.addCleanup(patched.stop)
        self.addCleanup(ptz.close)

    def run_line(self, line: str) -> Deferred[Any]:
        command, rest = self.registry.find(line.split())
        return Deferred.fromCoroutine(
            run_command(self.server, command, ANYONE, lambda: command.bind(self.server, rest))
        )

    def test_lines_name_camera_direction_and_speed(self) -> None:
        for line, velocity, seconds in (
            ("ptz move door left", (-0.5, 0, 0), 1.5),
            ("ptz move door up-right 1", (1, 1, 0), 1.5),
            ("ptz move door in 0.2 --seconds 500ms", (0, 0, 0.2), 0.5),
        ):
            self.successResultOf(self.run_line(line))
            assert self.motors.calls.pop() == ("move", Velocity(*velocity), seconds), line
        self.successResultOf(self.run_line("ptz stop door"))
        assert self.motors.calls == [("stop",)]

    def test_with_one_camera_its_name_may_be_left_out(self) -> None:
        self.successResultOf(Deferred.fromCoroutine(self.server.remove_camera("yard")))
        for line in ("ptz move left", "ptz move left 0.5", "ptz preset Gate", "ptz home"):
            self.successResultOf(self.run_line(line))
        assert [each[0] for each in self.motors.calls] == ["move", "move", "go_to", "home"]

    def test_wrong_words_are_errors(self) -> None:
        for line in (
            "ptz move door north",
            "ptz move door left 7",
            "ptz move door left --seconds 11",
            "ptz move door",
            "ptz save door",
        ):
            self.failureResultOf(self.run_line(line), BadArgument)
        self.failureResultOf(self.run_line("ptz move yard left"), NotSupported)
        assert self.motors.calls == []

    def test_status_says_what_can_be_moved(self) -> None:
        assert camera_status(self.server, self.door)["ptz"] == "no"
        self.successResultOf(self.run_line("ptz presets door"))
        status = camera_status(self.server, self.door)
        assert (status["ptz"], status["ptz_axes"]) == ("yes", "pan")

    def test_http_has_the_same_commands(self) -> None:
        found = self.ask("POST", f"{API}/move", b'{"direction": "left", "speed": 1}')
        assert self.status == 200
        assert self.motors.calls == [("move", Velocity(-1, 0, 0), 1.5)]
        found = self.ask("GET", f"{API}/presets")
        assert found.json == {"presets": [{"preset": "Gate"}]}
        gate, yard = b'{"name": "Gate"}', b'{"name": "My yard"}'
        asked = {"stop": b"", "home": b"", "preset": gate, "save": yard, "delete": gate}
        for path, body in asked.items():
            self.ask("POST", f"{API}/{path}", body)
            assert self.status == 200, path
        assert ("save", "My yard") in self.motors.calls
        self.ask("POST", "/api/v1/cameras/yard/ptz/stop")
        assert self.status == 409


class RightTests(TokenSiteCase):
    def test_a_viewer_lists_presets_and_moves_nothing(self) -> None:
        motors = FakeMotors()
        self.server.channels["door"].ptz._make = lambda key: motors  # type: ignore[method-assign]
        for name, listed, moved in (("viewer", 200, 403), ("attendant", 200, 200),
                                    ("neighbour", 403, 403), ("operator", 403, 403)):  # fmt: skip
            headers = {"Authorization": f"Bearer {self.tokens[name]}"}
            ask = Connection(self.factory).ask
            assert ask("GET", f"{API}/presets", **headers) == listed, name
            body = b'{"direction": "left"}'
            assert Connection(self.factory).ask("POST", f"{API}/move", body, **headers) == moved
        self.server.channels["door"].ptz.close()
