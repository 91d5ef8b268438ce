"""A cooperative scheduler: requests of clients are processed in small steps and time slices.

A client can send thousands of requests in one packet. If they were all answered at once, viewers
and other clients would wait. So each connection runs one small step at a time, client addresses
take turns, and after a millisecond the reactor continues.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from enum import Enum
from typing import Any

from twisted.internet.task import Cooperator
from twisted.logger import Logger

log = Logger()

#: Seconds of work in one iteration of the reactor, for all connections together. It is short,
#: because the threads of cameras wait for Python's lock meanwhile.
TIME_SLICE = 0.001
#: Seconds of work that may be done immediately, outside of time slices, in each period.
IMMEDIATE = 0.002
_PERIOD = 0.010
#: Seconds that the reactor's thread sleeps before each time slice. A thread that waits for Python's
#: lock gets it then. From a busy thread it gets it after 5 ms only, which delays a camera's frames.
PAUSE = 0.00005


def pause_thread() -> None:
    """Release Python's lock, so that other threads can run."""
    time.sleep(PAUSE)


class Scheduler:
    """Runs the jobs of all connections, one step at a time, in turns by client address.

    Arguments:
        clock: the reactor.
        measure: returns the time in seconds that work is measured with; by default the clock's.
        pause: lets other threads run.
        immediate: seconds of work that may be done outside of time slices in each period.
    """

    def __init__(
        self,
        clock: Any,
        measure: Callable[[], float] | None = None,
        pause: Callable[[], None] = pause_thread,
        immediate: float = IMMEDIATE,
    ) -> None:
        self._measure = measure or clock.seconds
        self._pause = pause
        self._immediate = self._immediate_left = immediate
        self._period_end = 0.0
        #: The jobs that wait for their next step, by address. Each address is a cooperative task.
        self._waiting: dict[str, deque[Job]] = {}
        self._cooperator = Cooperator(self._begin_slice, lambda tick: clock.callLater(0, tick))

    def start(self, job: Job) -> None:
        """Run the first steps of a job immediately if time allows, the others in time slices."""
        now = self._measure()
        if now >= self._period_end:
            self._period_end, self._immediate_left = now + _PERIOD, self._immediate
        if self._immediate_left > 0:
            is_more = job.run(job.immediate_steps)
            self._immediate_left -= self._measure() - now
            if not is_more:
                return
        self._queue(job)

    def close(self) -> None:
        """Run no more jobs."""
        self._cooperator.stop()

    def _queue(self, job: Job) -> None:
        jobs = self._waiting.get(job.source)
        if jobs is None:
            jobs = self._waiting[job.source] = deque()
            self._cooperator.cooperate(self._run_all(job.source, jobs))
        jobs.append(job)

    def _run_all(self, source: str, jobs: deque[Job]) -> Iterator[None]:
        """Run the jobs of an address, one step of one job in each iteration."""
        while True:
            job = jobs.popleft()
            try:
                if job.run(1):
                    self._queue(job)
            except Exception:
                log.failure("a connection's work failed")
            if not jobs:
                break
            yield
        del self._waiting[source]

    def _begin_slice(self) -> Callable[[], bool]:
        """Begin a time slice. The result returns True when it is over."""
        self._pause()
        begin = self._measure()
        return lambda: self._measure() - begin >= TIME_SLICE


class StepResult(Enum):
    """The result of a step."""

    MORE = "there may be more to do"
    DONE = "there is nothing left to do"
    BLOCKED = "there is more to do, but something has to happen first: call Job.resume then"


class Job:
    """The work of one connection. Nothing more is read from the client until it is done.

    Arguments:
        scheduler: runs it.
        step: does a small piece of work.
        on_hold: called with True when reading from the client has to stop, and with False when it
            may continue.
        immediate_steps: the number of steps that may run as soon as there is work; enough for
            nearly all work.
    """

    __slots__ = (
        "_has_work",
        "_is_scheduled",
        "_on_hold",
        "_scheduler",
        "_step",
        "immediate_steps",
        "is_held",
        "source",
    )

    def __init__(
        self,
        scheduler: Scheduler,
        step: Callable[[], StepResult],
        on_hold: Callable[[bool], None],
        immediate_steps: int = 1,
    ) -> None:
        self._scheduler = scheduler
        self._step = step
        self._on_hold = on_hold
        self.immediate_steps = immediate_steps
        self._has_work = False
        #: True while it runs or waits for its next step.
        self._is_scheduled = False
        #: The client's address: the job takes turns with others of the same address.
        self.source = ""
        #: True while reading from the client has to stop.
        self.is_held = False

    def add(self) -> None:
        """Note that there is work."""
        self._has_work = True
        self.resume()
        if self._has_work and not self.is_held:
            self.is_held = True
            self._on_hold(True)

    def resume(self) -> None:
        """Continue the work, if there is any: it is not blocked any more."""
        if self._has_work and not self._is_scheduled:
            self._is_scheduled = True
            self._scheduler.start(self)

    def stop(self) -> None:
        """Run no more steps, and drop the references to the connection, which ends."""
        self._has_work = False
        self._step, self._on_hold = _no_step, _no_hold

    def run(self, steps: int) -> bool:
        """Run up to a number of steps (Scheduler). Return True if there are more."""
        progress = StepResult.MORE
        try:
            while steps and progress is StepResult.MORE:
                progress = self._step()
                steps -= 1
        except BaseException:
            self._is_scheduled = False
            raise
        self._is_scheduled = progress is StepResult.MORE
        if progress is StepResult.DONE:
            self._has_work = False
            if self.is_held:
                self.is_held = False
                self._on_hold(False)
        return progress is StepResult.MORE


def _no_step() -> StepResult:
    return StepResult.DONE


def _no_hold(is_held: bool) -> None:
    """The connection has ended."""
