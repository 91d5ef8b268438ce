"""A thread for each opening of a camera, so that one that hangs hangs itself alone."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, Protocol, TypeVar

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.python.failure import Failure

T = TypeVar("T")


class Thread(Protocol):
    """Where blocking calls are made, one after the other."""

    def run(self, call: Callable[[], T]) -> Deferred[T]:
        """Make the call there; its result comes back on the reactor's thread."""

    def end(self) -> None:
        """No more calls will come. What is under way is not waited for."""


class ReaderThread:
    """One real thread, which does not keep a program from ending.

    Every frame of a camera and of a recording comes through here. A thread pool of Twisted's would
    take a seventh of the processor time of capture, for choices that one thread does not have.

    Arguments:
        reactor: where results are delivered.
        name: shown by debuggers.
    """

    def __init__(self, reactor: Any, name: str = "reader") -> None:
        self._reactor = reactor
        self._calls: SimpleQueue[tuple[Callable[[], Any], Deferred[Any]] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()
        self._busy = 0

    def run(self, call: Callable[[], T]) -> Deferred[T]:
        """Make the call on the thread."""
        made: Deferred[T] = Deferred()
        self._busy += 1
        self._calls.put((call, made))
        return made

    def end(self) -> None:
        """Let the thread go; one that hangs in a driver is left behind with its call."""
        self._calls.put(None)
        if not self._busy:
            self._thread.join()

    def _work(self) -> None:
        """On the thread."""
        while (task := self._calls.get()) is not None:
            self._make(*task)
            del task  # or it would be kept until the next call

    def _make(self, call: Callable[[], T], made: Deferred[T]) -> None:
        try:
            result = call()
        except BaseException:  # whatever it is, somebody waits
            self._reactor.callFromThread(self._done, made.errback, Failure())
        else:
            self._reactor.callFromThread(self._done, made.callback, result)

    def _done(self, tell: Callable[[Any], None], result: Any) -> None:
        self._busy -= 1
        tell(result)


class InlineThread:
    """Makes every call at once, on the caller's thread: for tests."""

    def run(self, call: Callable[[], T]) -> Deferred[T]:
        """Make the call now."""
        return maybeDeferred(call)

    def end(self) -> None:
        """Nothing to end."""
