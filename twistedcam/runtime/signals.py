"""Signals that ask for the end of the process: while it is loaded, and while it runs."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Any

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_DEFAULTS = (signal.SIG_DFL, signal.default_int_handler)


class EarlySignals:
    """Keeps the first signal that asks for the end until somebody can end in order.

    Loading takes most of a second, in which a signal would be a traceback or a kill. One that is
    ignored (``nohup``) stays ignored, and the second one ends the program as it always would: it
    may hang in what it loads.
    """

    def __init__(self) -> None:
        #: Whether the end was asked for.
        self.came = False
        self._before = {each: signal.getsignal(each) for each in _SIGNALS}
        self._before = {key: each for key, each in self._before.items() if each in _DEFAULTS}
        for each in self._before:
            signal.signal(each, self._keep)

    def give_back(self) -> None:
        """Have things as they were, but let no signal in before ``let_in``.

        For the moment in which somebody else takes them: they come late, and none is lost.
        """
        if sys.platform != "win32":
            signal.pthread_sigmask(signal.SIG_BLOCK, self._before)
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def let_in(self) -> None:
        """Let in what has come since ``give_back``, and what will come."""
        if sys.platform != "win32":
            signal.pthread_sigmask(signal.SIG_UNBLOCK, self._before)

    def _keep(self, number: int, frame: FrameType | None) -> None:
        if self.came:
            for each, handler in self._before.items():
                signal.signal(each, handler)
            signal.raise_signal(number)
        self.came = True


def stop_once(reactor: Any) -> None:
    """Stop the reactor, unless a signal has stopped it already."""
    from twisted.internet.error import ReactorNotRunning

    with contextlib.suppress(ReactorNotRunning):
        reactor.stop()


def end_once(reactor: Any) -> None:
    """The first signal ends the process in order; those behind it do not disturb that.

    To be called when the reactor runs, by whom the process belongs to: it has its handlers then.
    """
    found: dict[int, Any] = {number: signal.getsignal(number) for number in _SIGNALS}
    found = {number: handler for number, handler in found.items() if callable(handler)}  # nohup
    begun = threading.Lock()  # taken in one step: a handler can be interrupted by the next signal

    def handle(number: int, frame: FrameType | None) -> None:
        if begun.acquire(blocking=False):
            found[number](number, frame)

    def ignore() -> None:
        with _no_word_of_a_race():
            for number in found:
                signal.signal(number, signal.SIG_IGN)

    _be_silent_when_woken_enough()
    for number in found:
        signal.signal(number, handle)
    reactor.addSystemEventTrigger("before", "shutdown", begun.acquire, blocking=False)
    # Python takes handlers back before the process is over: what ended well would end by a signal.
    reactor.addSystemEventTrigger("after", "shutdown", ignore)


def _be_silent_when_woken_enough() -> None:
    """Signals wake the reactor through a pipe. Python must not report that it is full.

    It would take a lock for that in the signal's own handler, and stand still for ever when the
    next signal comes just then.
    """
    pipe = signal.set_wakeup_fd(-1)
    signal.set_wakeup_fd(pipe, warn_on_full_buffer=False)


@contextlib.contextmanager
def _no_word_of_a_race() -> Iterator[None]:
    """A signal on its way to a handler that is given up meanwhile is a traceback to Python."""
    before, sys.unraisablehook = sys.unraisablehook, lambda told: None
    try:
        yield
    finally:
        sys.unraisablehook = before
