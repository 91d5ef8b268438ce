"""The PTZ service moves the cameras that can be moved, for those who may."""

from __future__ import annotations

import base64
from functools import partial
from typing import Any

from twisted.internet.defer import Deferred

from tests.camera.ptz.test_controller import FakeMotors
from tests.support.http_site import TokenSiteCase
from tests.support.onvif_site import OnvifClient, add_services
from twistedcam.camera.ptz.motors import Velocity
from twistedcam.commands import standard_commands
from twistedcam.onvif.soap import NAMESPACES
from twistedcam.onvif.xml import Xml, child, children, element, text
from twistedcam.servers.http import Guard, HttpFactory, LiveStats, make_router


class PtzTests(TokenSiteCase):
    def setUp(self) -> None:
        super().setUp()
        router = make_router(self.server, standard_commands(), LiveStats(self.server))
        add_services(router, self.server)
        self.factory = HttpFactory(partial(router.answer, Guard(any_name=True)), self.server)
        self.motors = FakeMotors()
        self.motors.axes = ("pan", "tilt")  # type: ignore[assignment]
        self.ptz = self.server.channels["door"].ptz
        self.ptz._make = lambda key: self.motors  # type: ignore[method-assign,assignment]
        self.successResultOf(Deferred.fromCoroutine(self.ptz.look()))
        self.addCleanup(self.ptz.close)
        self.boss = self.client("boss")

    def client(self, name: str) -> OnvifClient:
        word = base64.b64encode(f"any:{self.tokens[name]}".encode()).decode()
        return OnvifClient(self.factory, Authorization=f"Basic {word}")

    def move(self, client: OnvifClient, velocity: Xml, *more: Any) -> None:
        token = element("tptz:ProfileToken", "door")
        client.ask("tptz:ContinuousMove", token, element("tptz:Velocity", velocity), *more)

    def test_the_service_is_offered_and_the_profile_can_be_moved(self) -> None:
        found = OnvifClient(self.factory).ask("tds:GetServices")
        assert NAMESPACES["tptz"] in [text(e, "Namespace") for e in children(found, "Service")]
        found = OnvifClient(self.factory).ask("tds:GetCapabilities")
        assert text(found, "Capabilities", "PTZ", "XAddr").endswith("/onvif/ptz_service")
        found = self.boss.ask("trt:GetProfiles")
        movable = {
            each.get("token"): child(each, "PTZConfiguration") is not None
            for each in children(found, "Profiles")
        }
        assert movable == {"door": True, "door~small": True, "yard": False, "yard~small": False}

    def test_nodes_and_configurations_say_what_moves(self) -> None:
        for action, name in (("GetNodes", "PTZNode"), ("GetConfigurations", "PTZConfiguration")):
            found = self.boss.ask(f"tptz:{action}")
            assert [each.get("token") for each in children(found, name)] == ["door"]
        for action, argument in (
            ("GetNode", "NodeToken"),
            ("GetConfiguration", "PTZConfigurationToken"),
            ("GetConfigurationOptions", "ConfigurationToken"),
        ):
            self.boss.ask(f"tptz:{action}", element(f"tptz:{argument}", "door"))
            codes = self.boss.fault(f"tptz:{action}", element(f"tptz:{argument}", "yard"))
            assert codes[1] == "ter:NoEntity"
        node = self.boss.ask("tptz:GetNode", element("tptz:NodeToken", "door"))
        spaces = child(node, "PTZNode", "SupportedPTZSpaces")
        assert spaces is not None
        assert [each.tag.rpartition("}")[2] for each in spaces] == [
            "ContinuousPanTiltVelocitySpace"
        ]

    def test_a_camera_moves_and_stops(self) -> None:
        self.move(self.boss, element("tt:PanTilt", x=-0.5, y=1))
        self.move(self.boss, element("tt:Zoom", x=1), element("tptz:Timeout", "PT2.5S"))
        self.move(self.boss, element("tt:Zoom", x=1), element("tptz:Timeout", "PT60S"))
        status = self.boss.ask("tptz:GetStatus", element("tptz:ProfileToken", "door~small"))
        assert text(status, "PTZStatus", "MoveStatus", "PanTilt") == "MOVING"
        self.move(self.boss, element("tt:PanTilt", x=0, y=0))
        self.boss.ask("tptz:Stop", element("tptz:ProfileToken", "door"))
        assert self.motors.calls == [
            ("move", Velocity(-0.5, 1, 0), 5.0),
            ("move", Velocity(0, 0, 1), 2.5),
            ("move", Velocity(0, 0, 1), 10.0),
            ("stop",),
            ("stop",),
        ]

    def test_presets_are_saved_and_used_by_their_names(self) -> None:
        token = element("tptz:ProfileToken", "door")
        found = self.boss.ask("tptz:GetPresets", token)
        assert [each.get("token") for each in children(found, "Preset")] == ["Gate"]
        found = self.boss.ask("tptz:SetPreset", token)
        assert text(found, "PresetToken") == "Preset 1"
        preset = element("tptz:PresetToken", "Gate")
        for action in ("GotoPreset", "RemovePreset"):
            self.boss.ask(f"tptz:{action}", token, preset)
        self.boss.ask("tptz:GotoHomePosition", token)
        assert self.motors.calls[-4:] == [
            ("save", "Preset 1"),
            ("go_to", "Gate"),
            ("delete", "Gate"),
            ("home",),
        ]

    def test_wrong_requests_are_faults(self) -> None:
        yard = element("tptz:ProfileToken", "yard")
        assert self.boss.fault("tptz:Stop", yard)[1] == "ter:NoPTZProfile"
        token = element("tptz:ProfileToken", "door")
        for speed in ("2", "x", "nan"):
            velocity = element("tptz:Velocity", element("tt:PanTilt", x=speed, y=0))
            assert self.boss.fault("tptz:ContinuousMove", token, velocity)[1] == (
                "ter:InvalidVelocity"
            )
        assert self.boss.fault("tptz:AbsoluteMove", token) == ("ter:ActionNotSupported",)
        assert self.motors.calls == []

    def test_a_viewer_moves_nothing(self) -> None:
        token = element("tptz:ProfileToken", "door")
        viewer = self.client("viewer")
        viewer.ask("tptz:GetPresets", token)
        self.motors.calls.clear()
        for action in ("ContinuousMove", "Stop", "GotoHomePosition", "SetPreset", "RemovePreset"):
            assert viewer.fault(f"tptz:{action}", token) == ("ter:NotAuthorized",), action
        assert self.client("neighbour").fault("tptz:Stop", token) == ("ter:NotAuthorized",)
        assert self.motors.calls == []
