"""Work takes turns, and whoever has much of it keeps nobody waiting."""

from __future__ import annotations

import pytest
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from twistedcam.runtime.scheduler import Step, TurnQueue, Turns


class Worker:
    """Has so many pieces of work."""

    def __init__(self, queue: TurnQueue, done: list[str], name: str) -> None:
        self.left = 0
        self.is_blocked = False
        self.held: list[bool] = []
        self._done, self._name = done, name
        self.turns = Turns(queue, self._step, self.held.append, 2)

    def come(self, pieces: int) -> None:
        self.left += pieces
        self.turns.add()

    def _step(self) -> Step:
        if self.is_blocked:
            return Step.BLOCKED
        if not self.left:
            return Step.DONE
        self.left -= 1
        self._done.append(self._name)
        return Step.MORE


class Reactor(Clock):
    """Has turns one by one; Clock.advance has all at once that follow one another."""

    def turn(self) -> None:
        calls, self.calls = self.calls, []
        for each in calls:
            each.called = 1
            each.func(*each.args)


class Rig:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        monkeypatch.setattr("twistedcam.runtime.scheduler.time.perf_counter", self._tick)
        self.reactor = Reactor()
        self.queue = TurnQueue(self.reactor)
        self.done: list[str] = []

    def worker(self, name: str) -> Worker:
        return Worker(self.queue, self.done, name)

    def _tick(self) -> float:
        self.now += 0.0004  # each look at the clock; there is one for each piece of work
        return self.now


@pytest.fixture
def rig(monkeypatch: pytest.MonkeyPatch) -> Rig:
    return Rig(monkeypatch)


def test_a_little_is_done_at_once_and_nothing_is_held_for_it(rig: Rig) -> None:
    worker = rig.worker("a")
    worker.come(1)
    assert (rig.done, worker.held) == (["a"], [])
    assert rig.reactor.getDelayedCalls() == []


def test_much_is_done_in_turns_and_nothing_is_read_until_it_is(rig: Rig) -> None:
    worker = rig.worker("a")
    worker.come(100)
    assert (len(rig.done), worker.held) == (2, [True])
    turns = 0
    while worker.left:
        rig.reactor.turn()
        turns += 1
    rig.reactor.turn()
    assert 20 <= turns <= 100
    assert worker.held == [True, False]


def test_all_have_their_turn(rig: Rig) -> None:
    first, second = rig.worker("a"), rig.worker("b")
    first.come(1000)
    second.come(10)
    while second.left:
        rig.reactor.turn()
    assert first.left > 950


def test_what_many_do_at_once_is_bounded_together(rig: Rig) -> None:
    workers = [rig.worker("a") for _ in range(100)]
    for each in workers:
        each.come(1)
    assert 1 <= len(rig.done) < 60
    while rig.reactor.getDelayedCalls():
        rig.reactor.turn()
    assert [each.left for each in workers] == [0] * 100
    assert workers[-1].held == [True, False]


def test_what_is_blocked_waits_and_costs_nothing(rig: Rig) -> None:
    worker = rig.worker("a")
    worker.is_blocked = True
    worker.come(5)
    assert (rig.done, worker.held, rig.reactor.getDelayedCalls()) == ([], [True], [])
    worker.is_blocked = False
    worker.turns.go_on()
    for _ in range(9):
        rig.reactor.turn()
    assert (len(rig.done), worker.held) == (5, [True, False])


def test_a_connection_that_ends_is_done_with(rig: Rig) -> None:
    worker = rig.worker("a")
    worker.come(100)
    worker.turns.stop()
    rig.reactor.turn()
    assert (worker.left, worker.held) == (98, [True])
    assert rig.reactor.getDelayedCalls() == []


class FaultTests(SynchronousTestCase):
    def test_a_fault_is_logged_and_the_others_go_on(self) -> None:
        clock, done = Clock(), list[str]()
        queue = TurnQueue(clock)
        bad, good = Worker(queue, done, "bad"), Worker(queue, done, "good")
        bad.come(100)
        good.come(100)
        bad.turns._step = lambda: 1 // 0  # type: ignore[assignment, return-value]
        clock.advance(0)
        self.assertEqual((bad.left, good.left), (98, 0))
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
