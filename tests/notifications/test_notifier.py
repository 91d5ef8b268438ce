"""When notifications are sent, to whom, how many, and what happens if they are not accepted."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from tests.support.fakes import InlineThread
from tests.support.push_service import BrowserKeys
from twistedcam.auth import ANYONE, NOBODY, Grant
from twistedcam.errors import DiskError, PushFailed, TooOften
from twistedcam.events import CameraChanged, EventBus, Fault, MotionChanged
from twistedcam.notifications.devices import PushDevice, device_from
from twistedcam.notifications.notifier import (
    FAULT_PERIOD,
    LOST_AFTER,
    MAX_AN_HOUR,
    MAX_FAILURES,
    MOTION_PERIOD,
    PICTURE_WAIT,
    Notifier,
)

KEYS = BrowserKeys().as_json
VIEW = frozenset({"view"})


class FakeClient:
    """Keeps what is sent; fails with ``error`` if that is set."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, bytes]] = []
        self.error: PushFailed | None = None

    def send(self, device: PushDevice, data: bytes, ttl: int, headers: Any) -> None:
        if self.error is not None:
            raise self.error
        self.sent.append((device.endpoint[-1], data))

    def take(self) -> list[str]:
        """Return to whom something was sent since the last call."""
        sent, self.sent = self.sent, []
        return [name for name, _ in sent]


