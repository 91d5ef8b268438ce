"""Times of decoding: they increase, and are never after those of presentation."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twistedcam.sources.rtsp.decode_times import DecodeTimes


def decoded(times: DecodeTimes, shown: list[float]) -> list[float]:
    return [each - times.delay_of(each) for each in shown]


def test_without_reordering_they_are_those_of_presentation() -> None:
    assert decoded(DecodeTimes(0), [1.0, 1.04, 1.08]) == [1.0, 1.04, 1.08]


def test_with_b_frames_they_increase_steadily() -> None:
    shown = [0, 4, 2, 1, 3, 8, 6, 5, 7]
    found = decoded(DecodeTimes(2, 1.0), [float(each) for each in shown])
    assert found == [-2, -1, 0, 1, 2, 3, 4, 5, 6]


@given(st.integers(1, 4), st.lists(st.floats(0.001, 0.4), min_size=20, max_size=40))
def test_they_increase_for_pictures_at_any_rate(reorder: int, steps: list[float]) -> None:
    shown = [sum(steps[: n + 1]) for n in range(len(steps))]
    order = shown[:1]
    for start in range(1, len(shown) - reorder, reorder + 1):
        group = shown[start : start + reorder + 1]
        order += [group[-1], *group[:-1]]
    found = decoded(DecodeTimes(reorder), order)
    assert all(b > a for a, b in itertools.pairwise(found))
    assert all(a <= b for a, b in zip(found, order, strict=True))


def test_a_picture_that_comes_too_late_is_refused_and_can_be_allowed_for() -> None:
    times = DecodeTimes(0)
    times.delay_of(1.0)
    times.delay_of(1.12)
    with pytest.raises(ValueError, match="order"):
        times.delay_of(1.04)
    times.restart(1, 0.04)
    assert times.reorder == 1
    found = decoded(times, [1.2, 1.28, 1.24, 1.36, 1.32])
    assert found == pytest.approx([1.16, 1.2, 1.24, 1.28, 1.32])


def test_after_a_gap_a_key_frame_is_decoded_shortly_before_it_is_shown() -> None:
    times = DecodeTimes(2, 0.04)
    decoded(times, [0.0, 0.12, 0.04, 0.08])
    times.begin_group(0.16)  # no gap: pictures of two groups may be mixed
    assert times.delay_of(0.16) == pytest.approx(0.08)
    times.begin_group(3.0)
    found = decoded(times, [3.0, 3.12, 3.04, 3.08])
    assert found == pytest.approx([2.92, 2.96, 3.0, 3.04])


def test_equal_times_are_no_error() -> None:
    assert decoded(DecodeTimes(0), [1.0, 1.0, 1.0]) == pytest.approx([1.0, 1.0, 1.0])


def test_a_clock_that_was_set_back_is_followed() -> None:
    for reorder in (0, 2):
        times = DecodeTimes(reorder, 0.04)
        decoded(times, [1000.0, 1000.04, 1000.08])
        assert decoded(times, [10.0])[0] == pytest.approx(10 - 0.04 * reorder)
