"""The hub offers every frame to every sink once."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from twistedcam import Frame
from twistedcam.stream.hub import LATE, PATIENT, ROUND, ROUND_TIME, FrameHub, Sink


class LastFrameSink(Sink):
    def __init__(self) -> None:
        self.seqs: list[int] = []

    def take(self, frame: Frame) -> None:
        self.seqs.append(frame.seq)


class SlowSink(LastFrameSink):
    def __init__(self, clock: Clock, seconds: float) -> None:
        super().__init__()
        self._clock, self._seconds = clock, seconds

    def take(self, frame: Frame) -> None:
        super().take(frame)
        self._clock.rightNow += self._seconds  # advance would make the calls that are due


class Breaker(Sink):
    def take(self, frame: Frame) -> None:
        raise RuntimeError("broken sink")


def frame(seq: int) -> Frame:
    return Frame(seq, seq * 1000, 1, 1, b"")


class HubTests(SynchronousTestCase):
    def test_a_frame_that_cannot_be_encoded_is_offered_to_nobody(self) -> None:
        def fail() -> bytes:
            raise ValueError("no picture")

        hub, sink, told = FrameHub(), LastFrameSink(), list[str]()
        hub.on_undecodable = told.append
        hub.publish(Frame(1, 1000, 1, 1, fail))  # nobody wants it: nothing is made of it
        self.assertEqual(told, [])
        hub.add(sink)
        self.assertIsNone(hub.newest)
        hub.publish(frame(2))
        hub.publish(Frame(3, 3000, 1, 1, fail))
        self.assertEqual((sink.seqs, told), ([2], ["no picture"] * 2))
        newest = hub.encoded()
        assert newest is not None
        self.assertEqual(newest.seq, 2)

    def test_an_error_in_the_encoder_loses_one_frame_only(self) -> None:
        def faulty() -> bytes:
            raise RuntimeError("a fault")

        told: list[str] = []
        hub, sink = FrameHub(), LastFrameSink()
        hub.on_undecodable = told.append
        hub.add(sink)
        hub.publish(Frame(1, 1000, 1, 1, faulty))
        hub.publish(frame(2))
        self.assertEqual(sink.seqs, [2])
        self.assertEqual(told, ["a fault"])
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

    def test_each_sink_gets_each_frame(self) -> None:
        hub, one, two = FrameHub(), LastFrameSink(), LastFrameSink()
        hub.add(one)
        hub.publish(frame(1))
        hub.add(two)
        hub.publish(frame(2))
        hub.remove(one)
        hub.remove(one)
        hub.publish(frame(3))
        self.assertEqual((one.seqs, two.seqs), ([1, 2], [2, 3]))
        newest = hub.newest
        assert newest is not None
        self.assertEqual(newest.seq, 3)

    def test_it_is_patient_as_long_as_no_sink_needs_frames_at_once(self) -> None:
        hub, told = FrameHub(), list[bool]()
        hub.on_patience = lambda: told.append(hub.is_patient)
        self.assertTrue(hub.is_patient)
        recorder, viewer, detector = LastFrameSink(), LastFrameSink(), LastFrameSink()
        hub.add(recorder, priority=PATIENT)
        self.assertEqual((told, hub.is_patient), ([], True))
        hub.add(viewer)
        hub.add(detector, priority=LATE)
        hub.remove(viewer)
        hub.remove(detector)
        hub.remove(recorder)
        self.assertEqual(told, [False, False, False, True])

    def test_a_sink_can_become_patient(self) -> None:
        hub, told = FrameHub(), list[bool]()
        sink = LastFrameSink()
        hub.set_priority(sink, LATE)
        self.assertNotIn(sink, hub)
        hub.add(sink, priority=LATE)
        hub.on_patience = lambda: told.append(hub.is_patient)
        for priority in (LATE, PATIENT, PATIENT, LATE):
            hub.set_priority(sink, priority)
        self.assertEqual(told, [True, False])

    def test_all_that_was_sent_before_is_offered_when_it_catches_up(self) -> None:
        hub, sink = FrameHub(Clock()), LastFrameSink()
        hub.add(sink, priority=PATIENT)
        hub.collect = lambda: hub.publish(frame(2))
        hub.publish(frame(1))
        hub.catch_up()
        self.assertEqual(sink.seqs, [1, 2])

    def test_a_sink_that_fails_is_removed_and_the_others_go_on(self) -> None:
        hub, sink = FrameHub(), LastFrameSink()
        hub.add(Breaker())
        hub.add(sink)
        hub.publish(frame(1))
        hub.publish(frame(2))
        self.assertEqual(sink.seqs, [1, 2])
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

    def test_a_sink_that_fails_gets_on_removed(self) -> None:
        told: list[str] = []

        class Removed(Breaker):
            def on_removed(self) -> None:
                told.append("removed")

        hub = FrameHub()
        hub.add(Removed())
        hub.publish(frame(1))
        hub.publish(frame(2))
        self.assertEqual(told, ["removed"])
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

    def test_a_late_sink_gets_each_frame_after_all_others(self) -> None:
        hub, served = FrameHub(), list[str]()

        class Noting(Sink):
            def __init__(self, name: str) -> None:
                self.name = name

            def take(self, frame: Frame) -> None:
                served.append(self.name)

        encoder = Noting("encoder")
        hub.add(encoder, priority=LATE)
        for name in ("one", "two"):
            hub.add(Noting(name))
        hub.publish(frame(1))
        hub.add(Noting("three"))
        hub.publish(frame(2))
        hub.remove(encoder)
        hub.publish(frame(3))
        self.assertEqual(" ".join(served), "one two encoder one two three encoder one two three")

    def test_the_reactor_runs_other_calls_while_hundreds_are_served(self) -> None:
        clock = Clock()
        hub, sinks = FrameHub(clock), [SlowSink(clock, ROUND_TIME / ROUND) for _ in range(40)]
        for sink in sinks:
            hub.add(sink)
        hub.publish(frame(1))
        self.assertEqual(sum(len(sink.seqs) for sink in sinks), ROUND)
        hub.remove(sinks[-1])
        clock.pump([0, 0, 0])
        self.assertEqual([sink.seqs for sink in sinks], [[1]] * 39 + [[]])

    def test_quick_sinks_are_served_in_one_call(self) -> None:
        clock = Clock()
        hub, sinks = FrameHub(clock), [LastFrameSink() for _ in range(3 * ROUND)]
        for sink in sinks:
            hub.add(sink)
        hub.publish(frame(1))
        self.assertEqual([sink.seqs for sink in sinks], [[1]] * (3 * ROUND))
        self.assertEqual(clock.getDelayedCalls(), [])

    def test_a_new_frame_waits_until_all_sinks_have_the_last(self) -> None:
        clock = Clock()
        hub, sinks = FrameHub(clock), [SlowSink(clock, ROUND_TIME) for _ in range(3 * ROUND)]
        for sink in sinks:
            hub.add(sink)
        hub.publish(frame(1))
        self.assertEqual(sinks[-1].seqs, [])
        hub.publish(frame(2))
        hub.clear()
        self.assertEqual([sink.seqs for sink in sinks], [[1, 2]] * (3 * ROUND))
        self.assertEqual(clock.getDelayedCalls(), [])

    def test_sinks_get_on_cleared_once(self) -> None:
        hub, told = FrameHub(), list[str]()

        class Cleared(LastFrameSink):
            def on_cleared(self) -> None:
                told.append("cleared")

        hub.add(LastFrameSink())
        hub.add(Cleared())
        hub.clear()
        self.assertEqual(told, [])
        hub.publish(frame(1))
        hub.clear()
        hub.clear()
        self.assertEqual(told, ["cleared"])

    def test_there_is_no_newest_frame_when_the_camera_is_not_live(self) -> None:
        hub = FrameHub()
        hub.publish(frame(1))
        hub.clear()
        self.assertIsNone(hub.newest)
