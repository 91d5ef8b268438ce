"""Rates are what a person would count."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twistedcam.delivery import FpsLimiter
from twistedcam.util.rate import Rate


@pytest.mark.parametrize("fps", [5, 25, 30, 60])
def test_a_steady_rate_reads_as_it_is(fps: int) -> None:
    rate = Rate()
    for tick in range(3 * fps):
        rate.tick(tick / fps)
    assert rate.current(3.0) == pytest.approx(fps, rel=0.01)
    assert rate.average(3.0) == pytest.approx(fps, rel=0.01)


def test_silence_brings_it_down_to_nothing() -> None:
    rate = Rate()
    for tick in range(30):
        rate.tick(tick / 30)
    assert 10 < rate.current(1.5) < 30
    assert rate.current(3.0) == 0


@given(st.integers(1, 60), st.integers(1, 60))
def test_a_throttle_gives_what_was_asked_and_never_more(camera_fps: int, asked: int) -> None:
    throttle, taken = FpsLimiter(asked), 0
    seconds = 20
    for number in range(seconds * camera_fps):
        time_us = 10**15 + round(number * 1e6 / camera_fps)
        if throttle.admits(time_us):
            throttle.note(time_us)
            taken += 1
    expected = min(asked, camera_fps) * seconds
    assert expected * 0.9 - 1 <= taken <= expected + 2


@given(st.integers(-(10**12), 10**12), st.integers(1, 60))
def test_a_step_of_the_clock_costs_a_throttle_one_period_at_most(step: int, asked: int) -> None:
    throttle, camera_fps = FpsLimiter(asked), 30
    period = max(1 / asked, 1 / camera_fps)
    last = None
    for number in range(120 * camera_fps):
        seconds = number / camera_fps
        time_us = 10**15 + round(seconds * 1e6) + (step if 40 <= seconds < 80 else 0)
        if throttle.admits(time_us):
            throttle.note(time_us)
            assert last is None or seconds - last < 2 * period + 2 / camera_fps
            last = seconds
    assert last is not None and last > 115


def test_no_limit_takes_all() -> None:
    throttle = FpsLimiter(None)
    assert all(throttle.admits(time) for time in (5, 5, 4, 0))
