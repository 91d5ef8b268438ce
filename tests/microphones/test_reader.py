"""A card whose clock is wrong gives sound that stays with the host's clock."""

from __future__ import annotations

import pytest

from tests.support.sound_card import SoundCard, heard_clicks


@pytest.mark.parametrize("gather", [False, True])
@pytest.mark.parametrize("ppm", [800, -800])
def test_there_is_no_drift(ppm: float, gather: bool) -> None:
    found = heard_clicks(SoundCard(75, ppm), gather=gather)  # 60 ms of drift
    assert len(found) >= 72
    assert max(abs(at - round(at)) for at in found) < 0.006


def test_times_of_another_clock_are_brought_to_the_host_s() -> None:
    found = heard_clicks(SoundCard(5, 0, channels=2, epoch=1_000.0))
    assert found == pytest.approx([1.0, 2.0, 3.0, 4.0], abs=0.012)


def test_a_click_is_where_it_was() -> None:
    assert heard_clicks(SoundCard(4, 0)) == pytest.approx([1.0, 2.0, 3.0], abs=0.006)
