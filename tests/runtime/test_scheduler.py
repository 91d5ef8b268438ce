"""Work runs in time slices, and a client with much work does not delay others."""

from __future__ import annotations

import pytest
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from twistedcam.runtime.scheduler import IMMEDIATE, Job, Scheduler, StepResult

#: Seconds of each step: three of them end a time slice, five the time for immediate steps.
COST = 2**-11  # a power of two, without rounding errors


class Reactor(Clock):
    """A clock that runs one iteration at a time; Clock.advance runs all that are due."""

    def iterate(self) -> None:
        calls, self.calls = self.calls, []
        for each in calls:
            each.called = 1
            each.func(*each.args)


class Rig:
    """A scheduler on a clock that only work advances, with a record of the work."""

    def __init__(self, immediate: float = IMMEDIATE) -> None:
        self.now = 0.0
        self.done: list[str] = []
        #: The number of steps done at each pause.
        self.pauses: list[int] = []
        self.reactor = Reactor()
        self.scheduler = Scheduler(
            self.reactor,
            lambda: self.now,
            lambda: self.pauses.append(len(self.done)),
            immediate,
        )

    def client(self, source: str, steps: int = 0) -> Client:
        client = Client(self, source)
        if steps:
            client.send(steps)
        return client

    def finish(self) -> int:
        """Run all remaining work; return the number of iterations."""
        count = 0
        while self.reactor.getDelayedCalls():
            self.reactor.iterate()
            count += 1
        return count


class Client:
    """A client with a number of steps of work."""

    def __init__(self, rig: Rig, source: str) -> None:
        self.rig = rig
        self.left = 0
        self.is_blocked = False
        self.held: list[bool] = []
        self.job = Job(rig.scheduler, self._step, self.held.append, 2)
        self.job.source = source

    def send(self, steps: int) -> None:
        self.left += steps
        self.job.add()

    def _step(self) -> StepResult:
        if self.is_blocked:
            return StepResult.BLOCKED
        if not self.left:
            return StepResult.DONE
        self.rig.now += COST
        self.left -= 1
        self.rig.done.append(self.job.source)
        return StepResult.MORE


@pytest.fixture
def rig() -> Rig:
    return Rig()


def test_little_work_is_done_immediately_without_a_hold(rig: Rig) -> None:
    client = rig.client("a", 1)
    assert (rig.done, client.held) == (["a"], [])
    assert rig.reactor.getDelayedCalls() == []


def test_much_is_done_in_time_slices_and_nothing_is_read_until_it_is(rig: Rig) -> None:
    client = rig.client("a", 92)
    assert (len(rig.done), client.held) == (2, [True])
    rig.reactor.iterate()
    assert len(rig.done) == 5
    assert rig.finish() == 30
    assert (client.left, client.held) == (0, [True, False])


def test_all_connections_of_an_address_have_their_turn(rig: Rig) -> None:
    first, second = rig.client("a", 1000), rig.client("a", 10)
    while second.left:
        rig.reactor.iterate()
    assert first.left > 980


def test_addresses_take_turns_whatever_their_number_of_connections() -> None:
    rig = Rig(immediate=0)
    for _ in range(20):
        rig.client("many", 100)
    rig.client("one", 10)
    while rig.done.count("one") < 10:
        rig.reactor.iterate()
    assert rig.done.count("many") < 14


def test_a_job_that_changes_its_address_takes_turns_there_from_then_on() -> None:
    rig = Rig(immediate=0)
    proxy = rig.client("proxy", 2)
    rig.reactor.iterate()
    proxy.job.source = "client"
    proxy.send(2)
    rig.finish()
    assert rig.done == ["proxy", "proxy", "client", "client"]


def test_what_many_do_at_once_is_bounded_together(rig: Rig) -> None:
    clients = [rig.client("a", 1) for _ in range(100)]
    assert len(rig.done) == 5
    rig.finish()
    assert [each.left for each in clients] == [0] * 100
    assert clients[-1].held == [True, False]


def test_other_threads_may_run_before_each_time_slice() -> None:
    rig = Rig(immediate=0)
    rig.client("a", 7)
    rig.finish()
    assert rig.pauses == [0, 3, 6]
    rig.client("a", 1)
    rig.finish()
    assert rig.pauses == [0, 3, 6, 7]


def test_there_is_no_pause_for_work_that_is_done_at_once(rig: Rig) -> None:
    for _ in range(2):
        rig.client("a", 1)
    rig.now += 1
    assert (rig.finish(), rig.pauses) == (0, [])


def test_what_is_blocked_waits_and_costs_nothing(rig: Rig) -> None:
    client = rig.client("a")
    client.is_blocked = True
    client.send(5)
    assert (rig.done, client.held, rig.reactor.getDelayedCalls()) == ([], [True], [])
    client.is_blocked = False
    client.job.resume()
    rig.finish()
    assert (len(rig.done), client.held) == (5, [True, False])


def test_nothing_is_done_for_a_connection_that_has_ended(rig: Rig) -> None:
    client = rig.client("a", 100)
    client.job.stop()
    rig.reactor.iterate()
    assert (client.left, client.held) == (98, [True])
    assert rig.reactor.getDelayedCalls() == []


def test_nothing_is_kept_of_an_address_that_has_no_work(rig: Rig) -> None:
    for number in range(100):
        rig.client(str(number), 3)
    rig.finish()
    assert len(rig.done) == 300
    assert not rig.scheduler._waiting


def test_a_scheduler_that_is_closed_runs_nothing(rig: Rig) -> None:
    rig.client("a", 100)
    rig.scheduler.close()
    assert rig.reactor.getDelayedCalls() == []
    assert len(rig.done) == 2


class FaultTests(SynchronousTestCase):
    def test_an_error_is_logged_and_other_jobs_continue(self) -> None:
        rig = Rig()
        bad, good = rig.client("a", 100), rig.client("a", 100)
        bad.job._step = lambda: 1 // 0  # type: ignore[assignment, return-value]
        rig.finish()
        self.assertEqual((bad.left, good.left), (98, 0))
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_an_error_in_an_immediate_step_is_raised_and_later_work_is_done(self) -> None:
        rig = Rig()
        client = rig.client("a")
        step = client.job._step
        client.job._step = lambda: 1 // 0  # type: ignore[assignment, return-value]
        self.assertRaises(ZeroDivisionError, client.send, 1)
        client.job._step = step
        client.send(0)
        self.assertEqual(client.left, 0)
