"""The waits between attempts."""

from __future__ import annotations

from twistedcam.runtime.backoff import Backoff


def test_each_wait_is_longer_up_to_the_longest() -> None:
    backoff = Backoff(0.5, 10)
    assert [backoff.next() for _ in range(7)] == [0.5, 1, 2, 4, 8, 10, 10]


def test_a_success_resets_the_waits() -> None:
    backoff = Backoff(1, 30)
    backoff.next()
    backoff.next()
    backoff.reset()
    assert [backoff.next(), backoff.next()] == [1, 2]


def test_the_number_of_failures_may_be_counted_elsewhere() -> None:
    backoff = Backoff(0.25, 8)
    assert [backoff.after(failures) for failures in (1, 2, 6, 7, 10**6)] == [0.25, 0.5, 8, 8, 8]
    assert backoff.next() == 0.25


def test_waits_of_several_clients_differ_within_their_spread() -> None:
    waits = {Backoff(10, 10, factor=1.7, spread=0.3).next() for _ in range(200)}
    assert len(waits) > 1
    assert 7 <= min(waits) < 8 and 12 < max(waits) <= 13
