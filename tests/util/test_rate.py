"""Rates are what a person would count."""

from __future__ import annotations

import pytest

from twistedcam.util.rate import LateRate, Rate


@pytest.mark.parametrize("fps", [5, 25, 30, 60])
def test_a_steady_rate_reads_as_it_is(fps: int) -> None:
    rate = Rate()
    for tick in range(3 * fps):
        rate.tick(tick / fps)
    assert rate.current(3.0) == pytest.approx(fps, rel=0.01)
    assert rate.average(3.0) == pytest.approx(fps, rel=0.01)


def test_the_rate_falls_to_zero_without_events() -> None:
    rate = Rate()
    for tick in range(30):
        rate.tick(tick / 30)
    assert 10 < rate.current(1.5) < 30
    assert rate.current(3.0) == 0


def test_silence_of_events_that_are_counted_late_is_none() -> None:
    rate = LateRate()
    rate.late = 0.2
    for number in range(70):
        rate.tick(number / 25)
    assert rate.current(2.99) == pytest.approx(25, rel=0.01)
    assert 10 < rate.current(3.4) < 24
    assert rate.current(4.1) == 0
    rate.late = 0.0
    assert rate.current(2.99) < 24
