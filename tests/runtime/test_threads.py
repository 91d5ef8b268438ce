"""Blocking calls run on one thread, in order, with results on the reactor's thread."""

from __future__ import annotations

import threading
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.task import deferLater
from twisted.trial.unittest import TestCase

from tests.support.process import PATIENCE
from twistedcam.runtime.threads import Thread, run_in_thread


def is_there(name: str) -> bool:
    return any(name in each.name for each in threading.enumerate())


class ThreadTests(TestCase):
    timeout = PATIENCE

    def setUp(self) -> None:
        self.thread = Thread(reactor, "of a test")

    async def test_calls_are_made_in_order_on_a_thread_of_their_own(self) -> None:
        here, made = threading.get_ident(), []
        self.addCleanup(self.thread.end)

        def call(number: int) -> tuple[int, int]:
            made.append(number)
            return number, threading.get_ident()

        found = await gatherResults(
            [self.thread.run(lambda number=number: call(number)) for number in range(20)]
        )
        assert made == list(range(20))
        assert [number for number, _ in found] == made
        (there,) = {ident for _, ident in found}
        assert there != here

    async def test_results_and_errors_come_back_on_the_reactor_s_thread(self) -> None:
        here: list[int] = []
        self.addCleanup(self.thread.end)

        def came(result: Any) -> Any:
            here.append(threading.get_ident())
            return result

        assert await self.thread.run(lambda: 7).addBoth(came) == 7
        for error in (ZeroDivisionError("one"), SystemExit("two")):

            def fail(error: BaseException = error) -> None:
                raise error

            why = await self.thread.run(fail).addBoth(came).addErrback(lambda why: why.value)
            assert why is error
        assert await self.thread.run(lambda: 8).addBoth(came) == 8
        assert set(here) == {threading.get_ident()}

    async def test_an_idle_thread_ends_immediately(self) -> None:
        ended: Deferred[None] = self.thread.run(lambda: None)
        await ended.addCallback(lambda _: self.thread.end())  # no call is running then
        assert not is_there("of a test")

    async def test_a_call_that_hangs_is_not_waited_for(self) -> None:
        go_on = threading.Event()
        made = self.thread.run(go_on.wait)
        self.thread.end()
        assert is_there("of a test")
        go_on.set()
        assert await made
        assert not is_there("of a test")


class RunInThreadTests(TestCase):
    timeout = PATIENCE

    async def test_the_thread_lasts_as_long_as_the_call(self) -> None:
        name = "for one call of a test"
        proceed = threading.Event()

        def call() -> int:
            assert proceed.wait(10)
            return threading.get_ident()

        result = run_in_thread(lambda: Thread(reactor, name), call)
        self.assertTrue(is_there(name))
        proceed.set()
        self.assertNotEqual(await result, threading.get_ident())
        while is_there(name):
            await deferLater(reactor, 0.01)

    async def test_an_error_of_the_call_is_passed_on(self) -> None:
        result = run_in_thread(lambda: Thread(reactor), lambda: 1 / 0)
        await self.assertFailure(result, ZeroDivisionError)
