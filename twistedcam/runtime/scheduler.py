"""Work that clients cause, done in turns: a few milliseconds, and then all else has its turn."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from enum import Enum

from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import CooperativeTask, Cooperator
from twisted.logger import Logger
from twisted.python.failure import Failure

log = Logger()

#: Seconds of each of the reactor's turns that the work of all connections together may take. Short,
#: because cameras' threads wait for Python's lock meanwhile.
TURN = 0.001
#: Seconds of work, in so many seconds, that may be done as soon as it comes.
AT_ONCE = 0.002
_PERIOD = 0.010
#: Seconds that the reactor's thread sleeps before each turn. A thread that waits for Python's lock
#: gets it within a turn that way. From a thread that is busy it gets it after 5 ms, each time that
#: it needs it, and that makes a camera's pictures old.
PAUSE = 0.00005


class TurnQueue(Cooperator):
    """One queue for all connections: each in it takes a step, and then the next one does.

    Arguments:
        clock: what has a turn in between.
        pause: called before each turn: lets other threads run.
    """

    def __init__(self, clock: IReactorTime, pause: Callable[[], None] | None = None) -> None:
        self._pause = pause_thread if pause is None else pause
        super().__init__(_a_turn, lambda tick: clock.callLater(0, self._take_turn, tick))
        self.most_at_once = AT_ONCE
        self._period_end = 0.0
        self._at_once = 0.0

    def may_begin(self, now: float) -> bool:
        """Whether work may be done at once, because little was of late.

        Arguments:
            now: seconds, by time.perf_counter.
        """
        if now >= self._period_end:
            self._period_end = now + _PERIOD
            self._at_once = 0.0
        return self._at_once < self.most_at_once

    def took(self, seconds: float) -> None:
        """Work was done at once, and took so long."""
        self._at_once += seconds

    def _take_turn(self, tick: Callable[[], object]) -> None:
        self._pause()
        tick()


def pause_thread() -> None:
    """Let the threads run that wait for Python's lock."""
    time.sleep(PAUSE)


def _a_turn() -> Callable[[], bool]:
    end = time.perf_counter() + TURN
    return lambda: time.perf_counter() >= end


class Step(Enum):
    """What a step has found."""

    MORE = "there may be more to do"
    DONE = "there is nothing left to do"
    BLOCKED = "there is more, and something has to happen first: call go_on then"


def _hold_nothing(is_held: bool) -> None:
    """The connection ends."""


class Turns:
    """Works through what a client sends, in turns with what all others send.

    The first steps are taken at once, as nearly always there are no more, unless much is done at
    once already. What is left waits in the queue that all connections share, and nothing is read
    from the client until all is done.

    Arguments:
        queue: that queue.
        step: does a small piece of work.
        hold: called when nothing more is to be read from the client, and when it is again.
        at_once: steps that are taken without waiting.
    """

    __slots__ = (
        "_at_once",
        "_has_work",
        "_hold",
        "_is_stepping",
        "_queue",
        "_step",
        "_task",
        "is_held",
    )

    def __init__(
        self,
        queue: TurnQueue,
        step: Callable[[], Step],
        hold: Callable[[bool], None],
        at_once: int,
    ) -> None:
        self._queue = queue
        self._step: Callable[[], Step] | None = step
        self._hold = hold
        self._at_once = at_once
        self._has_work = False
        self._is_stepping = False
        self._task: CooperativeTask[Iterator[None]] | None = None
        #: Whether nothing is read from the client now.
        self.is_held = False

    def add(self) -> None:
        """Something has come."""
        self._has_work = True
        self.go_on()
        if self._has_work and not self.is_held and self._step is not None:
            self.is_held = True
            self._hold(True)

    def go_on(self) -> None:
        """What blocked the work does not do so any more."""
        if not self._has_work or self._is_stepping or self._task is not None:
            return
        self._is_stepping = True
        try:
            found = self._take_steps()
        finally:
            self._is_stepping = False
        if found is Step.MORE and self._step is not None:
            self._task = self._queue.cooperate(self._all_steps())
            self._task.whenDone().addErrback(self._failed)

    def stop(self) -> None:
        """Do no more: the connection ends, and this holds nothing of it."""
        self._step = None
        self._hold = _hold_nothing

    def _take_steps(self) -> Step:
        begun = time.perf_counter()
        if not self._queue.may_begin(begun):
            return Step.MORE
        found = Step.MORE
        for _ in range(self._at_once):
            found = self._one()
            if found is not Step.MORE:
                break
        self._queue.took(time.perf_counter() - begun)
        return found

    def _all_steps(self) -> Iterator[None]:
        while self._one() is Step.MORE:
            yield
        self._task = None

    def _one(self) -> Step:
        found = Step.DONE if self._step is None else self._step()
        if found is Step.DONE:
            self._has_work = False
            if self.is_held and self._step is not None:
                self.is_held = False
                self._hold(False)
        return found

    def _failed(self, why: Failure) -> None:
        self._task = None
        log.failure("the work of a connection failed", failure=why)
