"""Threads for blocking calls. A call that hangs blocks its own thread only."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThreadPool
from twisted.python.threadpool import ThreadPool

T = TypeVar("T")


class _DaemonPool(ThreadPool):
    """A pool whose threads do not keep the process alive."""

    @staticmethod
    def threadFactory(**kwargs: Any) -> threading.Thread:  # type: ignore[override]
        return threading.Thread(daemon=True, **kwargs)


class Thread:
    """A daemon thread that makes blocking calls, one after the other.

    Arguments:
        reactor: receives the results.
        name: the thread's name in debuggers and ``ps``.
    """

    def __init__(self, reactor: Any, name: str = "reader") -> None:
        self._reactor = reactor
        self._pool = _DaemonPool(0, 1, name)
        self._pool.start()
        self._busy = 0
        self._has_ended = False

    def run(self, call: Callable[[], T]) -> Deferred[T]:
        """Make a call; fires with its result on the reactor's thread."""
        self._busy += 1
        made: Deferred[T] = deferToThreadPool(self._reactor, self._pool, call)

        def done(result: Any) -> Any:
            self._busy -= 1
            self._stop_if_unused()
            return result

        return made.addBoth(done)

    def end(self) -> None:
        """End the thread once its calls are made. A call that hangs keeps no process alive."""
        self._has_ended = True
        self._stop_if_unused()

    def _stop_if_unused(self) -> None:
        if self._has_ended and not self._busy:
            self._pool.stop()


def run_in_thread(make_thread: Callable[[], Thread], call: Callable[[], T]) -> Deferred[T]:
    """Make one blocking call on a thread of its own; fires with its result."""
    thread = make_thread()
    made = thread.run(call)
    thread.end()
    return made
