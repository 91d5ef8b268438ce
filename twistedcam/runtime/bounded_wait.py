"""Waits for something, but not without end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

log = Logger()


def wait_at_most(
    waiting: Deferred[Any],
    seconds: float,
    clock: IReactorTime,
    on_late: Callable[[], object] = lambda: None,
) -> Deferred[Any]:
    """Return a Deferred that fires with the result, or with None when it takes too long.

    What takes too long goes on. ``Deferred.addTimeout`` would cancel it, and a list of Deferreds
    would cancel each of its own, whose errors nobody takes.

    Arguments:
        on_late: called when it takes too long.
    """
    done: Deferred[Any] = Deferred()

    def give_up() -> None:
        on_late()
        done.callback(None)

    limit = clock.callLater(seconds, give_up)

    def ended(result: Any) -> None:
        if limit.active():
            limit.cancel()
            done.callback(result)
        elif isinstance(result, Failure):
            log.failure("what was no longer waited for has failed", failure=result)

    waiting.addBoth(ended)
    return done
