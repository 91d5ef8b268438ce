"""A wait with a limit: the result in time, None when it is late, and nothing is cancelled."""

from __future__ import annotations

from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.task import Clock
from twisted.trial import unittest

from twistedcam.runtime.bounded_wait import wait_at_most


class BoundedWaitTests(unittest.SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.parts: list[Deferred[int]] = [Deferred(), Deferred()]
        self.late: list[None] = []
        self.done = wait_at_most(
            DeferredList(self.parts), 2, self.clock, lambda: self.late.append(None)
        )

    def test_a_result_in_time_is_passed_on(self) -> None:
        for number, each in enumerate(self.parts):
            each.callback(number)
        assert self.successResultOf(self.done) == [(True, 0), (True, 1)]
        assert (self.late, self.clock.getDelayedCalls()) == ([], [])

    def test_a_failure_in_time_is_passed_on(self) -> None:
        failing: Deferred[None] = Deferred()
        done = wait_at_most(failing, 2, self.clock)
        failing.errback(ValueError("no"))
        self.failureResultOf(done, ValueError)

    def test_what_is_late_goes_on(self) -> None:
        self.clock.advance(2)
        assert (self.successResultOf(self.done), self.late) == (None, [None])
        for each in self.parts:
            self.assertNoResult(each)
            each.callback(1)

    def test_what_fails_late_is_logged(self) -> None:
        failing: Deferred[None] = Deferred()
        done = wait_at_most(failing, 2, self.clock)
        self.clock.advance(2)
        failing.errback(ValueError("too late"))
        assert self.successResultOf(done) is None
        assert len(self.flushLoggedErrors(ValueError)) == 1
