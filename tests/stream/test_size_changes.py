"""Lasting changes of a picture's size."""

from __future__ import annotations

from twistedcam.stream.size_changes import APART, PICTURES, SETTLED, SizeChanges

SMALL, LARGE = (320, 240), (640, 480)


def feed(
    sizes: SizeChanges, size: tuple[int, int], start: int, count: int, step: int
) -> list[bool]:
    """Return whether the size has settled at each of some pictures."""
    return [sizes.has_settled(size, start + number * step) for number in range(count)]


def test_a_size_settles_after_some_pictures_and_some_time() -> None:
    slow = feed(SizeChanges(), SMALL, 0, PICTURES, SETTLED)
    assert slow == [False] * (PICTURES - 1) + [True]  # enough time; the pictures were too few
    fast = feed(SizeChanges(), SMALL, 0, 11, SETTLED // 10)
    assert fast == [False] * 10 + [True]  # enough pictures; the time was too short


def test_another_size_begins_anew() -> None:
    sizes = SizeChanges()
    assert not any(feed(sizes, SMALL, 0, 2, SETTLED))
    assert feed(sizes, LARGE, 2 * SETTLED, 3, SETTLED) == [False, False, True]


def test_a_return_to_the_current_size_begins_anew() -> None:
    sizes = SizeChanges()
    assert not any(feed(sizes, SMALL, 0, 2, SETTLED))
    sizes.returned(2 * SETTLED)
    assert feed(sizes, SMALL, 3 * SETTLED, 3, SETTLED) == [False, False, True]


def test_two_changes_are_some_time_apart() -> None:
    sizes = SizeChanges()
    assert feed(sizes, SMALL, 0, 3, SETTLED)[-1]
    sizes.changed(2 * SETTLED)
    last = 2 * SETTLED + APART
    assert not any(feed(sizes, LARGE, last - 5 * SETTLED, 5, SETTLED))
    assert sizes.has_settled(LARGE, last)


def test_a_size_may_settle_again_some_time_after_a_change_or_a_return() -> None:
    sizes = SizeChanges()
    assert sizes.may_settle(0)
    sizes.changed(100)
    assert not sizes.may_settle(100 + APART - 1)
    assert sizes.may_settle(100 + APART)
    sizes.returned(200 + APART)  # there was no other size: nothing returns
    assert sizes.may_settle(200 + APART)
    sizes.has_settled(SMALL, 300 + APART)
    sizes.returned(400 + APART)
    assert not sizes.may_settle(400 + 2 * APART - 1)
    assert sizes.may_settle(400 + 2 * APART)
