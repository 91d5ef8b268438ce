"""With ``idle=close`` the device is open while somebody wants pictures, and a little longer."""

from __future__ import annotations

from pathlib import Path

from twisted.internet.defer import Deferred
from twisted.trial import unittest

from tests.fakecam import FakeCam, Format, encode_jpeg, moving_picture, require_fakecam
from tests.support.camera_rig import EventReader, Viewer, serving
from tests.support.fakes import CameraRig, FakeScheme
from tests.support.process import wait_for
from twistedcam.camera.on_demand import SUSPEND_AFTER
from twistedcam.media.frame import Frame
from twistedcam.sources.base import SourceInfo
from twistedcam.sources.spec import SourceSpec
from twistedcam.stream.hub import Sink


class Taker(Sink):
    """Somebody who watches."""

    def take(self, frame: Frame) -> None:
        """Look at it."""


class DemandTests(unittest.SynchronousTestCase):
    def setUp(self) -> None:
        self.scheme = FakeScheme()
        self.scheme.__enter__()
        self.addCleanup(self.scheme.__exit__)
        self.scheme.opening = SourceInfo(1, 1, 10.0, "fake", steady=False)
        self.rig = CameraRig()
        self.camera = self.rig.camera
        self.camera.use(SourceSpec("fake", "", {"idle": "close"}, "fake:?idle=close"))

    def test_started_with_nobody_there_the_device_stays_closed(self) -> None:
        self.assertIsNone(self.successResultOf(self.camera.start()))
        self.assertEqual((self.camera.state, len(self.rig.threads)), ("stopped", 0))
        self.assertIn("idle", self.camera.reason or "")

    def test_it_opens_for_the_first_and_closes_after_the_last(self) -> None:
        self.camera.start()
        one, two = Taker(), Taker()
        self.camera.hub.add(one)
        self.camera.hub.add(two)
        self.rig.step(2)
        self.assertEqual(self.camera.state, "live")
        self.camera.hub.remove(one)
        self.rig.clock.advance(SUSPEND_AFTER * 2 - 1)
        self.camera.hub.remove(two)
        self.rig.clock.advance(SUSPEND_AFTER - 0.1)
        self.assertEqual(self.camera.state, "live")
        self.rig.clock.advance(0.1)
        self.assertTrue(self.camera.is_idle)

    def test_who_comes_back_in_time_finds_it_open(self) -> None:
        self.camera.start()
        sink = Taker()
        for _ in range(3):
            self.camera.hub.add(sink)
            self.rig.step(2)
            self.rig.clock.advance(1)
            self.camera.hub.remove(sink)
            self.rig.clock.advance(SUSPEND_AFTER - 1)
        self.assertEqual(len(self.rig.threads), 1)

    def test_stopped_it_does_not_open_for_anybody(self) -> None:
        self.camera.hub.add(Taker())
        self.assertEqual((self.camera.state, self.rig.threads), ("stopped", []))
        self.camera.start().addErrback(lambda _: None)
        self.camera.stop()
        self.rig.clock.advance(SUSPEND_AFTER)
        self.assertEqual((self.camera.state, self.camera.reason), ("stopped", None))

    def test_a_picture_that_is_asked_for_opens_it(self) -> None:
        self.camera.start()
        asked = Deferred.fromCoroutine(self.camera.picture())
        self.rig.step(2)
        self.assertEqual(self.successResultOf(asked).seq, 1)


def test_a_webcam_is_opened_for_the_first_viewer_and_not_before(tmp_path: Path) -> None:
    require_fakecam()
    jpegs = [encode_jpeg(picture) for picture in moving_picture(640, 480, 8)]
    with (
        FakeCam([Format("MJPG", 640, 480, (30,), jpegs)]) as camera,
        serving(tmp_path, camera.bus, "--camera", "webcam:0?idle=close") as server,
        EventReader(server.control) as events,
    ):
        wait_for(lambda: "idle" in server.status()["reason"], "rest")
        assert camera.delivered() == []
        with Viewer(server.frames) as viewer:
            viewer.frames(1)
        events.wait_for("state=live")
        assert server.command_lines("record start")[-1] == "OK"
        assert server.status()["recording"] != "none"
