"""A test fails for what it leaves behind: errors that nobody took, and what was never closed.

Trial sees a Deferred's unhandled error when the Deferred is let go of in one of its own tests. Here
the same holds for plain functions, and for what only the garbage collector lets go of: it runs
after each test, over what that test has made.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Generator
from typing import Any

import pytest
from twisted.logger import LogEvent, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase


class LooseEnds:
    """Hears of errors that nobody took; one for the whole run."""

    def __init__(self) -> None:
        self._heard: list[str] = []

    def __call__(self, event: LogEvent) -> None:
        """An event of Twisted's log."""
        if "log_failure" in event:
            self._heard.append(f"logged: {event['log_failure'].getTraceback()}")

    def forget(self) -> None:
        """What was heard so far is somebody else's."""
        self._heard.clear()

    def collect(self) -> None:
        """Let go of all that nothing leads to, and hear what that has to say."""
        usual, sys.unraisablehook = sys.unraisablehook, self._hear_unraisable
        try:
            gc.collect()
        finally:
            sys.unraisablehook = usual

    def taken(self) -> list[str]:
        """What was heard, one text for each; from now on it is forgotten."""
        heard, self._heard = self._heard, []
        return heard

    def _hear_unraisable(self, error: Any) -> None:
        self._heard.append(f"never closed: {error.exc_value!r}")


_ends = LooseEnds()


def pytest_configure() -> None:
    globalLogPublisher.addObserver(_ends)


def pytest_unconfigure() -> None:
    globalLogPublisher.removeObserver(_ends)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol() -> Generator[None, Any, Any]:
    gc.freeze()  # a collection looks at this test's objects alone, and costs next to nothing
    _ends.forget()
    try:
        return (yield)
    finally:
        gc.unfreeze()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.LibraryEntry) -> Generator[None, None, None]:
    yield
    case = getattr(item, "cls", None)
    if case is not None and issubclass(case, SynchronousTestCase):
        _ends.forget()  # trial has judged it, and knows what was expected
    _ends.collect()
    if found := _ends.taken():
        pytest.fail("\n".join(found), pytrace=False)
