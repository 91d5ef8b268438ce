"""The reactor's time, shared out among HTTP connections in short turns.

A client can send thousands of requests in one packet. A server that answers all of them at once
keeps everybody else waiting: viewers, the control port, other clients. So a connection does one
small step of work at a time, addresses take turns, and after a few milliseconds the reactor does
other things.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Any, Protocol

from twisted.internet.interfaces import IDelayedCall

#: Seconds of work for HTTP before the reactor does other things.
TURN = 0.004
#: The part of the reactor's time that one address gets in the long run.
SHARE = 0.25
#: Seconds of work that an address gets at once: the page with all its parts takes less.
BURST = 0.1
#: Addresses whose work is remembered; beyond it the one that worked longest ago is forgotten.
MAX_SOURCES = 1024


class Worker(Protocol):
    """A connection that works in steps."""

    def work(self) -> bool:
        """Do one small step; whether there is more to do now."""


class _Source:
    """One address: its connections that wait, and the seconds of work that it may still have."""

    __slots__ = ("at", "credit", "name", "waiting")

    def __init__(self, name: str, now: float) -> None:
        self.name = name
        self.waiting: deque[Worker] = deque()
        self.credit = BURST
        self.at = now

    def wait(self, now: float) -> float:
        """Seconds until it may work again; 0: now."""
        self.credit = min(BURST, self.credit + max(0.0, now - self.at) * SHARE)
        self.at = now
        return max(0.0, -self.credit / SHARE)


class Turns:
    """Lets connections work, one small step each, in turns by address.

    Arguments:
        clock: the reactor, or another clock with ``callLater``.
        measure: the time in seconds that work is measured by, such as the thread's processor
            time; by default the clock's.
    """

    def __init__(self, clock: Any, measure: Callable[[], float] | None = None) -> None:
        self._clock = clock
        self._measure = measure or clock.seconds
        #: Who has worked of late, oldest first.
        self._sources: OrderedDict[str, _Source] = OrderedDict()
        #: Those of whom a connection waits, in the order of their turns.
        self._waiting: OrderedDict[str, _Source] = OrderedDict()
        self._queued: set[Worker] = set()
        self._timer: IDelayedCall | None = None
        self._timer_at = 0.0
        #: Seconds of work that may be done at once, without a turn of its own.
        self._free = TURN
        self._free_at = clock.seconds()

    def ask(self, source: str, worker: Worker) -> None:
        """Have a worker work: at once if nobody waits, else when its turn comes.

        Arguments:
            source: the address that its work is counted against.
            worker: one that waits already waits once.
        """
        if worker in self._queued:
            return
        now = self._clock.seconds()
        record = self._source(source, now)
        wait = record.wait(now)
        # A reactor that calls many connections in one turn of its own must get out of it.
        self._free = min(TURN, self._free + max(0.0, now - self._free_at) / 2)
        self._free_at = now
        if not wait and self._free > 0 and not self._waiting:
            before = record.credit
            is_more = self._step(record, worker)
            self._free -= before - record.credit
            if not is_more:
                return
        self._queue(record, worker)
        self._wake(wait)

    def forget(self, source: str, worker: Worker) -> None:
        """Take out a worker that is gone; one that does not wait is none."""
        if worker in self._queued:
            self._queued.discard(worker)
            record = self._waiting[source]
            record.waiting.remove(worker)
            if not record.waiting:
                del self._waiting[source]

    def close(self) -> None:
        """Let nobody work any more."""
        if self._timer is not None and self._timer.active():
            self._timer.cancel()

    def _source(self, name: str, now: float) -> _Source:
        record = self._sources.get(name) or self._waiting.get(name)
        if record is None:
            record = _Source(name, now)
        self._sources[name] = record
        self._sources.move_to_end(name)
        if len(self._sources) > MAX_SOURCES:
            self._sources.popitem(last=False)
        return record

    def _queue(self, record: _Source, worker: Worker) -> None:
        if worker not in self._queued:  # a step may have asked for another
            self._queued.add(worker)
            record.waiting.append(worker)
            self._waiting[record.name] = record

    def _step(self, record: _Source, worker: Worker) -> bool:
        began = self._measure()
        is_more = worker.work()
        record.credit -= self._measure() - began
        return is_more

    def _run(self) -> None:
        """One turn: a step of each address that waits, again and again until the time is up."""
        self._timer = None
        until = self._measure() + TURN
        now = self._clock.seconds()
        ready = True
        while ready:
            ready = False
            for name, record in tuple(self._waiting.items()):
                if not record.waiting or record.wait(now):
                    continue
                ready = True
                worker = record.waiting.popleft()
                self._queued.discard(worker)
                is_more = self._step(record, worker)
                self._waiting.pop(name, None)  # from now on behind all others
                if is_more:
                    self._queue(record, worker)
                elif record.waiting:
                    self._waiting[name] = record
                if self._measure() >= until:
                    self._wake_for_next()
                    return
        self._wake_for_next()

    def _wake_for_next(self) -> None:
        if self._waiting:
            now = self._clock.seconds()
            self._wake(min(record.wait(now) for record in self._waiting.values()))

    def _wake(self, wait: float) -> None:
        """Run after so many seconds, or sooner if that is planned already."""
        at = self._clock.seconds() + wait
        if self._timer is not None and self._timer.active():
            if self._timer_at <= at:
                return
            self._timer.cancel()
        self._timer_at = at
        self._timer = self._clock.callLater(wait, self._run)
