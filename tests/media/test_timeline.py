"""Times in a recording are those of capture, and go on when the clock is set."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from twistedcam.media.timeline import Timeline

STEPS = st.lists(st.integers(1, 20_000_000), min_size=1, max_size=50)


@given(STEPS, st.lists(st.floats(0, 0.5), min_size=60, max_size=60))
def test_intervals_are_kept_to_the_microsecond(steps: list[int], ages: list[float]) -> None:
    line, captured, placed = Timeline(), 10**15, []
    for step, age in zip(steps, ages, strict=False):
        captured += step
        placed.append(line.place(captured, captured / 1e6 + age))
    assert [b - a for a, b in pairwise(placed)] == steps[1:]


@given(st.lists(st.tuples(st.integers(-(10**13), 10**13), st.floats(0, 10)), max_size=50))
def test_time_never_goes_backwards(jumps: list[tuple[int, float]]) -> None:
    line, captured, arrival, placed = Timeline(), 10**15, 0.0, []
    for jump, passed in jumps:
        captured += jump
        arrival += passed
        placed.append(line.place(captured, arrival))
    assert all(a < b for a, b in pairwise(placed))


def test_a_clock_that_is_set_back_loses_no_time() -> None:
    line = Timeline()
    line.place(10_000_000, 100.0)
    line.place(10_100_000, 100.1)
    after = line.place(4_000_000, 100.2)
    assert after == 10_200_000
    assert line.place(4_100_000, 100.3) == after + 100_000


def test_a_clock_that_is_set_forward_by_hours_makes_no_gap() -> None:
    line = Timeline()
    line.place(10_000_000, 100.0)
    assert line.place(10_000_000 + 7200 * 10**6, 100.25) == 10_250_000


def test_a_stall_is_a_gap() -> None:
    line = Timeline()
    line.place(10_000_000, 100.0)
    assert line.place(100_000_000, 190.0) == 100_000_000


def test_now_is_measured_from_the_last_frame() -> None:
    line = Timeline()
    assert line.at(5.0) is None
    line.place(10_000_000, 100.0)
    assert line.at(103.5) == 13_500_000
    assert line.at(99.0) == 10_000_000
