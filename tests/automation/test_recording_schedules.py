"""Recordings begin and end by the clock, also when that is changed."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from twistedcam.automation.recording_schedules import RecordingSchedules
from twistedcam.errors import CommandError, DiskError
from twistedcam.events import CameraChanged, EventBus
from twistedcam.recording import RecordSettings


class FakeCamera:
    state, is_idle = "live", False


class FakeRecorder:
    """Notes when its recording begins and ends."""

    def __init__(self, when: str | None) -> None:
        self.settings = RecordSettings.from_mapping({} if when is None else {"when": when})
        self.reasons: set[str] = set()
        self.failure: CommandError | None = None
        self.log: list[tuple[str, str]] = []

    @property
    def state(self) -> str:
        return "recording" if self.reasons else "idle"

    def request(self, reason: str, before: float = 0.0) -> FakeRecorder:
        self.failure = None
        self.reasons.add(reason)
        self._note("begin")
        return self

    def release(self) -> Deferred[None]:
        if self.reasons:  # it has not been stopped before
            self._note("end")
        self.reasons.clear()
        return succeed(None)

    def _note(self, what: str) -> None:
        self.log.append((what, datetime.fromtimestamp(time.time(), UTC).strftime("%H:%M")))


class ScheduleTests(SynchronousTestCase):
    def setUp(self) -> None:
        before = os.environ.get("TZ")
        os.environ["TZ"] = "Europe/Berlin"
        time.tzset()

        def restore() -> None:
            if before is None:
                del os.environ["TZ"]
            else:
                os.environ["TZ"] = before
            time.tzset()

        self.addCleanup(restore)

    def begin(self, utc: str, when: str | None = "mo-fr 07:00-18:00") -> FakeRecorder:
        self.now = datetime.fromisoformat(utc).replace(tzinfo=UTC).timestamp()
        self.patch(time, "time", lambda: self.now)
        self.clock, self.events, self.camera = Clock(), EventBus(), FakeCamera()
        self.recorder = FakeRecorder(when)
        channels: Any = lambda: {"door": (self.camera, self.recorder)}  # noqa: E731
        self.schedules = RecordingSchedules(self.events, self.clock, channels)
        self.schedules.start()
        return self.recorder

    def wait(self, minutes: int) -> None:
        for _ in range(minutes):
            self.now += 60
            self.clock.advance(60.02)

    def test_a_recording_runs_at_its_times(self) -> None:
        recorder = self.begin("2026-06-01 04:58:30")  # Monday, 06:58 in Berlin
        self.assertEqual(recorder.log, [])
        self.wait(24 * 60)
        self.assertEqual(recorder.log, [("begin", "05:00"), ("end", "16:00")])

    def test_a_server_that_starts_within_the_times_records_at_once(self) -> None:
        recorder = self.begin("2026-06-01 10:00")
        self.assertEqual(recorder.log, [("begin", "10:00")])
        self.schedules.stop()
        self.assertEqual(recorder.log, [("begin", "10:00"), ("end", "10:00")])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_over_midnight_when_summer_time_begins_and_ends(self) -> None:
        recorder = self.begin("2026-03-28 20:00", "sa 22:00-06:00")
        self.wait(10 * 60)
        self.assertEqual(recorder.log, [("begin", "21:00"), ("end", "04:00")])  # 7 hours
        recorder = self.begin("2026-10-24 19:00", "sa 22:00-06:00")
        self.wait(12 * 60)
        self.assertEqual(recorder.log, [("begin", "20:00"), ("end", "05:00")])  # 9 hours

    def test_one_that_a_person_stops_begins_at_the_next_time(self) -> None:
        recorder = self.begin("2026-06-01 10:00")
        recorder.reasons.clear()
        self.wait(60)
        self.assertEqual(len(recorder.log), 1)
        self.wait(24 * 60)
        self.assertEqual(recorder.log[1], ("begin", "05:00"))

    def test_one_that_a_disk_error_ends_is_tried_again(self) -> None:
        recorder = self.begin("2026-06-01 10:00")
        recorder.reasons.clear()
        recorder.failure = DiskError("full")
        self.wait(2)
        self.assertEqual(recorder.log, [("begin", "10:00"), ("begin", "10:01")])

    def test_a_stopped_camera_is_recorded_when_it_is_started(self) -> None:
        FakeCamera.state = "stopped"
        self.addCleanup(setattr, FakeCamera, "state", "live")
        recorder = self.begin("2026-06-01 10:00")
        self.assertEqual(recorder.log, [])
        FakeCamera.state = "live"
        self.events.publish(CameraChanged("door", "live"))
        self.assertEqual(recorder.log, [("begin", "10:00")])

    def test_another_schedule_applies_at_once(self) -> None:
        recorder = self.begin("2026-06-01 10:00", None)
        recorder.settings = RecordSettings.from_mapping({"when": "mo"})
        self.schedules.check()
        self.assertEqual(recorder.log, [("begin", "10:00")])
        recorder.settings = RecordSettings()
        self.schedules.check()
        self.assertEqual(recorder.log, [("begin", "10:00"), ("end", "10:00")])
