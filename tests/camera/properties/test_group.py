"""Properties: what is asked, what is granted, and nothing half done."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from tests.support.fakes import CameraRig, FakeScheme
from tests.support.server_case import ServerCase
from twistedcam.camera.properties.base import Property
from twistedcam.camera.properties.group import CameraProperties, ChosenControls
from twistedcam.errors import BadArgument, CameraFailed, NotSupported
from twistedcam.events import Event, PropertiesChanged
from twistedcam.servers.control.line_format import event_as_text
from twistedcam.sources.base import Source, SourceInfo
from twistedcam.sources.registry import SCHEMES
from twistedcam.sources.spec import Settings, SourceSpec, parse


class FakeDevice:
    """A device with two controls; ``refuses`` is what it says when they are set."""

    def __init__(self) -> None:
        self.values = {"gain": "1", "zoom": "1"}
        self.refuses: Exception | None = None

    def names(self) -> tuple[str, ...]:
        return tuple(self.values)

    async def get(self) -> dict[str, Property]:
        return {name: Property(name, text) for name, text in self.values.items()}

    async def check(self, wanted: Mapping[str, str]) -> None:
        if "bad" in wanted.values():
            raise BadArgument("bad is not valid")

    async def set(self, wanted: Mapping[str, str]) -> list[Property]:
        await self.check(wanted)
        if self.refuses is not None:
            raise self.refuses
        self.values.update(wanted)
        return [Property(name, text) for name, text in wanted.items()]


class PropertyTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.scheme = FakeScheme()
        self.scheme.__enter__()
        self.addCleanup(self.scheme.__exit__)
        make = SCHEMES["fake"]

        def sized(spec: SourceSpec, settings: Settings) -> Source:
            settings.size()
            settings.number("fps", 1, 100)
            source = make(spec, settings)
            if spec.settings.get("fps") == "100":
                self.scheme.sources[-1].opening = CameraFailed("it cannot do that")
            return source

        SCHEMES["fake"] = sized
        self.rig = CameraRig()
        self.camera = self.rig.camera
        self.device = FakeDevice()
        self.properties = CameraProperties(self.camera, self.camera.use, self.device, self.rig.bus)

    def set(self, name: str, text: str) -> Deferred[Any]:
        return Deferred.fromCoroutine(self.properties.set(name, text))

    def set_all(self, **wanted: str) -> Deferred[Any]:
        return Deferred.fromCoroutine(self.properties.set_all(wanted))

    def get(self, name: str) -> dict[str, Any]:
        getting = Deferred.fromCoroutine(self.properties.get_one(name))
        return self.successResultOf(getting).as_dict()  # type: ignore[no-any-return]

    def go_live(self) -> None:
        self.camera.start()
        self.rig.step(2)
        self.assertEqual(self.camera.state, "live")

    def turn(self) -> None:
        """Let the threads make their calls for a while."""
        for _ in range(12):
            for thread in self.rig.threads:
                if thread.waiting:
                    thread.step()
            self.rig.clock.advance(0)

    def test_what_was_granted_is_answered_beside_what_was_asked(self) -> None:
        self.go_live()
        self.scheme.opening = SourceInfo(640, 480, 10.0, "fake", "a fake")
        setting = self.set("size", "641x481")
        self.assertNoResult(setting)
        self.turn()
        found = self.successResultOf(setting).as_dict()
        self.assertEqual((found["value"], found["asked"]), ("640x480", "641x481"))
        self.assertEqual(self.get("size")["asked"], "641x481")
        self.assertEqual(self.rig.states, ["starting", "live", "recovering", "live"])

    def test_a_value_that_the_device_refuses_is_taken_back(self) -> None:
        self.go_live()
        before = self.camera.spec
        setting = self.set("fps", "100")
        self.turn()
        error = self.failureResultOf(setting, CameraFailed).value
        self.assertIn("fps is as it was before: it cannot do that", str(error))
        self.assertEqual(self.camera.spec, before)
        self.turn()
        self.assertEqual(self.camera.state, "live")

    def test_a_stopped_camera_keeps_the_value_for_its_next_start(self) -> None:
        self.successResultOf(self.set("size", "320x240"))
        self.assertEqual(self.get("size")["value"], "320x240")
        self.assertEqual(self.camera.state, "stopped")

    def test_quality_is_changed_without_opening_anew(self) -> None:
        self.go_live()
        self.assertEqual(self.successResultOf(self.set("quality", "33")).value, 33)
        self.assertEqual(self.rig.states, ["starting", "live"])
        self.assertEqual(self.camera.encoder.quality, 33)

    def test_a_value_that_will_not_do_changes_nothing(self) -> None:
        for name, text in (("fps", "fast"), ("size", "0x0"), ("quality", "101"), ("fps", "")):
            self.failureResultOf(self.set(name, text), BadArgument)
        self.failureResultOf(self.set("colour", "red"), BadArgument)
        self.assertEqual(self.camera.spec.settings, {})

    def test_a_setting_that_the_source_has_not_is_not_supported(self) -> None:
        del SCHEMES["fake"]
        SCHEMES["fake"] = self.scheme._make
        self.failureResultOf(self.set("size", "320x240"), NotSupported)

    def test_two_who_set_at_once_are_answered_one_after_the_other(self) -> None:
        self.go_live()
        one, other = self.set("fps", "20"), self.set("quality", "50")
        self.assertNoResult(other)
        self.turn()
        self.successResultOf(one)
        self.assertEqual(self.successResultOf(other).value, 50)

    def test_several_are_set_with_one_opening_and_answered_in_their_order(self) -> None:
        self.go_live()
        setting = self.set_all(gain="7", fps="20", quality="50", size="320x240")
        self.turn()
        found = self.successResultOf(setting)
        self.assertEqual([each.name for each in found], ["gain", "fps", "quality", "size"])
        self.assertEqual(self.rig.states, ["starting", "live", "recovering", "live"])
        self.assertEqual(self.device.values["gain"], "7")
        self.assertEqual(self.camera.encoder.quality, 50)

    def test_what_was_set_is_told_with_what_holds_now_and_what_was_refused_is_not(self) -> None:
        self.go_live()
        self.set_all(gain="7", quality="50")
        refused = self.set_all(gain="8", quality="101")
        self.turn()
        self.failureResultOf(refused, BadArgument)
        told = [each for each in self.rig.events if isinstance(each, PropertiesChanged)]
        self.assertEqual(told, [PropertiesChanged("cam", {"gain": "7", "quality": 50})])
        self.assertEqual(
            event_as_text(told[0]),
            """event: properties camera=cam properties='{"gain": "7", "quality": 50}'\n""",
        )

    def test_of_several_none_is_set_where_one_will_not_do(self) -> None:
        self.go_live()
        before = self.camera.spec
        for wanted, kind in (
            ({"quality": "50", "gain": "bad"}, BadArgument),
            ({"gain": "7", "quality": "101"}, BadArgument),
            ({"gain": "7", "colour": "red"}, BadArgument),
            ({"gain": "7", "fps": "100"}, CameraFailed),
        ):
            setting = self.set_all(**wanted)
            self.turn()
            self.failureResultOf(setting, kind)
            self.turn()
            self.assertEqual((self.camera.spec, self.device.values["gain"]), (before, "1"), wanted)
            self.assertEqual(self.camera.state, "live")

    def test_what_was_set_is_taken_back_where_the_device_refuses_at_last(self) -> None:
        self.go_live()
        before = self.camera.spec
        self.device.refuses = NotSupported("gain cannot be set now")
        for wanted in ({"quality": "50"}, {"quality": "50", "fps": "20"}):
            setting = self.set_all(gain="7", **wanted)
            self.turn()
            self.assertEqual(
                str(self.failureResultOf(setting, NotSupported).value), "gain cannot be set now"
            )
            self.turn()
            self.assertEqual((self.camera.spec, self.camera.state), (before, "live"))
            self.assertEqual(self.camera.encoder.quality, 80)
        self.assertEqual(self.rig.states.count("recovering"), 2)  # to 20 fps, and back


class ConfigurationTests(ServerCase):
    def test_a_configuration_that_is_read_again_is_told_too(self) -> None:
        self.server.add_camera("yard2", parse("pattern:?quality=50"))
        told: list[Event] = []
        self.server.events.subscribe(told.append)
        self.server.configure("yard2", parse("pattern:?quality=60"), reopen=False)
        (event,) = told
        assert isinstance(event, PropertiesChanged)
        self.assertEqual(event.properties["quality"], 60)


def test_the_controls_are_those_of_the_present_source() -> None:
    camera: Any = SimpleNamespace(spec=parse("webcam:0"))
    webcam: Any = SimpleNamespace(names=lambda: ("zoom",))
    made: list[Any] = []

    def make_picamera() -> Any:
        made.append(SimpleNamespace(names=lambda: ("brightness",)))
        return made[-1]

    chosen = ChosenControls(camera, webcam, make_picamera)
    assert (chosen.names(), made) == (("zoom",), [])
    camera.spec = parse("picamera:")
    assert (chosen.names(), chosen.names(), len(made)) == (("brightness",), ("brightness",), 1)
