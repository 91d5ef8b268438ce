"""The end of the process begins once, however often and by whomever it is asked for."""

from __future__ import annotations

import contextlib
import signal
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
    has_begun = False

    def begin() -> None:
        nonlocal has_begun
        has_begun = True

    def handle(number: int, frame: FrameType | None) -> None:
        name = signal.Signals(number).name
        if has_begun:  # by one that came between two steps of this handler, perhaps
            log.info("the end has begun already: {name} changes nothing", name=name)
            return
        begin()
        found[number](number, frame)

    def set_all(handler: Any) -> None:
        for number, before in found.items():
            if callable(before):  # what is ignored (nohup) stays so
                signal.signal(number, handler)

    set_all(handle)
    reactor.addSystemEventTrigger("before", "shutdown", begin)
    # Python takes handlers back before the process is over: what ended well would end by a signal.
    reactor.addSystemEventTrigger("after", "shutdown", set_all, signal.SIG_IGN)
