"""Results of user code make events and recordings of the camera that the code reads."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from twistedcam.automation.detections import AFTER, MAX_OPEN, Detections
from twistedcam.events import (
    CameraChanged,
    DetectionChanged,
    Event,
    EventBus,
    Fault,
    Processed,
)


class FakeRecorder:
    """A recorder that is a request, too."""

    def __init__(self) -> None:
        self.reasons: set[str] = set()

    def request(self, reason: str, before: float = 0.0) -> FakeRecorder:
        self.reasons.add(reason)
        return self

    def release(self) -> Deferred[None]:
        self.reasons.clear()
        return succeed(None)


class DetectionTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock, self.events, self.recorder = Clock(), EventBus(), FakeRecorder()
        self.better: list[float] = []
        self.heard: list[Event] = []
        self.detections = Detections(
            self.events,
            self.clock,
            {"door": self.recorder}.get,
            lambda id, score: self.better.append(score),
        )
        self.detections.start()
        self.events.subscribe(self.heard.append)

    def result(self, data: Any) -> None:
        self.events.publish(Processed("door.cats", "door", 1, 2.0, data))

    def found(self) -> list[DetectionChanged]:
        return [each for each in self.heard if isinstance(each, DetectionChanged)]

    def faults(self) -> list[str]:
        return [each.reason for each in self.heard if isinstance(each, Fault)]

    def test_a_result_makes_an_event_and_a_recording_until_some_seconds_after_its_end(self) -> None:
        self.result({"event": "begin", "kind": "cat", "score": 0.5, "box": [0, 0.25, 0.5, 0.5]})
        [began] = self.found()
        self.assertEqual((began.camera, began.what, began.state), ("door", "cat", "begin"))
        self.assertEqual((began.score, began.box), (0.5, (0.0, 0.25, 0.5, 0.5)))
        self.assertEqual(self.recorder.reasons, {"process"})
        self.result({"event": "end", "kind": "cat"})
        ended = self.found()[1]
        self.assertEqual((ended.state, ended.event, ended.score), ("end", began.event, 0.5))
        self.assertEqual(self.recorder.reasons, {"process"})
        self.clock.advance(AFTER)
        self.assertEqual(self.recorder.reasons, set())

    def test_it_is_told_when_its_recording_has_begun(self) -> None:
        reasons: list[set[str]] = []
        self.events.subscribe(
            lambda event: (
                reasons.append(set(self.recorder.reasons))
                if isinstance(event, DetectionChanged)
                else None
            )
        )
        self.result({"event": "begin", "kind": "cat"})
        self.assertEqual(reasons, [{"process"}])

    def test_a_second_begin_tells_a_better_score_only(self) -> None:
        for score in (0.5, 0.9, 0.7):
            self.result({"event": "begin", "kind": "cat", "score": score})
        self.result({"event": "end", "kind": "cat"})
        self.assertEqual(
            [(each.state, each.score) for each in self.found()], [("begin", 0.5), ("end", 0.9)]
        )
        self.assertEqual(self.better, [0.9])

    def test_several_things_may_be_reported_in_a_list(self) -> None:
        self.result([{"event": "begin", "kind": "cat"}, {"event": "begin", "kind": "dog"}, 7])
        self.result({"event": "end", "kind": "cat"})
        self.clock.advance(AFTER)
        self.assertEqual(self.recorder.reasons, {"process"})
        self.result({"event": "end", "kind": "dog"})
        self.clock.advance(AFTER)
        self.assertEqual(self.recorder.reasons, set())

    def test_an_event_may_begin_no_recording(self) -> None:
        self.result({"event": "begin", "kind": "cat", "record": False})
        self.assertEqual((len(self.found()), self.recorder.reasons), (1, set()))

    def test_code_that_stops_or_crashes_ends_what_it_has_found(self) -> None:
        self.result({"event": "begin", "kind": "cat"})
        self.events.publish(CameraChanged("door.cats", "recovering", "crashed"))
        self.assertEqual([each.state for each in self.found()], ["begin", "end"])

    def test_the_end_of_the_server_ends_all(self) -> None:
        self.result({"event": "begin", "kind": "cat"})
        self.detections.stop()
        self.assertEqual([each.state for each in self.found()], ["begin", "end"])
        self.assertEqual(self.recorder.reasons, set())
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_other_data_is_no_event(self) -> None:
        for data in (
            {"boxes": []},
            {"event": "seen"},
            [],
            "begin",
            {"event": "end", "kind": "cat"},
        ):
            self.result(data)
        self.assertEqual((self.found(), self.faults()), ([], []))

    def test_a_wrong_result_is_a_fault_once(self) -> None:
        for wrong in (
            {},
            {"kind": "two words"},
            {"kind": "motion"},
            {"kind": "cat", "score": "high"},
            {"kind": "cat", "box": [10, 20, 30, 40]},
            {"kind": "cat", "zone": 7},
        ):
            self.result({"event": "begin", **wrong})
            self.result({"event": "begin", **wrong})
        self.assertEqual(self.found(), [])
        # Both of the first two say that a kind is a word.
        self.assertEqual(len(self.faults()), 5)

    def test_things_that_never_end_are_limited(self) -> None:
        for number in range(MAX_OPEN + 2):
            self.result({"event": "begin", "kind": f"cat{number}"})
        self.assertEqual((len(self.found()), len(self.faults())), (MAX_OPEN, 1))
