"""A start of user code in a thread: its results, its failure and its end."""

from __future__ import annotations

import threading
from collections.abc import Callable

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.trial.unittest import TestCase

from twistedcam.media.frame import Frame
from twistedcam.processing import runner as module
from twistedcam.processing.executors import Failed
from twistedcam.processing.loop import Reports, Take
from twistedcam.processing.results import Result
from twistedcam.processing.runner import FrameSlot, Runner

PATIENCE = 10


def test_the_slot_keeps_only_the_newest_frame() -> None:
    slot = FrameSlot()
    for number in (1, 2, 3):
        slot.put(Frame(number, 1, 4, 4, b""))
    taken = slot.take()
    assert taken is not None and (taken.seq, slot.skipped) == (3, 2)
    slot.close()
    assert slot.take() is None


class Executor:
    """Runs a function of the test."""

    def __init__(self, function: Callable[[Take, Reports], None]) -> None:
        self._function = function
        self.killed = threading.Event()

    def run(self, take: Take, reports: Reports) -> None:
        self._function(take, reports)

    def kill(self) -> None:
        self.killed.set()


class RunnerTests(TestCase):
    timeout = PATIENCE

    def setUp(self) -> None:
        self.seen: list[object] = []
        self.changed: Deferred[None] = Deferred()

    def start(self, function: Callable[[Take, Reports], None]) -> Runner:
        self.executor = Executor(function)
        return Runner(reactor, self.executor, self, self._note)

    def on_result(self, result: Result) -> None:
        self._note(result)

    def on_frame_done(self, seconds: float) -> None:
        self._note(seconds)

    def on_undecodable(self, reason: str) -> None:
        self._note(reason)

    def _note(self, what: object) -> None:
        self.seen.append(what)
        self.changed.callback(None)

    async def test_a_result_is_delivered_on_the_reactor_s_thread(self) -> None:
        def echo(take: Take, reports: Reports) -> None:
            while (frame := take()) is not None:
                reports.on_result(Result(frame, data=frame.seq))

        runner = self.start(echo)
        runner.slot.put(Frame(7, 1, 4, 4, b"jpeg"))
        await self.changed
        [result] = self.seen
        assert isinstance(result, Result)
        self.assertEqual((result.data, result.picture.jpeg), (7, b"jpeg"))
        await runner.end()

    async def test_an_error_of_the_executor_is_a_failure(self) -> None:
        def crash(take: Take, reports: Reports) -> None:
            raise RuntimeError("broken")

        runner = self.start(crash)
        await self.changed
        [error] = self.seen
        assert isinstance(error, Failed)
        self.assertEqual(str(error), "RuntimeError: broken")
        await runner.end()

    async def test_code_that_hangs_is_killed_and_then_abandoned(self) -> None:
        self.patch(module, "GRACE", 0.05)
        release = threading.Event()

        def hang(take: Take, reports: Reports) -> None:
            release.wait(PATIENCE)
            reports.on_frame_done(1.0)

        runner = self.start(hang)
        await runner.end()
        self.assertTrue(self.executor.killed.is_set())
        release.set()
        await runner._over
        self.assertEqual(self.seen, [])
