"""A thread for each opening of a camera, so that one that hangs hangs itself alone."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.threads import deferToThreadPool
from twisted.python.threadpool import ThreadPool

T = TypeVar("T")


class Thread(Protocol):
    """Where blocking calls are made, one after the other."""

    def run(self, call: Callable[[], T]) -> Deferred[T]:
        """Make the call there; its result comes back on the reactor's thread."""

    def end(self) -> None:
        """No more calls will come. What is under way is not waited for."""


class _DaemonPool(ThreadPool):
    """A pool whose threads do not keep a program from ending."""

    @staticmethod
    def threadFactory(**kwargs: Any) -> threading.Thread:  # type: ignore[override]
        return threading.Thread(daemon=True, **kwargs)


class ReaderThread:
    """One real thread.

    Arguments:
        reactor: where results are delivered.
        name: shown by debuggers and ``ps``.
    """

    def __init__(self, reactor: Any, name: str = "reader") -> None:
        self._reactor = reactor
        self._pool = _DaemonPool(0, 1, name)
        self._pool.start()
        self._busy = 0
        self._has_ended = False

    def run(self, call: Callable[[], T]) -> Deferred[T]:
        """Make the call on the thread."""
        self._busy += 1
        made: Deferred[T] = deferToThreadPool(self._reactor, self._pool, call)

        def done(result: Any) -> Any:
            self._busy -= 1
            self._let_go()
            return result

        return made.addBoth(done)

    def end(self) -> None:
        """Let the thread go; one that hangs in a driver is left behind with its call."""
        self._has_ended = True
        self._let_go()

    def _let_go(self) -> None:
        if self._has_ended and not self._busy:
            self._pool.stop()


class InlineThread:
    """Makes every call at once, on the caller's thread: for tests."""

    def run(self, call: Callable[[], T]) -> Deferred[T]:
        """Make the call now."""
        return maybeDeferred(call)

    def end(self) -> None:
        """Nothing to end."""
