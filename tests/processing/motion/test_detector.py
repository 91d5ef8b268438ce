"""What moves is found, light and weather are not motion."""

from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import pairwise

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.support.motion_films import Film, Walk
from tests.support.motion_kinds import make_film
from tests.support.motion_troubles import make_scene
from twistedcam.processing.motion.detector import Detector
from twistedcam.processing.motion.findings import Moving
from twistedcam.processing.motion.grey import reduce_jpeg
from twistedcam.processing.motion.settings import MotionSettings

#: Seconds after which a person is found who covers a five-hundredth of the picture.
FOUND = 0.6
LEFT = ((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0))
RIGHT = ((0.5, 0.0), (1.0, 0.0), (1.0, 1.0), (0.5, 1.0))


def watch(film: Film, settings: MotionSettings | None = None) -> list[tuple[float, Moving]]:
    """Everything that is found, with the time."""
    detector = Detector(settings)
    return [
        (time, each)
        for time in film.times
        for each in detector.feed(reduce_jpeg(film.jpeg(time)), time)
    ]


def seen_from(film: Film) -> float:
    """The time from which the person of a film can be seen."""
    for time in film.times:
        film.picture(time)
        if time >= film.walks[0].start and film.walks[0].visible >= 0.002:
            return time
    raise AssertionError("nobody walks in this film")


@pytest.mark.parametrize(
    ("kind", "seed"),
    [("day_walk", 4), ("night_walk", 7), ("tiny_walk", 1), ("fast_walk", 0), ("walk_in_rain", 5)],
)
def test_a_walk_is_found_soon_and_nothing_before_and_after(kind: str, seed: int) -> None:
    film = make_film(kind, seed, (320, 240))
    walk, found = film.walks[0], watch(film)
    assert found, "nothing was found"
    assert seen_from(film) <= found[0][0] <= seen_from(film) + FOUND
    assert found[-1][0] <= walk.end + 0.5
    for time, moving in found:
        x, y, width, height = moving.box
        feet_x, _ = walk.feet(time)
        assert -0.1 <= feet_x - x <= width + 0.1, "the box is elsewhere"
        assert 0 < moving.score <= 100
        assert 0 <= x <= x + width <= 1.0001 and 0 <= y <= y + height <= 1.0001


@pytest.mark.parametrize(
    ("kind", "seed"),
    [("lamp_sudden", 1), ("lamp_pool", 3), ("clouds", 2), ("rain", 4), ("noise", 0), ("leaves", 1)],
)
def test_light_and_weather_are_no_motion(kind: str, seed: int) -> None:
    film = make_film(kind, seed, (320, 240))
    film.seconds = min(film.seconds, 10.0)
    assert not watch(film)


@pytest.mark.parametrize(
    ("kind", "seed"),
    [
        *(("headlights", 2), ("snow_at_night", 0), ("focus_hunt", 1), ("tree", 1)),
        *(("tree", 12), ("flag", 1), ("insects", 5), ("insects", 6)),
    ],
)
def test_troubles_of_cameras_are_no_motion(kind: str, seed: int) -> None:
    scene = make_scene(kind, seed, (320, 180) if seed % 2 == 0 else (320, 240))
    scene.seconds = min(scene.seconds, 10.0)
    detector = Detector()
    assert not [time for time, grey, _ in scene.pictures() if detector.feed(grey, time)]


def moves(pictures: Iterable[NDArray[np.uint8]]) -> list[float]:
    """The times of motion in pictures that are a tenth of a second apart."""
    detector = Detector()
    return [at / 10 for at, picture in enumerate(pictures) if detector.feed(picture, at / 10)]


def ground(seed: int) -> NDArray[np.float32]:
    """A background with fine texture."""
    coarse = np.random.default_rng(seed).normal(0, 28, (45, 80)).astype(np.float32)
    return np.clip(110 + cv2.resize(coarse, (160, 90)), 5, 250)


def noisy(picture: NDArray[np.float32], random: np.random.Generator) -> NDArray[np.uint8]:
    grain = random.normal(0, 1.5, picture.shape).astype(np.float32)
    return np.clip(picture + grain, 0, 255).astype(np.uint8)


