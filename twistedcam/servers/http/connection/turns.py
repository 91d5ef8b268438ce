"""The reactor's time, shared out among HTTP connections in short turns.

A client can send thousands of requests in one packet. A server that answers all of them at once
keeps everybody else waiting: viewers, the control port, other clients. So a connection does one
small step of work at a time, addresses take turns, and after a millisecond the reactor does other
things. All of the time that nobody else needs may be used.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Any, Protocol

from twisted.internet.interfaces import IDelayedCall

from twistedcam.runtime.scheduler import pause_thread

#: Seconds of work for HTTP before the reactor does other things.
TURN = 0.001


class Worker(Protocol):
    """A connection that works in steps."""

    def work(self) -> bool:
        """Do one small step; whether there is more to do now."""


class Turns:
    """Lets connections work, one small step each, in turns by address.

    Arguments:
        clock: the reactor, or another clock with ``callLater``.
        measure: the time in seconds that work is measured by, such as the thread's processor
            time; by default the clock's.
        pause: called when a turn's work has been done since the last one, lets other threads run.
    """

    def __init__(
        self,
        clock: Any,
        measure: Callable[[], float] | None = None,
        pause: Callable[[], None] = pause_thread,
    ) -> None:
        self._clock = clock
        self._measure = measure or clock.seconds
        self._pause = pause
        #: The connections that wait, by address, in the order of the addresses' turns.
        self._waiting: OrderedDict[str, deque[Worker]] = OrderedDict()
        self._queued: set[Worker] = set()
        self._timer: IDelayedCall | None = None
        #: Seconds of work that may be done at once, without a turn of its own.
        self._free = TURN
        self._free_at = clock.seconds()
        #: Seconds of work since the last pause.
        self._worked = 0.0

    def ask(self, source: str, worker: Worker) -> None:
        """Have a worker work: at once if nobody waits, else when its turn comes.

        Arguments:
            source: the address among whose connections it takes its turn.
            worker: one that waits already waits once.
        """
        if worker in self._queued:
            return
        now = self._clock.seconds()
        # A reactor that calls many connections in one turn of its own must get out of it.
        self._free = min(TURN, self._free + max(0.0, now - self._free_at) / 2)
        self._free_at = now
        if self._free > 0 and not self._waiting:
            began = self._measure()
            is_more = worker.work()
            took = self._measure() - began
            self._free -= took
            self._worked += took
            if not is_more:
                return
        self._queue(source, worker)

    def forget(self, source: str, worker: Worker) -> None:
        """Take out a worker that is gone; one that does not wait is none."""
        if worker in self._queued:
            self._queued.discard(worker)
            waiting = self._waiting[source]
            waiting.remove(worker)
            if not waiting:
                del self._waiting[source]

    def close(self) -> None:
        """Let nobody work any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _queue(self, source: str, worker: Worker) -> None:
        if worker not in self._queued:  # a step may have asked for another
            self._queued.add(worker)
            self._waiting.setdefault(source, deque()).append(worker)
        self._wake()

    def _run(self) -> None:
        """One turn: a step of each address that waits, again and again until the time is up."""
        self._timer = None
        if self._worked >= TURN:
            self._pause()
            self._worked = 0.0
        began = self._measure()
        until = began + TURN
        while self._waiting:
            source, waiting = next(iter(self._waiting.items()))
            worker = waiting.popleft()
            self._queued.discard(worker)
            if waiting:
                self._waiting.move_to_end(source)  # from now on behind all others
            else:
                del self._waiting[source]
            if worker.work():
                self._queue(source, worker)
            if self._measure() >= until:
                break
        self._worked += self._measure() - began
        if self._waiting:
            self._wake()

    def _wake(self) -> None:
        if self._timer is None:
            self._timer = self._clock.callLater(0, self._run)
