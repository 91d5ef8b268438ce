"""A delayed call is made once, moved or cancelled."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest
from twisted.internet.task import Clock

from twistedcam.runtime.timer import Timer


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def timer(clock: Clock) -> Timer:
    return Timer(clock)


@pytest.fixture
def no_collector() -> Iterator[None]:
    gc.disable()
    yield
    gc.enable()


def test_it_makes_the_call_once(clock: Clock, timer: Timer) -> None:
    made: list[int] = []
    timer.start(2, made.append, 7)
    clock.advance(1.9)
    assert (made, timer.is_pending) == ([], True)
    clock.advance(0.1)
    assert (made, timer.is_pending, clock.getDelayedCalls()) == ([7], False, [])


def test_a_second_start_moves_the_call(clock: Clock, timer: Timer) -> None:
    made: list[str] = []
    timer.start(2, made.append, "first")
    clock.advance(1)
    timer.start(2, made.append, "second")
    clock.advance(1.9)
    assert made == []
    clock.advance(0.1)
    assert made == ["second"]


def test_several_changes_cause_one_call(clock: Clock, timer: Timer) -> None:
    times: list[float] = []
    for _ in range(5):
        timer.start_unless_pending(1, lambda: times.append(clock.seconds()))
        clock.advance(0.2)
    assert times == [1]
    timer.start_unless_pending(1, lambda: times.append(clock.seconds()))
    clock.advance(1)
    assert times == [1, 2]


def test_a_cancelled_call_is_not_made(clock: Clock, timer: Timer) -> None:
    made: list[int] = []
    timer.cancel()  # no call is pending
    timer.start(1, made.append, 1)
    timer.cancel()
    clock.advance(2)
    assert (made, timer.is_pending, clock.getDelayedCalls()) == ([], False, [])


def test_the_call_may_start_the_timer_again(clock: Clock, timer: Timer) -> None:
    times: list[float] = []

    def look() -> None:
        times.append(clock.seconds())
        timer.start(1, look)

    timer.start(1, look)
    clock.pump([1, 1, 1])
    assert (times, timer.is_pending) == ([1, 2, 3], True)


class Owner:
    def __init__(self, clock: Clock) -> None:
        self.timer = Timer(clock)

    def call(self) -> None:
        pass


@pytest.mark.parametrize("ends", ["cancelled", "made"])
def test_its_owner_is_freed_at_once(clock: Clock, no_collector: None, ends: str) -> None:
    owner = Owner(clock)
    owner.timer.start(1, owner.call)
    if ends == "cancelled":
        owner.timer.cancel()
    clock.advance(1)
    freed = weakref.ref(owner)
    del owner
    assert freed() is None
