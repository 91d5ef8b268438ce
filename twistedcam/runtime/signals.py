"""SIGINT and SIGTERM while the program is loaded and while it runs."""

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
    """Records the first SIGINT or SIGTERM until the program can end cleanly.

    Loading takes most of a second, in which a signal would cause a traceback or kill the program.
    Ignored signals (``nohup``) stay ignored. The second signal has its usual effect: loading
    may hang.
    """

    def __init__(self) -> None:
        #: True if a signal was received.
        self.is_end_requested = False
        self._before = {each: signal.getsignal(each) for each in _SIGNALS}
        self._before = {key: each for key, each in self._before.items() if each in _DEFAULTS}
        for each in self._before:
            signal.signal(each, self._keep)

    def release(self) -> None:
        """Restore the previous handlers, and block the signals until ``unblock``.

        No signal is lost while the reactor installs its own handlers.
        """
        if sys.platform != "win32":
            signal.pthread_sigmask(signal.SIG_BLOCK, self._before)
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def unblock(self) -> None:
        """Deliver the signals received since ``release``, and those that follow."""
        if sys.platform != "win32":
            signal.pthread_sigmask(signal.SIG_UNBLOCK, self._before)

    def _keep(self, number: int, frame: FrameType | None) -> None:
        if self.is_end_requested:
            for each, handler in self._before.items():
                signal.signal(each, handler)
            signal.raise_signal(number)
        self.is_end_requested = True


def stop_reactor(reactor: Any) -> None:
    """Stop the reactor, unless it is stopped already."""
    from twisted.internet.error import ReactorNotRunning

    with contextlib.suppress(ReactorNotRunning):
        reactor.stop()


def ignore_repeated_signals(reactor: Any) -> None:
    """End the process cleanly at the first signal, and ignore those that follow.

    A program calls this when the reactor runs and has installed its handlers.
    """
    found: dict[int, Any] = {number: signal.getsignal(number) for number in _SIGNALS}
    found = {number: handler for number, handler in found.items() if callable(handler)}  # nohup
    stopping = threading.Lock()  # atomic: the next signal can interrupt a handler

    def handle(number: int, frame: FrameType | None) -> None:
        if stopping.acquire(blocking=False):
            found[number](number, frame)

    def ignore() -> None:
        with _without_race_report():
            for number in found:
                signal.signal(number, signal.SIG_IGN)

    _disable_wakeup_warning()
    for number in found:
        signal.signal(number, handle)
    reactor.addSystemEventTrigger("before", "shutdown", stopping.acquire, blocking=False)
    # Python restores the default handlers at exit: a late signal would change the exit status.
    reactor.addSystemEventTrigger("after", "shutdown", ignore)


def _disable_wakeup_warning() -> None:
    """Keep Python from reporting that the pipe is full by which signals wake the reactor.

    The report takes a lock in the signal handler, which deadlocks if another signal interrupts it.
    """
    pipe = signal.set_wakeup_fd(-1)
    signal.set_wakeup_fd(pipe, warn_on_full_buffer=False)


@contextlib.contextmanager
def _without_race_report() -> Iterator[None]:
    """Suppress Python's traceback of a signal whose handler is removed before it has run."""
    before, sys.unraisablehook = sys.unraisablehook, lambda _: None
    try:
        yield
    finally:
        sys.unraisablehook = before
