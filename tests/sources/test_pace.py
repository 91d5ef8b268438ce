"""Waiting until a picture is due, on a clock that moves only while somebody waits."""

from __future__ import annotations

import threading
from types import SimpleNamespace

import pytest

from twistedcam.sources.pace import Pace, Ticker


class Time:
    """A clock; ``waits`` has the seconds of each wait."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.waits: list[float] = []

    def wait(self, delay: float) -> bool:
        self.waits.append(round(delay, 6))
        self.now += delay
        return False


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Time:
    clock = Time()

    class Event(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            return self.is_set() or clock.wait(timeout or 0)

    fake = "twistedcam.sources.pace"
    monkeypatch.setattr(f"{fake}.time", SimpleNamespace(monotonic=lambda: clock.now))
    monkeypatch.setattr(f"{fake}.threading", SimpleNamespace(Event=Event))
    return clock


def test_a_wait_ends_when_it_is_due(clock: Time) -> None:
    pace = Pace()
    assert pace.wait_until(1000.5)
    assert pace.wait_until(1000.5)  # it is due already
    assert pace.wait_until(900)
    assert clock.waits == [0.5]


def test_a_stopped_pace_does_not_wait(clock: Time) -> None:
    pace = Pace()
    pace.stop()
    assert not pace.wait_until(2000) and not pace.wait_until(0)
    assert clock.waits == []


def test_stop_ends_a_wait() -> None:
    pace = Pace()
    results: list[bool] = []
    thread = threading.Thread(target=lambda: results.append(pace.wait_until(float("1e6"))))
    thread.start()
    pace.stop()
    thread.join(10)
    assert results == [False]


def test_ticks_do_not_drift(clock: Time) -> None:
    ticker = Ticker(10)
    assert ticker.wait()
    clock.now += 0.03  # the work for a picture
    assert ticker.wait()
    clock.now += 0.13  # too much work, by less than a period: the next is due at once
    assert ticker.wait() and ticker.wait()
    assert clock.waits == [0.07, 0.07]


def test_whole_periods_are_left_out_after_a_long_delay(clock: Time) -> None:
    ticker = Ticker(10)
    assert ticker.wait()
    clock.now += 0.55
    assert ticker.wait()  # the tick of 0.5
    assert ticker.wait()
    assert clock.waits == [0.05]


def test_a_stopped_ticker_does_not_tick(clock: Time) -> None:
    ticker = Ticker(10)
    ticker.stop()
    assert not ticker.wait()
