"""Threads for blocking calls. A call that hangs blocks its own thread only."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

T = TypeVar("T")


class Thread:
    """A daemon thread that makes blocking calls, one after the other.

    A camera makes one call a picture. Twisted's thread pool would need a third more time for it.

    Arguments:
        reactor: receives the results.
        name: the thread's name in debuggers.
    """

    def __init__(self, reactor: Any, name: str = "reader") -> None:
        self._reactor = reactor
        self._name = name
        self._calls: SimpleQueue[tuple[Callable[[], Any], Deferred[Any]] | None] = SimpleQueue()
        #: None until the first call.
        self._thread: threading.Thread | None = None
        self._busy = 0
        self._has_ended = False

    def run(self, call: Callable[[], T]) -> Deferred[T]:
        """Make a call; fires with its result on the reactor's thread."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name=self._name, daemon=True)
            self._thread.start()
        self._busy += 1
        made: Deferred[T] = Deferred()
        self._calls.put((call, made))
        return made

    def end(self) -> None:
        """End the thread once its calls are made. A call that hangs keeps no process alive."""
        self._has_ended = True
        self._stop_if_unused()

    def _work(self) -> None:
        while (job := self._calls.get()) is not None:
            call, made = job
            result: Any
            try:
                result = call()
            except BaseException:  # as SystemExit, which would end only this thread
                result = Failure()
            self._reactor.callFromThread(self._give, made, result)
            del job, call, made, result  # a picture is not kept while the thread waits

    def _give(self, made: Deferred[Any], result: Any) -> None:
        self._busy -= 1
        self._stop_if_unused()
        made.callback(result)

    def _stop_if_unused(self) -> None:
        thread = self._thread
        if self._has_ended and not self._busy and thread is not None:
            self._thread = None
            self._calls.put(None)
            thread.join()


def run_in_thread(make_thread: Callable[[], Thread], call: Callable[[], T]) -> Deferred[T]:
    """Make one blocking call on a thread of its own; fires with its result."""
    thread = make_thread()
    made = thread.run(call)
    thread.end()
    return made
