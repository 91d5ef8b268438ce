"""A lasting change of a picture's size, and sizes that change all the time."""

from __future__ import annotations

from twistedcam.stream.size_changes import MIN_DISTANCE, PICTURES, SETTLED, SizeChanges

SIZE, OTHER = (640, 480), (320, 240)


def test_a_size_lasts_after_some_pictures_and_some_time() -> None:
    sizes = SizeChanges()
    assert [sizes.has_settled(SIZE, 0) for _ in range(PICTURES + 1)] == [False] * (PICTURES + 1)
    assert sizes.has_settled(SIZE, SETTLED)


def test_time_alone_is_not_enough() -> None:
    sizes = SizeChanges()
    assert not sizes.has_settled(SIZE, 0)
    assert not sizes.has_settled(SIZE, 10 * SETTLED)
    assert sizes.has_settled(SIZE, 10 * SETTLED + 1)


def test_another_size_begins_anew() -> None:
    sizes = SizeChanges()
    for _ in range(PICTURES):
        sizes.has_settled(SIZE, 0)
    assert not sizes.has_settled(OTHER, SETTLED)
    assert not sizes.has_settled(SIZE, SETTLED)


def test_a_return_of_the_size_begins_anew_and_is_remembered() -> None:
    sizes = SizeChanges()
    sizes.has_settled(SIZE, 0)
    sizes.returned(1)
    assert not sizes.may_settle(MIN_DISTANCE)
    assert sizes.may_settle(MIN_DISTANCE + 1)
    sizes.has_settled(SIZE, 2)
    assert not sizes.has_settled(SIZE, SETTLED + 2)


def test_two_changes_are_apart() -> None:
    sizes = SizeChanges()
    sizes.changed(0)
    for time in (MIN_DISTANCE - SETTLED - 2, MIN_DISTANCE - SETTLED - 1, MIN_DISTANCE - 1):
        assert not sizes.has_settled(OTHER, time)
    assert not sizes.may_settle(MIN_DISTANCE - 1)
    assert sizes.has_settled(OTHER, MIN_DISTANCE)


def test_a_picture_of_the_current_size_is_no_return() -> None:
    sizes = SizeChanges()
    sizes.returned(0)
    assert sizes.may_settle(0)
