"""The first picture of a recording, and why there is none."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from twistedcam.errors import DiskError
from twistedcam.events import CameraChanged, EventBus
from twistedcam.recording.first_frame import PATIENCE, FirstFrameWatch


class FirstFrameTests(SynchronousTestCase):
    """A camera that the test plays."""

    def setUp(self) -> None:
        self.camera: Any = SimpleNamespace(name="cam", state="live", reason="")
        self.bus, self.told = EventBus(), list[str | None]()
        self.clock: Any = Clock()
        self.watch = FirstFrameWatch(self.camera, self.bus, self.clock, self.told.append)

    def test_a_picture_that_comes_at_once_needs_no_remark(self) -> None:
        self.watch.begin()
        waited = self.watch.wait()
        self.assertNoResult(waited)
        self.watch.on_picture()
        self.assertIsNone(self.successResultOf(waited))
        self.clock.advance(PATIENCE * 2)
        self.assertEqual((self.told, self.watch.reason), ([], None))

    def test_after_some_seconds_without_one_the_reason_is_told(self) -> None:
        self.camera.state = "starting"
        self.watch.begin()
        waited = self.watch.wait()
        self.clock.advance(PATIENCE)
        self.assertEqual(self.successResultOf(waited), "the camera is starting")
        self.assertEqual(self.successResultOf(self.watch.wait()), "the camera is starting")
        self.watch.on_picture()
        self.assertEqual(self.told, ["the camera is starting", None])
        self.assertIsNone(self.successResultOf(self.watch.wait()))

    def test_a_camera_that_is_lost_is_a_reason_at_once(self) -> None:
        self.watch.begin()
        waited = self.watch.wait()
        self.camera.state, self.camera.reason = "recovering", "unplugged"
        self.bus.publish(CameraChanged("other", "recovering"))
        self.assertNoResult(waited)
        self.bus.publish(CameraChanged("cam", "recovering"))
        self.assertEqual(self.successResultOf(waited), "the camera is recovering: unplugged")
        self.watch.end(None)
        self.watch.begin()
        self.assertEqual(self.watch.reason, "the camera is recovering: unplugged")

    def test_pictures_that_cannot_be_recorded_are_a_reason(self) -> None:
        self.watch.begin()
        self.watch.on_unsupported("one pixel")
        self.clock.advance(PATIENCE)
        self.assertEqual((self.told, self.watch.reason), (["one pixel"], "one pixel"))

    def test_the_error_that_ends_the_recording_answers_those_who_wait(self) -> None:
        self.watch.begin()
        first = self.watch.wait()
        self.watch.end(DiskError("full"))
        self.failureResultOf(first, DiskError)
        self.watch.begin()
        second = self.watch.wait()
        self.watch.end(None)
        self.assertIsNone(self.successResultOf(second))
        self.assertEqual(self.clock.getDelayedCalls(), [])
