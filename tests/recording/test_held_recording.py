"""A recording is held by several events, each for some seconds after its end."""

from __future__ import annotations

from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from twistedcam.errors import BadArgument, CommandError, DiskError
from twistedcam.recording.held_recording import FINISHING, FULL, HeldRecording


class FakeRequest:
    def __init__(self, recorder: FakeRecorder) -> None:
        self._recorder = recorder

    def release(self) -> Deferred[None]:
        self._recorder.reasons.discard("process")
        self._recorder.log.append("end")
        return succeed(None)


class FakeRecorder:
    """A recorder that notes when its recording begins and ends."""

    def __init__(self) -> None:
        self.reasons: set[str] = set()
        self.log: list[str] = []
        self.error: CommandError | None = None
        self.before = 0.0

    def request(self, reason: str, before: float = 0.0) -> FakeRequest:
        if self.error is not None:
            raise self.error
        self.reasons.add(reason)
        self.before = before
        self.log.append("begin")
        return FakeRequest(self)


class HeldRecordingTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock, self.recorder = Clock(), FakeRecorder()
        self.errors: list[CommandError] = []
        self.held = HeldRecording(self.recorder, "process", self.clock, self.errors.append)

    def test_it_ends_some_seconds_after_the_last_event(self) -> None:
        self.held.hold("a")
        self.held.hold("b")
        self.held.release_later("a", 10)
        self.clock.advance(20)
        self.assertEqual(self.recorder.log, ["begin"])
        self.held.release_later("b", 10)
        self.clock.advance(9.9)
        self.assertEqual(self.recorder.log, ["begin"])
        self.clock.advance(0.1)
        self.assertEqual(self.recorder.log, ["begin", "end"])

    def test_an_event_in_these_seconds_continues_the_recording(self) -> None:
        self.held.hold("a")
        self.held.release_later("a", 10)
        self.clock.advance(5)
        self.held.hold("b")
        self.clock.advance(20)
        self.assertEqual(self.recorder.log, ["begin"])

    def test_one_that_a_person_has_stopped_begins_again_with_the_next_event(self) -> None:
        self.held.hold("a")
        self.recorder.reasons.clear()
        self.clock.advance(60)
        self.assertEqual(self.recorder.log, ["begin"])
        self.held.hold("b")
        self.assertEqual(self.recorder.log, ["begin", "begin"])

    def test_it_begins_when_the_recording_before_is_finished(self) -> None:
        self.recorder.error = BadArgument("still being finished")
        self.held.hold("a")
        self.recorder.error = None
        self.clock.advance(FINISHING)
        self.assertEqual((self.recorder.log, self.errors), (["begin"], []))

    def test_it_begins_when_the_disk_has_room(self) -> None:
        self.recorder.error = DiskError("full")
        self.held.hold("a")
        self.assertEqual(self.errors, [self.recorder.error])
        self.recorder.error = None
        self.clock.advance(FULL)
        self.assertEqual(self.recorder.log, ["begin"])

    def test_an_event_that_ends_while_the_disk_is_full_is_not_recorded_later(self) -> None:
        self.recorder.error = DiskError("full")
        self.held.hold("a")
        self.held.release_later("a", 1)
        self.recorder.error = None
        self.clock.advance(60)
        self.assertEqual(self.recorder.log, [])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_the_seconds_before_are_asked_for_also_at_a_later_attempt(self) -> None:
        self.held.hold("a", before=5)
        self.assertEqual(self.recorder.before, 5)
        self.held.release()
        self.recorder.error = BadArgument("it is being finished")
        self.held.hold("b", before=5)
        self.recorder.error = None
        self.clock.advance(FINISHING)
        self.assertEqual(self.recorder.before, 5 + FINISHING)
        self.held.release()