class NotifierTests(SynchronousTestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.events, self.clock, self.client = EventBus(), Clock(), FakeClient()
        self.grants: dict[str, Grant | None] = {"": ANYONE}
        self.notifier = Notifier(
            Path(folder.name),
            self.events,
            self.clock,
            InlineThread,
            title=lambda event: "Front door",
            grant_of=lambda login: self.grants.get(login),
            check=lambda: None,
            contact="mailto:me@example.org",
        )
        self.notifier._client = self.client  # type: ignore[assignment]
        self.notifier.startService()
        self.addCleanup(self.notifier.stopService)

    def add(self, name: str, login: str = "", **more: Any) -> PushDevice:
        given = {"endpoint": f"https://push.example/{name}", "keys": KEYS, **more}
        device = device_from(given, login)
        self.notifier.devices.put(device)
        return device

    def move(self, camera: str = "door") -> list[str]:
        """Let something move, and wait until it has its picture; return who was told."""
        self.events.publish(MotionChanged(camera, "begin", "5f"))
        self.clock.advance(PICTURE_WAIT)
        return self.client.take()

    def names(self) -> list[str]:
        return [each.endpoint[-1] for each in self.notifier.devices.all()]

    def test_motion_is_told_when_it_has_a_picture_and_not_again_for_a_minute(self) -> None:
        self.add("a")
        self.add("b", motion=False)
        self.events.publish(MotionChanged("door", "begin", "5f"))
        self.assertEqual(self.client.take(), [])
        self.clock.advance(PICTURE_WAIT)
        self.assertEqual(self.client.take(), ["a"])
        self.assertEqual(self.move(), [])
        self.assertEqual(self.move("yard"), ["a"])
        self.clock.advance(MOTION_PERIOD)
        self.assertEqual(self.move(), ["a"])

    def test_a_device_gets_a_limited_number_in_an_hour(self) -> None:
        self.add("a")
        told = sum(len(self.move(f"c{number}")) for number in range(MAX_AN_HOUR + 5))
        self.assertEqual(told, MAX_AN_HOUR)
        self.clock.advance(3600)
        self.assertEqual(self.move(), ["a"])

    def test_a_lost_camera_is_told_after_a_while_and_its_return(self) -> None:
        self.add("a", motion=False)

        def change(state: str) -> None:
            self.events.publish(CameraChanged("door", state, "unplugged"))

        change("recovering")
        self.clock.advance(LOST_AFTER - 1)
        change("live")  # in time
        self.clock.advance(LOST_AFTER)
        self.assertEqual(self.client.take(), [])
        change("recovering")
        self.clock.advance(LOST_AFTER)
        [(_, data)] = self.client.sent
        self.assertIn(b'"kind": "lost"', data)
        self.assertIn(b"unplugged", data)
        self.client.take()
        change("starting")
        change("recovering")
        self.clock.advance(LOST_AFTER)
        self.assertEqual(self.client.take(), [])  # it was told already
        change("live")
        [(_, data)] = self.client.sent
        self.assertIn(b'"kind": "back"', data)

    def test_faults_are_told_to_those_who_want_and_may_know_them(self) -> None:
        self.grants |= {
            "door": Grant("x", VIEW, frozenset({"door"})),
            "all": Grant("y", VIEW),
            "blind": Grant("z", frozenset({"publish"})),
        }
        for login in self.grants:
            self.add(login[:1] or "n", login)
        self.add("q", faults=False)
        self.events.publish(Fault(None, "disk", "full"))
        self.assertEqual(sorted(self.client.take()), ["a", "n"])
        self.events.publish(Fault("door", "disk", "full"))
        self.assertEqual(sorted(self.client.take()), ["a", "d", "n"])
        self.events.publish(Fault("yard", "disk", "full"))
        self.assertEqual(sorted(self.client.take()), ["a", "n"])
        self.assertEqual(sorted(self.move("door")), ["a", "d", "n", "q"])
        self.events.publish(Fault(None, "disk", "full"))
        self.assertEqual(self.client.take(), [])
        self.clock.advance(FAULT_PERIOD)
        self.events.publish(Fault(None, "disk", "full"))
        self.assertEqual(sorted(self.client.take()), ["a", "n"])

    def test_a_device_is_forgotten_when_its_login_ends(self) -> None:
        self.grants |= {"x": None, "y": NOBODY}
        self.add("x", "x")
        self.add("y", "y")  # it is known, and may know nothing now
        self.assertEqual(self.move(), [])
        self.assertEqual(self.names(), ["y"])

    def test_a_device_that_is_gone_is_forgotten(self) -> None:
        for status in (404, 410):
            self.add("a")
            self.client.error = PushFailed("gone", status)
            self.move(f"c{status}")
            self.assertEqual(self.names(), [])

    def test_a_busy_push_service_is_left_alone(self) -> None:
        self.add("a")
        self.client.error = PushFailed("busy", 429, 100)
        with capturedLogs() as logs:
            self.move()
        self.assertIn("was not sent", logs[-1]["log_format"])
        self.client.error = None
        self.clock.advance(90)
        self.assertEqual(self.move(), [])
        self.clock.advance(20)
        self.assertEqual(self.move(), ["a"])

    def test_a_device_that_never_gets_anything_is_forgotten_at_last(self) -> None:
        self.add("a")
        self.client.error = PushFailed("push.example cannot be reached")
        with capturedLogs() as logs:
            for _ in range(MAX_FAILURES):
                self.assertEqual(self.names(), ["a"])
                self.move()
                self.clock.advance(100)
        self.assertEqual(self.names(), [])
        self.assertEqual(sum("was not sent" in each["log_format"] for each in logs), 1)

    def test_a_test_says_what_is_wrong(self) -> None:
        device = self.add("a")
        run = lambda: Deferred.fromCoroutine(self.notifier.test(device))  # noqa: E731
        self.successResultOf(run())
        self.assertEqual(self.client.take(), ["a"])
        self.client.error = PushFailed("push.example answered HTTP 400", 400)
        self.failureResultOf(run(), PushFailed)
        self.client.error = None
        for _ in range(MAX_AN_HOUR - 2):
            self.successResultOf(run())
        self.failureResultOf(run(), TooOften)

    def test_a_file_that_cannot_be_written_does_not_keep_a_device(self) -> None:
        self.add("a")

        def fail() -> None:
            raise DiskError("full")

        self.notifier.devices._check = fail
        self.client.error = PushFailed("gone", 410)
        self.move()
        self.assertEqual(self.names(), [])

    def test_nothing_is_sent_after_the_end(self) -> None:
        self.add("a")
        self.events.publish(MotionChanged("door", "begin", "5f"))
        self.events.publish(CameraChanged("yard", "recovering"))
        self.notifier.stopService()
        self.clock.advance(LOST_AFTER)
        self.assertEqual(self.client.take(), [])
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.notifier.startService()
