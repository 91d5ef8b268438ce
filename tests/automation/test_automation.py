"""A server keeps its events, and deletes old ones with the recordings."""

from __future__ import annotations

import time
from typing import Any

from twisted.internet.defer import Deferred

from tests.support.fakes import TINY_JPEG
from tests.support.server_case import ServerCase
from twistedcam.automation.automation import PRUNE_PERIOD
from twistedcam.automation.event_store import StoredEvent
from twistedcam.events import MotionChanged
from twistedcam.media.frame import Frame
from twistedcam.recording import RecordSettings

DAY = 86400.0


class AutomationTests(ServerCase):
    def setUp(self) -> None:
        super().setUp()
        self.automation = self.server.automation
        self.automation.start()
        self.addCleanup(self.end)

    def end(self) -> None:
        self.automation.release_recordings()
        self.result(self.automation.stop())

    def result(self, coroutine: Any) -> Any:
        return self.successResultOf(Deferred.fromCoroutine(coroutine))

    def kept(self) -> list[StoredEvent]:
        return self.result(self.automation.store.find(100))

    def test_a_motion_has_the_newest_picture_of_its_camera(self) -> None:
        self.door.hub.publish(Frame(1, 0, 1, 1, TINY_JPEG))
        self.server.events.publish(MotionChanged("door", "begin", "a"))
        self.server.events.publish(MotionChanged("gone", "begin", "b"))
        found = {each.id: each for each in self.kept()}
        self.assertTrue(found["a"].snapshot)
        self.assertFalse(found["b"].snapshot)
        self.assertEqual(self.result(self.automation.store.picture("a")), TINY_JPEG)

    def test_hooks_wait_for_the_picture_of_a_motion(self) -> None:
        self.assertEqual(self.automation.hooks._pictured, self.automation.recorder.pictured)

    def test_events_that_are_older_than_recordings_may_be_are_deleted(self) -> None:
        now = time.time()
        for camera in ("door", "yard"):
            for days in (1, 3, 9):
                start = now - days * DAY
                self.automation.store.add(
                    StoredEvent(f"{camera}{days}", camera, "motion", None, start, start)
                )
        self.server.channels["yard"].recorder.settings = RecordSettings(keep_days=2)
        self.clock.advance(PRUNE_PERIOD)
        self.assertEqual({each.id for each in self.kept()}, {"door1", "door3", "door9", "yard1"})
        self.server.record_settings = RecordSettings(keep_days=5)
        self.server.channels["yard"].recorder.settings = self.server.record_settings
        self.clock.advance(PRUNE_PERIOD)
        self.assertEqual({each.id for each in self.kept()}, {"door1", "yard1"} | {"door3"})

    def test_nothing_is_kept_on_a_disk_that_is_not_mounted(self) -> None:
        faults: list[Any] = []
        self.server.events.subscribe(faults.append)
        self.server.record_settings = RecordSettings(require_mount="/nowhere")
        self.server.events.publish(MotionChanged("door", "begin", "a"))
        self.assertIn("/nowhere is not mounted", faults[1].reason)
        self.server.record_settings = RecordSettings()
        self.clock.advance(10)
        self.assertIn("a", {each.id for each in self.kept()})
