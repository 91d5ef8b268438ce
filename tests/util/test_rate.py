"""Rates are what a person would count."""

from __future__ import annotations

import pytest

from twistedcam.util.rate import GroupedRate, Rate


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


def test_events_that_come_late_together_are_counted_as_those_that_come_alone() -> None:
    rate = GroupedRate()
    rate.late = 0.25
    for number in range(15):  # five pictures every fifth of a second
        for picture in range(5):
            rate.tick(number / 5 + picture / 10_000)
    assert rate.current(2.81) == pytest.approx(25, rel=0.01)
    assert rate.current(3.0) == pytest.approx(25, rel=0.01)
    assert 10 < rate.current(3.4) < 24
    assert rate.current(4.1) == 0
    rate.late = 0.0
    assert rate.current(3.0) < 24
