"""Times of samples: without jitter, and on the host's clock, whatever the card's clock does."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

import pytest

from twistedcam.microphones.sample_clock import SampleClock

START = 1_700_000_000.0
PIECE = 0.02


def errors(
    seconds: float,
    ppm: float = 0.0,
    disturb: Callable[[int, float], float] = lambda number, stamp: stamp,
    late: Callable[[int], float] = lambda number: 0.0,
) -> Iterator[tuple[float, float]]:
    """Yield the seconds since the start, and the error of the time of each piece that has one.

    Arguments:
        disturb: changes the driver's time of a piece, which is given by its number.
        late: the seconds by which a piece is read later than others.
    """
    noise, clock = random.Random(1), SampleClock(48_000)
    for number in range(round(seconds / PIECE)):
        true = START + number * PIECE * (1 + ppm * 1e-6)
        stamp = disturb(number, true + noise.uniform(-0.003, 0.003))
        time = clock.time_of(stamp, round(48_000 * PIECE), true + PIECE + 0.005 + late(number))
        if time is not None:
            yield true - START, time - true


@pytest.mark.parametrize("ppm", [0, 100, -100, 500])
def test_a_card_s_clock_is_followed_within_a_millisecond(ppm: float) -> None:
    found = list(errors(120, ppm))
    assert max(abs(error) for _, error in found) < 0.006
    assert max(abs(error) for at, error in found if at > 20) < 0.001


def test_the_pace_of_the_card_is_known() -> None:
    clock = SampleClock(48_000)
    for number in range(6_000):
        stamp = START + number * PIECE * 1.0001
        clock.time_of(stamp, 960, stamp + 0.025)
    assert clock.pace == pytest.approx(1e-4, abs=1e-5)


def test_the_first_times_are_not_used() -> None:
    def rush(number: int, stamp: float) -> float:
        return stamp + max(0.0, 0.3 - number * 0.005)  # late at first, then less and less

    found = list(errors(10, disturb=rush))
    assert found[0][0] > 0.95
    assert max(abs(error) for _, error in found) < 0.02


def test_times_that_never_agree_are_used_in_the_end() -> None:
    found = list(errors(6, disturb=lambda number, stamp: stamp + 0.05 * (number % 2)))
    assert 3.5 < found[0][0] < 4.5


def test_a_reader_that_is_held_up_changes_little() -> None:
    found = list(errors(30, disturb=lambda n, stamp: stamp + (0.08 if n % 50 == 0 else 0.0)))
    assert max(abs(error) for at, error in found if at > 5) < 0.002


@pytest.mark.parametrize("wrong", [0.04, 0.1, 0.3])
def test_a_delay_that_is_guessed_while_the_reader_is_held_up_is_not_believed(wrong: float) -> None:
    """PulseAudio's guesses were up to 120 ms wrong after a reader had not run for a second.

    Arguments:
        wrong: the share by which the guess is too short.
    """

    def late(number: int) -> float:
        return (PIECE * (560 - number)) if 500 <= number < 560 else 0.0

    def guessed(number: int, stamp: float) -> float:
        return stamp + wrong * late(number)

    found = list(errors(15, disturb=guessed, late=late))
    assert max(abs(error) for at, error in found if at > 5) < 0.003


@pytest.mark.parametrize(("missing", "delay"), [(2.0, 0.2), (0.05, 1.1)])
def test_samples_that_are_missing_are_noticed(missing: float, delay: float) -> None:
    found = list(errors(30, disturb=lambda n, stamp: stamp + (missing if n > 1000 else 0.0)))
    at_end = [error for at, error in found if at > 20 + delay]
    assert min(at_end) > missing - 0.01
    before = [error for at, error in found if 1.5 < at < 19.9]
    assert max(map(abs, before)) < 0.006


def test_a_driver_that_changes_its_mind_at_first_is_followed_at_once() -> None:
    found = list(errors(10, disturb=lambda n, stamp: stamp + (0.04 if n < 90 else 0.0)))
    before = [error for at, error in found if at < 1.79]
    after = [error for at, error in found if at > 2.2]
    assert min(before) > 0.03
    assert max(map(abs, after)) < 0.008


@pytest.mark.parametrize("change", [-0.09, 0.03, 2.0])
def test_it_is_steady_unless_times_point_to_another_delay(change: float) -> None:
    """While it is not, sound is read in short pieces: it takes many to believe a change."""
    clock, steady = SampleClock(48_000), dict[int, bool]()
    for number in range(600):
        true = START + number * 0.04
        stamp = true + (change if number >= 300 else 0.0)
        clock.time_of(stamp, 1920, true + max(0.0, change) + 0.045)
        steady[number] = clock.is_steady
    assert [steady[number] for number in (10, 150, 250, 299)] == [False, False, True, True]
    assert not steady[300]
    believed = min(number for number in range(301, 600) if steady[number])
    assert believed < 340
    assert all(steady[number] for number in range(believed, 600))
