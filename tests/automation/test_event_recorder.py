"""Events of the bus are kept, with the picture of the best moment and the recording."""

from __future__ import annotations

import tempfile
from pathlib import Path

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.support.fakes import InlineThread
from twistedcam.automation.database import Database
from twistedcam.automation.event_recorder import PERIOD, EventRecorder
from twistedcam.automation.event_store import EventStore, StoredEvent
from twistedcam.errors import CameraFailed
from twistedcam.events import (
    CameraChanged,
    DetectionChanged,
    EventBus,
    Fault,
    HookChanged,
    MotionChanged,
    RecordingChanged,
)
from twistedcam.media.frame import Frame


class EventRecorderTests(SynchronousTestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder, self.clock, self.events = Path(folder.name), Clock(), EventBus()
        self.pictures = [b"first", b"second", b"third"]
        self.score: float | None = None
        self.running: str | None = None
        self.recorder = self.begin()

    def begin(self) -> EventRecorder:
        database = Database(self.folder, InlineThread, self.clock, self.fail)
        self.store = EventStore(self.folder, database, InlineThread)
        recorder = EventRecorder(
            self.events,
            self.store,
            self.clock,
            self.picture,
            lambda camera: self.score,
            lambda camera: self.running,
        )
        recorder.start()
        return recorder

    async def picture(self, camera: str) -> Frame:
        if not self.pictures:
            raise CameraFailed(f"{camera} has no picture")
        return Frame(1, 0, 16, 16, self.pictures.pop(0))

    def kept(self) -> list[StoredEvent]:
        return self.successResultOf(Deferred.fromCoroutine(self.store.find(100)))

    def picture_of(self, id: str) -> bytes | None:
        return self.successResultOf(Deferred.fromCoroutine(self.store.picture(id)))

    def test_a_motion_is_kept_from_its_begin_with_the_picture_of_its_best_moment(self) -> None:
        self.running = "x.mp4"
        self.events.publish(MotionChanged("door", "begin", "a", 10.0, None, "path"))
        [kept] = self.kept()
        self.assertEqual(
            (kept.id, kept.camera, kept.kind, kept.zone), ("a", "door", "motion", "path")
        )
        self.assertEqual((kept.end, kept.recording, kept.snapshot), (None, "x.mp4", True))
        self.assertEqual(self.picture_of("a"), b"first")
        for score in (30.0, 20.0):
            self.score = score
            self.clock.advance(PERIOD)
        self.assertEqual(self.picture_of("a"), b"second")
        self.events.publish(MotionChanged("door", "end", "a", 25.0))
        [kept] = self.kept()
        self.assertEqual(kept.score, 30.0)
        self.assertGreaterEqual(kept.end or 0, kept.start)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_a_recording_that_begins_later_is_noted(self) -> None:
        self.events.publish(MotionChanged("door", "begin", "a"))
        self.events.publish(RecordingChanged("yard", "started", "y.mp4"))
        self.events.publish(RecordingChanged("door", "started", "x.mp4"))
        names = {each.id: each.recording for each in self.kept()}
        self.assertEqual(names["a"], "x.mp4")
        self.events.publish(RecordingChanged("door", "finished", "x-1.mp4"))
        names = {each.id: each.recording for each in self.kept()}
        self.assertEqual(names["a"], "x-1.mp4")
        self.events.publish(RecordingChanged("", "renamed", "visit.mp4", before="x-1.mp4"))
        names = {each.id: each.recording for each in self.kept()}
        self.assertEqual(names["a"], "visit.mp4")
        self.events.publish(RecordingChanged("door", "deleted", "visit.mp4"))
        self.assertEqual([each.recording for each in self.kept()], ["y.mp4"])

    def test_events_before_a_recording_go_only_if_that_was_deleted_because_of_a_limit(self) -> None:
        for expired in (None, True):
            self.events.publish(MotionChanged("door", "begin", f"a{expired}"))
            self.events.publish(MotionChanged("door", "end", f"a{expired}"))
            self.running = "x.mp4"
            self.events.publish(MotionChanged("door", "begin", f"b{expired}"))
            self.running = None
            self.events.publish(RecordingChanged("door", "deleted", "x.mp4", expired=expired))
            left = [each.id for each in self.kept()]
            self.assertEqual(left, [] if expired else ["aNone"])

    def test_a_killed_server_s_motion_ends_when_it_was_last_seen(self) -> None:
        self.events.publish(MotionChanged("door", "begin", "a"))
        self.clock.pump([PERIOD] * 5)
        self.events = EventBus()  # that server is gone
        self.begin()
        [kept] = self.kept()
        assert kept.end is not None
        self.assertGreater(kept.end, kept.start)

    def test_an_event_of_user_code_has_its_kind(self) -> None:
        self.events.publish(DetectionChanged("door", "cat", "begin", "a", 0.5))
        self.recorder.improve("a", 0.8)
        self.recorder.improve("a", 0.9)
        self.recorder.improve("a", 0.7)
        self.assertEqual(self.picture_of("a"), b"first")  # one is written each second
        self.clock.advance(PERIOD)
        self.assertEqual(self.picture_of("a"), b"third")
        self.events.publish(DetectionChanged("door", "cat", "end", "a", 0.9))
        [kept] = self.kept()
        self.assertEqual((kept.kind, kept.what, kept.score), ("cat", "detection", 0.9))

    def test_the_best_picture_of_a_short_event_is_written_at_its_end(self) -> None:
        self.events.publish(DetectionChanged("door", "cat", "begin", "a", 0.5))
        self.recorder.improve("a", 0.9)
        self.events.publish(DetectionChanged("door", "cat", "end", "a", 0.9))
        self.assertEqual(self.picture_of("a"), b"second")

    def test_who_waits_for_the_picture_of_an_event_is_told(self) -> None:
        taking: list[Deferred[None]] = []

        async def picture(camera: str) -> Frame:
            taking.append(Deferred())
            await taking[-1]
            return Frame(1, 0, 16, 16, b"late")

        self.recorder._picture = picture
        self.events.publish(MotionChanged("door", "begin", "a"))
        pictured = self.recorder.pictured("a")
        self.assertNoResult(pictured)
        taking[0].callback(None)
        self.successResultOf(pictured)
        self.assertEqual(self.picture_of("a"), b"late")
        self.successResultOf(self.recorder.pictured("a"))
        self.events.publish(MotionChanged("door", "end", "a"))
        self.successResultOf(self.recorder.pictured("a"))

    def test_an_event_without_a_picture_is_kept(self) -> None:
        self.pictures.clear()
        self.events.publish(MotionChanged("door", "begin", "a"))
        [kept] = self.kept()
        self.assertFalse(kept.snapshot)

    def test_states_faults_and_recordings_are_kept(self) -> None:
        self.events.publish(CameraChanged("door", "recovering", "unplugged"))
        self.events.publish(CameraChanged("door", "recovering", "still unplugged"))
        [lost] = self.kept()
        self.assertEqual((lost.kind, lost.what, lost.reason), ("state", "recovering", "unplugged"))
        self.assertIsNone(lost.end)
        self.events.publish(CameraChanged("door", "live"))
        self.events.publish(Fault("door", "process", "crashed"))
        self.events.publish(RecordingChanged("door", "started", "x.mp4"))
        self.events.publish(RecordingChanged("door", "failed", "x.mp4", reason="full"))
        self.events.publish(HookChanged("door", "alarm", "retrying", "motion:begin", 1, "HTTP 500"))
        self.events.publish(HookChanged("door", "alarm", "failed", "motion:begin", 2, "HTTP 500"))
        found = [(each.kind, each.what, each.reason) for each in reversed(self.kept())]
        self.assertEqual(
            found,
            [
                ("state", "recovering", "unplugged"),
                ("state", "live", None),
                ("fault", "process", "crashed"),
                ("recording", "failed", "full"),
                ("hook", "failed", "alarm: HTTP 500"),
            ],
        )
        self.assertTrue(all(each.end is not None for each in self.kept()))

    def test_events_that_last_end_with_the_server(self) -> None:
        self.events.publish(MotionChanged("door", "begin", "a"))
        self.events.publish(RecordingChanged("yard", "started", "y.mp4"))
        self.recorder.stop()
        self.assertTrue(all(each.end is not None for each in self.kept()))
        self.assertEqual(self.clock.getDelayedCalls(), [])