def test_somebody_who_has_come_and_moves_on_the_spot_goes_on_moving() -> None:
    random = np.random.default_rng(2)

    def picture(time: float) -> NDArray[np.uint8]:
        image = ground(1)
        x = round(20 * (min(time, 8.5) - 5))  # comes in until 8.5 s
        if x > 0:
            image[30:80, max(0, x - 16) : x] = 220
            arm = round(16 * abs(math.sin(2 * time)))
            image[40 - arm : 44, x : x + 8] = 200
        return noisy(image, random)

    times = moves(picture(at / 10) for at in range(160))
    assert 5 < times[0] < 6
    assert times[-1] > 15.5
    assert max(b - a for a, b in pairwise(times)) < 1


def test_what_has_stopped_does_not_move_again_if_some_pictures_are_late() -> None:
    random, detector, time, found = np.random.default_rng(2), Detector(), 0.0, []
    for late in (0.1, 0.1, 0.1, 0.7, 0.1, 0.4) * 22:
        time += late if time > 9 else 0.1
        image = ground(1)
        right = round(20 * (min(time, 8.5) - 5))  # comes in until 8.5 s
        image[30:80, max(0, right - 16) : max(0, right)] = 220
        found += [time] if detector.feed(noisy(image, random), time) else []
    assert found and time > 14
    assert found[-1] < 9.5


def test_soon_after_the_start_only_what_goes_somewhere_is_motion() -> None:
    random = np.random.default_rng(5)

    def picture(time: float, speed: float) -> NDArray[np.uint8]:
        image = ground(6)
        x = 40 + round(speed * (time - 1.6))
        if time > 1.6:
            image[30:70, x : x + 16] = 220
        return noisy(image, random)

    assert not [each for each in moves(picture(at / 10, 3) for at in range(40)) if each < 3.9]
    assert moves(picture(at / 10, 20) for at in range(40))


def test_a_detector_is_calm_until_something_differs_from_the_background() -> None:
    film, detector = crossing(), Detector()
    calm = {}
    for time in film.times:
        detector.feed(reduce_jpeg(film.jpeg(time)), time)
        calm[round(time, 1)] = detector.is_calm
    assert not calm[1.0]  # it learns
    assert calm[2.5]
    assert not any(is_calm for time, is_calm in calm.items() if 3.4 <= time <= 7.5)


def crossing(**more: float) -> Film:
    """A person who walks from left to right, in the middle after 5.5 s."""
    walk = Walk(3, 8, 0.5, ((-0.1, 0.8), (1.1, 0.8)), -50)
    return Film(seconds=8.5, seed=1, walks=[walk], **more)  # type: ignore[arg-type]


def test_a_walk_counts_in_its_zone_only() -> None:
    zones = (("left", LEFT), ("right", RIGHT))
    names = [(time, each.zone) for time, each in watch(crossing(), MotionSettings(zones=zones))]
    assert {name for time, name in names if time < 5.2} == {"left"}
    assert {name for time, name in names if time > 6.0} == {"right"}
    inside = watch(crossing(), MotionSettings(zones=(("right", RIGHT),)))
    assert 5.2 < inside[0][0] < 6.2


def test_what_is_ignored_is_no_motion() -> None:
    assert not watch(crossing(), MotionSettings(ignore=(LEFT, RIGHT)))
    assert watch(crossing(), MotionSettings(ignore=(LEFT,)))[0][0] > 5.2


def test_a_thing_smaller_than_min_area_is_no_motion() -> None:
    assert not watch(crossing(), MotionSettings(min_area=20))


def test_a_movement_shorter_than_min_duration_is_no_motion() -> None:
    late = watch(crossing(), MotionSettings(min_duration=2))
    assert 5.0 < late[0][0] < 5.8
    assert not watch(crossing(), MotionSettings(min_duration=6))


def test_a_low_sensitivity_does_not_find_what_is_hardly_seen() -> None:
    film = crossing(noise=2.0, texture=0.0)
    film.walks[0].contrast = -8
    assert watch(film, MotionSettings(sensitivity=50))
    assert not watch(film, MotionSettings(sensitivity=1))


def test_another_size_is_learnt_anew() -> None:
    detector, small, large = Detector(), crossing(), crossing(width=640, height=480)
    for time in small.times:
        if time < 2:
            detector.feed(reduce_jpeg(small.jpeg(time)), time)
    for time in large.times:
        if 2 <= time < 3:
            assert not detector.feed(reduce_jpeg(large.jpeg(time))[:100], time)
