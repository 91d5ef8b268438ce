"""User code between two cameras, with a runner that the test plays."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.logger import capturedLogs, formatEvent

from twistedcam.events import CameraChanged, Event, EventBus, Fault, Processed
from twistedcam.media.frame import Frame
from twistedcam.processing import processor as module
from twistedcam.processing.executors import Failed, InProcess, InThread
from twistedcam.processing.processor import RETRY_FIRST, RETRY_MOST, Process, Processor
from twistedcam.processing.results import Result
from twistedcam.processing.runner import FrameSlot
from twistedcam.processing.user_code import Code
from twistedcam.stream.hub import LATE

CODE = "pkg.mod:blur"


def frame(number: int) -> Frame:
    return Frame(number, number * 1_000_000, 4, 4, b"jpeg")


class FakeRunner:
    """A start of user code that does what the test says."""

    def __init__(self, _: Any, executor: Any, reports: Processor, on_failed: Any) -> None:
        self.slot = FrameSlot()
        self.executor, self.reports, self.fail = executor, reports, on_failed
        self.ended: Deferred[None] | None = None

    def end(self) -> Deferred[None]:
        self.ended = Deferred()
        return self.ended

    def waiting(self) -> int | None:
        """Return the number of the frame that waits for the code."""
        waiting = self.slot._frame
        return None if waiting is None else waiting.seq


class FakeCamera:
    """A camera's state, its hub and its inbox."""

    def __init__(self, name: str) -> None:
        self.name, self.state, self.reason = name, "stopped", ""
        self.hub: Any = self
        self.inbox: Any = self
        self.encoder = SimpleNamespace(quality=70)
        self.newest: Frame | None = None
        self.sinks: dict[Any, int] = {}
        self.publishers: list[Any] = []
        self.shown: list[Any] = []

    def add(self, sink: Any, *, priority: int) -> None:
        self.sinks[sink] = priority

    def remove(self, sink: Any) -> None:
        self.sinks.pop(sink, None)

    def encoded(self) -> Frame | None:
        return self.newest

    def attach(self, publisher: Any) -> None:
        self.publishers.append(publisher)

    def detach(self, publisher: Any, reason: str) -> None:
        self.publishers.remove(publisher)
        self.shown.append(reason)

    def put(self, picture: Any) -> None:
        self.shown.append(picture)

    def pause(self, reason: str) -> None:
        self.shown.append(reason)


class Rig:
    """A processor of camera ``door`` on a fake clock."""

    def __init__(self, runs_in: str = "thread") -> None:
        self.clock = Clock()
        self.bus = EventBus()
        self.events: list[Event] = []
        self.source, self.output = FakeCamera("door"), FakeCamera("door.blur")
        self.source.state = "live"
        self.runners: list[FakeRunner] = []
        process = Process("door", Code.of(CODE), runs_in)
        cameras: Any = (self.source, self.output)
        self.processor = Processor(process, *cameras, self.bus, self.clock)
        self.bus.subscribe(
            lambda each: None if isinstance(each, CameraChanged) else self.events.append(each)
        )

    @property
    def runner(self) -> FakeRunner:
        return self.runners[-1]

    def change(self, camera: FakeCamera, state: str, reason: str = "") -> None:
        camera.state, camera.reason = state, reason
        self.bus.publish(CameraChanged(camera.name, state, reason))

    def make_runner(self, *arguments: Any) -> FakeRunner:
        self.runners.append(FakeRunner(*arguments))
        return self.runner


@pytest.fixture
def rig(monkeypatch: pytest.MonkeyPatch) -> Rig:
    """A processor whose code runs."""
    rig = Rig()
    monkeypatch.setattr(module, "Runner", rig.make_runner)
    rig.change(rig.output, "starting")
    return rig


def test_the_camera_has_the_names_of_its_source_and_its_function() -> None:
    assert Process("door", Code.of(CODE)).name == "door.blur"


