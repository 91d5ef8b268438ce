"""A device's controls while its driver answers late, refuses, or is not there at all."""

from __future__ import annotations

import errno
import os
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.support.fakes import CameraRig, FakeScheme, ManualThread
from tests.support.system import require
from twistedcam.camera.properties import device as device_module
from twistedcam.camera.properties.device import PATIENCE, DeviceControls
from twistedcam.errors import BadArgument, CameraFailed
from twistedcam.sources.spec import parse
from twistedcam.sources.webcam.devices import LINUX


class ControlTests(SynchronousTestCase):
    def setUp(self) -> None:
        require(LINUX, "webcams have controls on Linux")
        with FakeScheme():
            self.camera = CameraRig().camera
        self.camera.spec = parse("webcam:/dev/video-of-nobody")
        self.clock = Clock()
        self.threads: list[ManualThread] = []
        self.controls = DeviceControls(self.camera, self.clock, self.start_thread)

    def start_thread(self) -> Any:
        self.threads.append(ManualThread())
        return self.threads[-1]

    def ask(self, coroutine: Any) -> Deferred[Any]:
        return Deferred.fromCoroutine(coroutine)

    def failing(self, asked: Deferred[Any]) -> str:
        return str(self.failureResultOf(asked, CameraFailed).value)

    def test_a_driver_that_hangs_keeps_one_thread_until_it_answers(self) -> None:
        asked = self.ask(self.controls.set({"gain": "1"}))
        self.clock.advance(PATIENCE)
        self.assertIn("does not answer", self.failing(asked))
        self.assertIn("hangs", self.failing(self.ask(self.controls.set({"gain": "1"}))))
        self.assertEqual(self.successResultOf(self.ask(self.controls.get())), {})
        self.assertEqual(len(self.threads), 1)
        self.threads[0].step()
        self.assertTrue(self.threads[0].ended)
        again = self.ask(self.controls.set({"gain": "1"}))
        self.assertEqual(len(self.threads), 2)
        self.threads[1].step()
        self.assertIn("No such file", self.failing(again))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_questions_come_one_after_the_other(self) -> None:
        first, second = self.ask(self.controls.get()), self.ask(self.controls.get())
        self.assertEqual(len(self.threads), 1)
        self.threads[0].step()
        self.successResultOf(first)
        self.assertNoResult(second)
        self.threads[1].step()
        self.successResultOf(second)

    def test_what_the_system_says_is_passed_on(self) -> None:
        def broken(_: str) -> Any:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

        self.patch(device_module, "Driver", broken)
        asked = self.ask(self.controls.set({"gain": "1"}))
        self.threads[0].step()
        self.assertIn("are not available: Input/output error", self.failing(asked))

    def test_without_a_value_or_a_device_nothing_is_asked(self) -> None:
        self.failureResultOf(self.ask(self.controls.set({"gain": ""})), BadArgument)
        for source in ("pattern:", "auto:", "webcam:?name=one that nobody has"):
            self.camera.spec = parse(source)
            self.assertIn("no device", self.failing(self.ask(self.controls.set({"gain": "1"}))))
            self.assertEqual(self.successResultOf(self.ask(self.controls.get())), {})
        self.assertEqual(self.threads, [])
