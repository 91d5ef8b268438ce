"""The end of the process begins once, however often and by whomever it is asked for."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Any

from twisted.internet.error import ReactorNotRunning
from twisted.logger import Logger

log = Logger()

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def stop_once(reactor: Any) -> None:
    """Stop the reactor, unless a signal has stopped it already."""
    with contextlib.suppress(ReactorNotRunning):
        reactor.stop()


def end_once(reactor: Any) -> None:
    """The first signal ends the process in order; those behind it do not disturb that.

    To be called when the reactor runs, by whom the process belongs to: it has its handlers then.
    """
    found: dict[int, Any] = {number: signal.getsignal(number) for number in _SIGNALS}
    begun = threading.Lock()  # taken in one step: a handler can be interrupted by the next signal

    def handle(number: int, frame: FrameType | None) -> None:
        if begun.acquire(blocking=False):
            found[number](number, frame)
        else:
            name = signal.Signals(number).name
            log.info("the end has begun already: {name} changes nothing", name=name)

    def set_all(handler: Any) -> None:
        for number, before in found.items():
            if callable(before):  # what is ignored (nohup) stays so
                signal.signal(number, handler)

    def ignore_all() -> None:
        """Python takes handlers back before the process is over: it would end by a signal."""
        with _held():
            set_all(signal.SIG_IGN)

    set_all(handle)
    reactor.addSystemEventTrigger("before", "shutdown", begun.acquire, blocking=False)
    reactor.addSystemEventTrigger("after", "shutdown", ignore_all)


@contextlib.contextmanager
def _held() -> Iterator[None]:
    """No signal arrives within: one on its way to a handler that goes would be a traceback."""
    if not hasattr(signal, "pthread_sigmask"):  # pragma: no cover - Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)  # those on their way are handled
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
