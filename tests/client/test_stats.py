"""What a viewer measures."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from client.stats import FrameAges


@given(st.lists(st.floats(0, 10), min_size=1), st.integers(1, 20), st.floats(0, 1))
def test_percentiles_are_those_of_the_last_ages(came: list[float], most: int, share: float) -> None:
    ages = FrameAges(most)
    for age in came:
        ages.add(age)
    last = sorted(came[-most:])
    assert ages.percentile(share) == last[min(len(last) - 1, int(share * len(last)))]


def test_without_any_there_is_no_percentile() -> None:
    assert FrameAges().percentile(0.5) is None
