"""Properties: what is asked, what is granted, and nothing half done."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from tests.fakes import CameraRig, FakeScheme
from twistedcam.errors import BadArgument, CameraFailed, NotSupported
from twistedcam.sources import SCHEMES, Granted, Settings, Source, SourceSpec


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

    def set(self, name: str, text: str) -> Deferred[Any]:
        return Deferred.fromCoroutine(self.camera.properties.set(name, text))

    def get(self, name: str) -> dict[str, Any]:
        getting = Deferred.fromCoroutine(self.camera.properties.get_one(name))
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
        self.scheme.opening = Granted(640, 480, 10.0, "fake", "a fake")
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
