"""The limit of a viewer's frames per second, and the end of a viewer that is gone."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from twistedcam.delivery import FpsLimiter


@given(st.integers(1, 60), st.integers(1, 60))
def test_a_limiter_admits_the_requested_rate_and_never_more(camera_fps: int, asked: int) -> None:
    limiter, taken = FpsLimiter(asked), 0
    seconds = 20
    for number in range(seconds * camera_fps):
        time_us = 10**15 + round(number * 1e6 / camera_fps)
        if limiter.admits(time_us):
            limiter.note(time_us)
            taken += 1
    expected = min(asked, camera_fps) * seconds
    assert expected * 0.9 - 1 <= taken <= expected + 2


@given(st.integers(-(10**12), 10**12), st.integers(1, 60))
def test_a_step_of_the_clock_delays_a_limiter_by_one_period_at_most(step: int, asked: int) -> None:
    limiter, camera_fps = FpsLimiter(asked), 30
    period = max(1 / asked, 1 / camera_fps)
    last = None
    for number in range(120 * camera_fps):
        seconds = number / camera_fps
        time_us = 10**15 + round(seconds * 1e6) + (step if 40 <= seconds < 80 else 0)
        if limiter.admits(time_us):
            limiter.note(time_us)
            assert last is None or seconds - last < 2 * period + 2 / camera_fps
            last = seconds
    assert last is not None and last > 115


def test_without_a_limit_all_frames_are_admitted() -> None:
    limiter = FpsLimiter(None)
    assert all(limiter.admits(time) for time in (5, 5, 4, 0))
