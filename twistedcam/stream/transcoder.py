"""The common part of transcoders, which exist only while somebody listens."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Any, Generic

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from twistedcam.runtime.threads import Thread
from twistedcam.stream.hub import LATE, Hub, P, Sink

log = Logger()


class Transcoder(Sink[P], Generic[P]):
    """A sink on one hub that feeds another, on a thread of its own.

    It takes packets while the other hub has sinks. A subclass keeps those that wait.

    Arguments:
        source: the hub whose packets it takes.
        make_thread: makes the thread.
    """

    def __init__(self, source: Hub[P], make_thread: Callable[[], Thread]) -> None:
        #: Packets that were left out: they were broken, or it was too slow for them.
        self.dropped = 0
        self._source = source
        self._make_thread = make_thread
        self._thread: Thread | None = None
        self._is_busy = False

    @property
    def priority(self) -> int:
        """The priority with which it takes packets (hub.Hub.add)."""
        return LATE

    @property
    def is_active(self) -> bool:
        """True while it takes packets."""
        return self in self._source

    def demand(self, wanted: bool) -> None:
        """Begin when the first sink has come, end when the last has gone."""
        if wanted:
            if self._thread is None:
                self._thread = self._make_thread()
            self._begin()
            self._source.add(self, priority=self.priority)
            self._pump()
            return
        self._source.remove(self)
        self._end()
        if not self._is_busy:
            self._release()

    def _begin(self) -> None:
        """Prepare for the first packet."""

    @abstractmethod
    def _end(self) -> None:
        """Drop the packets that wait."""

    @abstractmethod
    def _pump(self) -> None:
        """Start the work that is next, unless it is busy (``_work``)."""

    def _work(self, call: Callable[[], Any], then: Callable[[Any], None]) -> Deferred[None]:
        """Make a call on the thread, then handle its result, then go on with what waits."""
        assert self._thread is not None
        self._is_busy = True
        made = self._thread.run(call).addCallback(then)
        made.addErrback(self._failed)
        made.addErrback(lambda why: log.failure("a transcoder failed", failure=why))
        return made.addCallback(self._next)

    @abstractmethod
    def _failed(self, why: Any) -> None:
        """Handle an error of the call on the thread."""

    def _next(self, _: object) -> None:
        self._is_busy = False
        if self.is_active:
            self._pump()
        else:
            self._release()

    def _release(self) -> None:
        """End the thread: nobody listens."""
        if self._thread is not None:
            self._thread.end()
            self._thread = None
