"""A camera that is lost or stopped while it is recorded."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from twistedcam.events import CameraChanged, EventBus
from twistedcam.recording.camera_loss import CameraLossWatch
from twistedcam.recording.writer.session import MAX_GAP

PATIENCE = MAX_GAP / 1e6


class CameraLossTests(SynchronousTestCase):
    """A camera that the test plays."""

    def setUp(self) -> None:
        self.camera: Any = SimpleNamespace(name="cam", stalled=False)
        self.bus, self.calls = EventBus(), list[str]()
        self.clock: Any = Clock()
        self.watch = CameraLossWatch(
            self.camera,
            self.bus,
            self.clock,
            lambda: self.calls.append("stopped"),
            lambda: self.calls.append("lost"),
        )

    def become(self, *states: str, camera: str = "cam") -> None:
        for state in states:
            self.bus.publish(CameraChanged(camera, state))
            self.clock.advance(0)

    def test_a_loss_is_told_once_until_the_camera_is_back(self) -> None:
        self.watch.begin(ignore_loss=False)
        self.become("recovering", "recovering")
        self.assertEqual(self.calls, ["lost"])
        self.become("live", "recovering")
        self.assertEqual(self.calls, ["lost", "lost"])

    def test_a_stalled_camera_gets_time(self) -> None:
        self.camera.stalled = True
        self.watch.begin(ignore_loss=False)
        self.become("recovering")
        self.clock.advance(PATIENCE / 2)
        self.become("recovering")  # an attempt that failed: counted from the loss
        self.clock.advance(PATIENCE / 2)
        self.assertEqual(self.calls, ["lost"])
        self.become("live", "recovering")
        self.clock.advance(PATIENCE / 2)
        self.become("live")
        self.clock.advance(PATIENCE)
        self.assertEqual(self.calls, ["lost"])

    def test_a_timelapse_ignores_losses_but_not_a_stop(self) -> None:
        self.watch.begin(ignore_loss=True)
        self.become("recovering")
        self.clock.advance(PATIENCE * 10)
        self.assertEqual(self.calls, [])
        self.become("stopped")
        self.assertEqual(self.calls, ["stopped"])

    def test_outside_a_recording_and_of_other_cameras_nothing_is_told(self) -> None:
        self.become("recovering", "stopped")
        self.watch.begin(ignore_loss=False)
        self.become("recovering", "stopped", camera="other")
        self.watch.end()
        self.become("recovering", "stopped")
        self.assertEqual(self.calls, [])
        self.assertEqual(self.clock.getDelayedCalls(), [])
