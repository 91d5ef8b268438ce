"""A camera moves while somebody says so, and stops when nobody does."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from tests.support.fakes import InlineThread
from twistedcam.camera.ptz.controller import MOVE_SECONDS, RETRY, STEP, PtzController
from twistedcam.camera.ptz.motors import Velocity
from twistedcam.camera.ptz.onvif_motors import OnvifMotors
from twistedcam.camera.status import CameraStatus
from twistedcam.errors import BadArgument, CameraFailed, NotSupported
from twistedcam.events import EventBus
from twistedcam.sources.spec import parse


class FakeMotors:
    """Notes what it has to do."""

    axes = ("pan",)

    def __init__(self, *, is_stepwise: bool = False) -> None:
        self.is_stepwise = is_stepwise
        self.calls: list[Any] = []
        self.error: Exception | None = None

    def __getattr__(self, name: str) -> Any:
        def call(*arguments: Any) -> Any:
            if self.error is not None:
                raise self.error
            self.calls.append((name, *arguments))
            return ["Gate"] if name == "presets" else None

        return call


class ControllerTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock, self.events = Clock(), EventBus()
        self.status = CameraStatus("door", parse("onvif://h/main"), self.clock)
        self.motors = FakeMotors()
        self.found: Any = self.motors
        patched = patch.object(OnvifMotors, "find", lambda address, verify: self.find())
        patched.start()
        self.addCleanup(patched.stop)
        presets: Any = None
        self.ptz = PtzController(self.status, self.events, self.clock, InlineThread, presets)
        self.looks = 0

    def find(self) -> Any:
        self.looks += 1
        if isinstance(self.found, Exception):
            raise self.found
        return self.found

    def live(self) -> None:
        self.status.set_state("live", None)
        self.events.publish(self.status.changed())

    def run_now(self, work: Any) -> Any:
        return self.successResultOf(Deferred.fromCoroutine(work))

    def fails(self, work: Any, kind: type[Exception]) -> str:
        why = self.failureResultOf(Deferred.fromCoroutine(work), kind)
        return why.getErrorMessage()

    def test_motors_are_looked_for_when_the_camera_is_live_and_again_with_another_source(
        self,
    ) -> None:
        assert not self.ptz.is_available
        self.live()
        assert (self.ptz.is_available, self.ptz.axes, self.looks) == (True, ("pan",), 1)
        self.live()
        assert self.looks == 1
        self.status.spec = parse("onvif://other/main")
        self.live()
        assert (self.looks, self.motors.calls) == (2, [("close",)])
        self.status.spec = parse("pattern:")
        self.live()
        assert not self.ptz.is_available

    def test_a_camera_stops_after_its_time(self) -> None:
        self.run_now(self.ptz.move(Velocity(1, 0, 0)))
        assert self.motors.calls == [("move", Velocity(1, 0, 0), MOVE_SECONDS)]
        self.clock.advance(MOVE_SECONDS - 0.1)
        self.run_now(self.ptz.move(Velocity(0, 1, 0), 3))
        self.clock.advance(2.9)
        assert self.ptz.is_moving
        self.clock.advance(0.2)
        assert self.motors.calls[1:] == [("move", Velocity(0, 1, 0), 3), ("stop",)]
        assert self.clock.getDelayedCalls() == []

    def test_stop_ends_the_movement_and_its_time(self) -> None:
        self.run_now(self.ptz.move(Velocity(1)))
        self.run_now(self.ptz.stop())
        assert self.motors.calls[1:] == [("stop",)]
        assert (self.ptz.is_moving, self.clock.getDelayedCalls()) == (False, [])

    def test_motors_that_move_by_steps_get_steps_until_the_end(self) -> None:
        self.found = self.motors = FakeMotors(is_stepwise=True)
        self.run_now(self.ptz.move(Velocity(1), 0.35))
        self.clock.pump([STEP] * 10)
        steps = [("move", Velocity(1), STEP)] * 4
        assert self.motors.calls == [*steps, ("stop",)]
        assert self.clock.getDelayedCalls() == []

    def test_the_picture_is_moved_as_it_is_seen(self) -> None:
        self.status.spec = parse("onvif://h/main#rotate=180")
        self.run_now(self.ptz.move(Velocity(1, 0, 1)))
        assert self.motors.calls[0][1] == Velocity(-1, 0, 1)

    def test_positions_are_passed_on(self) -> None:
        assert self.run_now(self.ptz.presets()) == ["Gate"]
        for work in (
            self.ptz.home(),
            self.ptz.go_to("a"),
            self.ptz.save("b"),
            self.ptz.delete("c"),
        ):
            self.run_now(work)
        assert self.motors.calls[1:] == [("home",), ("go_to", "a"), ("save", "b"), ("delete", "c")]
        for name in ("", " ", "x" * 61, "a\nb"):
            self.fails(self.ptz.save(name), BadArgument)

    def test_a_camera_without_motors_refuses(self) -> None:
        self.found = None
        words = self.fails(self.ptz.move(Velocity(1)), NotSupported)
        assert words == "door cannot be moved: it has neither pan, tilt nor zoom"
        assert not self.ptz.is_moving
        assert self.clock.getDelayedCalls() == []

    def test_a_camera_that_does_not_answer_is_asked_again(self) -> None:
        self.found = CameraFailed("it is silent")
        with capturedLogs() as events:
            self.live()
            self.clock.advance(RETRY)
        lines = [formatEvent(each) for each in events]
        assert lines == ["door: its motors do not answer: it is silent"]
        self.fails(self.ptz.move(Velocity(1)), CameraFailed)
        self.found = self.motors
        self.clock.advance(RETRY)
        assert self.ptz.is_available
        assert self.clock.getDelayedCalls() == []

    def test_a_camera_that_cannot_be_stopped_is_logged(self) -> None:
        self.run_now(self.ptz.move(Velocity(1)))
        self.motors.error = CameraFailed("it is silent")
        with capturedLogs() as events:
            self.clock.advance(MOVE_SECONDS)
        assert [formatEvent(each) for each in events] == ["door: it is silent"]

    def test_a_camera_that_is_removed_stops(self) -> None:
        self.run_now(self.ptz.move(Velocity(1)))
        self.ptz.close()
        assert self.motors.calls[1:] == [("stop",)]
        self.status.spec = parse("onvif://other/main")
        self.live()
        assert self.looks == 1