@pytest.mark.parametrize(("runs_in", "kind"), [("thread", InThread), ("process", InProcess)])
def test_the_code_runs_while_its_camera_is_not_stopped(
    runs_in: str, kind: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig = Rig(runs_in)
    monkeypatch.setattr(module, "Runner", rig.make_runner)
    assert (rig.output.publishers, rig.runners) == ([rig.processor], [])
    rig.source.newest = frame(1)
    for state in ("starting", "live"):
        rig.change(rig.output, state)
    assert len(rig.runners) == 1 and isinstance(rig.runner.executor, kind)
    assert rig.runner.waiting() == 1  # the newest picture, without waiting for another
    assert rig.source.sinks == {rig.processor: LATE}
    rig.change(rig.output, "stopped")
    assert rig.runner.ended is not None and rig.source.sinks == {}
    rig.change(rig.output, "starting")
    assert len(rig.runners) == 2


def test_frames_that_were_replaced_are_counted_over_all_starts(rig: Rig) -> None:
    for number in (1, 2, 3):
        rig.processor.take(frame(number))
    assert (rig.runner.waiting(), rig.processor.skipped) == (3, 2)
    rig.change(rig.output, "stopped")
    rig.processor.take(frame(4))
    rig.change(rig.output, "starting")
    for number in (5, 6):
        rig.processor.take(frame(number))
    assert rig.processor.skipped == 3


def test_a_result_is_shown_and_its_data_published(rig: Rig) -> None:
    result = Result(frame(7), jpeg=b"blurred", data={"n": 1})
    rig.processor.on_result(result)
    (picture,) = rig.output.shown
    assert (picture.jpeg, picture.time) == (b"blurred", 7.0)
    assert rig.events == [Processed("door.blur", "door", 7, 7.0, {"n": 1})]
    rig.processor.on_result(Result(frame(8)))
    assert (len(rig.events), rig.processor.results) == (1, 2)  # no data, no event


def test_a_result_is_not_shown_while_the_source_is_not_live(rig: Rig) -> None:
    rig.processor.take(frame(1))
    rig.change(rig.source, "recovering", "it was unplugged")
    assert rig.output.shown == ["door is recovering: it was unplugged"]
    assert rig.runner.waiting() is None  # it is old
    rig.processor.on_result(Result(frame(1)))
    assert rig.output.shown == ["door is recovering: it was unplugged"]


def test_code_that_makes_no_picture_is_a_reason(rig: Rig) -> None:
    rig.processor.on_frame_done(0.1)
    (reason,) = rig.output.shown
    assert CODE in reason
    rig.processor.on_result(Result(frame(1)))
    rig.processor.on_frame_done(0.1)
    assert len(rig.output.shown) == 2  # the reason and the picture


def test_the_time_of_a_frame_is_a_mean_that_follows_the_last_ones(rig: Rig) -> None:
    times = []
    for seconds in (1.0, 2.0, 0.0):
        rig.processor.on_frame_done(seconds)
        times.append(rig.processor.seconds)
    assert times == pytest.approx([1.0, 1.5, 1.0])
    for _ in range(100):
        rig.processor.on_frame_done(0.5)
    assert rig.processor.seconds == pytest.approx(0.5, abs=0.001)
    assert (rig.processor.frames, rig.processor.longest) == (103, 2.0)


def test_undecodable_frames_are_counted_and_the_first_is_logged(rig: Rig) -> None:
    with capturedLogs() as logs:
        for _ in range(3):
            rig.processor.on_undecodable("broken JPEG")
    assert rig.processor.corrupt == 3
    assert sum("broken JPEG" in (formatEvent(each) or "") for each in logs) == 1


def test_code_that_fails_is_started_again_after_longer_and_longer_waits(rig: Rig) -> None:
    waits = []
    for _ in range(9):
        runner = rig.runner
        runner.fail(Failed("ValueError: dark"))
        assert runner.ended is not None
        (call,) = rig.clock.getDelayedCalls()
        waits.append(call.getTime() - rig.clock.seconds())
        rig.clock.advance(waits[-1])
        assert rig.runner is not runner
    assert waits == [RETRY_FIRST * 2**n for n in range(6)] + [RETRY_MOST] * 3
    rig.clock.advance(RETRY_MOST + 1)  # it has worked for long
    rig.runner.fail(Failed("ValueError: dark"))
    (call,) = rig.clock.getDelayedCalls()
    assert call.getTime() - rig.clock.seconds() == RETRY_FIRST
    assert rig.processor.failures == 10


def test_a_failure_is_a_fault_and_a_reason(rig: Rig) -> None:
    with capturedLogs() as logs:
        for _ in range(2):
            rig.runner.fail(Failed("ValueError: dark", "Traceback: line 3"))
            rig.clock.advance(RETRY_MOST)
    reason = f"{CODE} failed: ValueError: dark"
    assert rig.events == [Fault("door.blur", "process", reason)] * 2
    assert str(rig.output.shown[0]).startswith(reason)
    lines = [formatEvent(each) or "" for each in logs]
    assert [reason in each for each in lines] == [True, True]
    assert ["Traceback" in each for each in lines] == [True, False]  # once for a reason


def test_a_stop_ends_a_wait_for_the_next_start(rig: Rig) -> None:
    rig.runner.fail(Failed("dark"))
    rig.change(rig.output, "recovering")  # its own failure starts nothing
    assert len(rig.runners) == 1
    rig.change(rig.output, "stopped")
    assert rig.clock.getDelayedCalls() == []


def test_the_end_fires_when_the_code_has_ended(rig: Rig) -> None:
    fired: list[Any] = []
    rig.processor.stop().addCallback(fired.append)
    assert (rig.output.publishers, rig.source.sinks) == ([], {})
    assert CODE in rig.output.shown[-1] and fired == []
    assert rig.runner.ended is not None
    rig.runner.ended.callback(None)
    assert len(fired) == 1
    rig.change(rig.output, "starting")
    assert len(rig.runners) == 1
