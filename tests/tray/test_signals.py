"""The tray ends when it is told to, whatever the main thread is doing."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from tests.support.process import PATIENCE, wait_for
from tray.signals import SIGNALS, on_signal


@pytest.mark.parametrize("sign", SIGNALS)
def test_a_signal_calls_and_all_is_as_before_afterwards(sign: signal.Signals) -> None:
    before = [signal.getsignal(each) for each in SIGNALS]
    threads = threading.active_count()
    called = threading.Event()
    with on_signal(called.set):
        os.kill(os.getpid(), sign)
        assert called.wait(PATIENCE)
    assert [signal.getsignal(each) for each in SIGNALS] == before
    assert threading.active_count() == threads
    assert signal.set_wakeup_fd(-1) == -1


def test_a_thread_hears_it_while_the_main_thread_may_be_away_from_python() -> None:
    names: list[str] = []
    with on_signal(lambda: names.append(threading.current_thread().name)):
        os.kill(os.getpid(), signal.SIGTERM)
        wait_for(lambda: "tray signals" in names, "the thread")
