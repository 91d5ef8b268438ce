"""The program starts again with its arguments, once the reactor has stopped."""

from __future__ import annotations

import signal
import sys

from twisted.internet.testing import MemoryReactorClock

from twistedcam.runtime.restart import Restart


class CountingReactor(MemoryReactorClock):
    stops = 0

    def stop(self) -> None:
        self.stops += 1


def test_it_stops_the_reactor_once_and_starts_the_same_command() -> None:
    started: list[tuple[str, list[str]]] = []
    reactor = CountingReactor()
    before = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)}
    restart = Restart(reactor, lambda path, words: started.append((path, words)))  # type: ignore[arg-type, return-value]
    try:
        restart.execute()
        assert not started
        restart.request()
        restart.request()
        assert reactor.stops == 0  # the answer is sent first
        reactor.advance(1)
        assert reactor.stops == 1
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        restart.execute()
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    assert started == [(sys.executable, [sys.executable, *sys.orig_argv[1:]])]
