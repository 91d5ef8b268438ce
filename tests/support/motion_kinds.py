"""Kinds of films for tests of motion detection, each with random settings by its seed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.support import motion_films as films
from tests.support.motion_films import Film, Walk

SIZES = ((320, 240), (640, 480), (640, 360), (1280, 720))


def make_film(kind: str, seed: int, size: tuple[int, int] | None = None, fps: float = 10) -> Film:
    """Return a film of a kind."""
    random = np.random.default_rng(seed * 1000 + 17)
    if size is None:
        size = SIZES[int(random.choice(len(SIZES), p=(0.4, 0.3, 0.2, 0.1)))]
    given = {"width": size[0], "height": size[1], "fps": fps, "seed": seed}
    return KINDS[kind](random, given)


def _walk(
    random: Any, start: float, height: float, contrast: float, crossing: float | None = None
) -> Walk:
    """A walk through the picture, from side to side or appearing within it."""
    seconds = crossing or random.uniform(4, 8)
    top = min(0.3 + height * 0.7, height * 1.02)
    y0 = random.uniform(top, max(0.98, top + 0.1))
    y1 = max(top, y0 + random.uniform(-0.1, 0.1))
    wide = height * 0.3
    x0, x1 = -wide * 0.6, 1 + wide * 0.6
    if random.random() < 0.3:  # out of a door
        x0 = random.uniform(0.1, 0.5)
    if random.random() < 0.5:
        x0, x1 = 1 - x0, 1 - x1
    return Walk(start, start + seconds, height, ((x0, y0), (x1, float(y1))), contrast)


def _sign(random: Any) -> float:
    return float(random.choice((-1, 1)))


def day_walk(random: Any, given: dict[str, Any], light: Any = None, weather: Any = None) -> Film:
    level = random.uniform(80, 170)
    contrast = _sign(random) * random.uniform(25, 70)
    walk = _walk(random, 4.0, random.uniform(0.25, 0.7), contrast)
    return Film(
        **given,
        seconds=walk.end + 2.5,
        level=level,
        noise=random.uniform(1.5, 5),
        quality=int(random.integers(55, 92)),
        walks=[walk],
        light=light,
        weather=weather,
        texture=random.choice((0.0, 0.3, 1.0)),
    )


def night_walk(random: Any, given: dict[str, Any]) -> Film:
    level = random.uniform(16, 40)
    contrast = _sign(random) * random.uniform(0.35, 0.6) * level
    if level + contrast < 8:
        contrast = -contrast
    walk = _walk(random, 4.0, random.uniform(0.3, 0.7), contrast)
    return Film(
        **given,
        seconds=walk.end + 2.5,
        level=level,
        noise=random.uniform(4, 12),
        quality=int(random.integers(55, 92)),
        walks=[walk],
        texture=random.choice((0.3, 1.0)),
    )


def far_walk(random: Any, given: dict[str, Any]) -> Film:
    height = random.uniform(0.14, 0.22)
    walk = _walk(random, 4.0, height, _sign(random) * random.uniform(25, 60), random.uniform(8, 14))
    return Film(
        **given,
        seconds=walk.end + 2.5,
        level=random.uniform(80, 160),
        noise=random.uniform(1.5, 4),
        quality=int(random.integers(60, 92)),
        walks=[walk],
        texture=random.choice((0.3, 1.0)),
    )


def tiny_walk(random: Any, given: dict[str, Any]) -> Film:
    height = random.uniform(0.09, 0.13)
    walk = _walk(random, 4.0, height, _sign(random) * random.uniform(35, 70), random.uniform(9, 15))
    return Film(
        **given,
        seconds=walk.end + 2.5,
        level=random.uniform(80, 160),
        noise=random.uniform(1.5, 4),
        quality=int(random.integers(60, 92)),
        walks=[walk],
        texture=random.choice((0.0, 0.3)),
    )


def slow_walk(random: Any, given: dict[str, Any]) -> Film:
    walk = _walk(
        random,
        4.0,
        random.uniform(0.3, 0.6),
        _sign(random) * random.uniform(25, 60),
        random.uniform(15, 22),
    )
    return Film(
        **given,
        seconds=walk.end + 2.5,
        level=random.uniform(80, 160),
        noise=random.uniform(1.5, 4),
        quality=int(random.integers(60, 92)),
        walks=[walk],
        texture=random.choice((0.3, 1.0)),
    )


def fast_walk(random: Any, given: dict[str, Any]) -> Film:
    walk = _walk(
        random,
        4.0,
        random.uniform(0.3, 0.8),
        _sign(random) * random.uniform(25, 60),
        random.uniform(1.5, 3),
    )
    return Film(
        **given,
        seconds=walk.end + 2.5,
        level=random.uniform(80, 160),
        noise=random.uniform(1.5, 4),
        quality=int(random.integers(60, 92)),
        walks=[walk],
    )


def close_walk(random: Any, given: dict[str, Any]) -> Film:
    walk = _walk(
        random,
        4.0,
        random.uniform(0.9, 1.4),
        _sign(random) * random.uniform(25, 70),
        random.uniform(2.5, 5),
    )
    return Film(
        **given,
        seconds=walk.end + 2.5,
        level=random.uniform(80, 160),
        noise=random.uniform(1.5, 4),
        quality=int(random.integers(60, 92)),
        walks=[walk],
        texture=random.choice((0.0, 0.3, 1.0)),
    )


def walk_in_rain(random: Any, given: dict[str, Any]) -> Film:
    return day_walk(random, given, weather=films.rain(random.uniform(3, 14), 0))


def walk_in_clouds(random: Any, given: dict[str, Any]) -> Film:
    return day_walk(random, given, light=_clouds(random))


def walk_after_lamp(random: Any, given: dict[str, Any]) -> Film:
    return day_walk(random, given, light=films.gain(2.5, 0.0, random.uniform(1.2, 1.8)))


def walk_in_leaves(random: Any, given: dict[str, Any]) -> Film:
    swaying = films.leaves(
        int(random.integers(1, 4)), random.uniform(0.002, 0.008), int(given["seed"])
    )
    return day_walk(random, given, weather=swaying)


def _still(random: Any, given: dict[str, Any], **more: Any) -> Film:
    standard: dict[str, Any] = {
        "seconds": 14.0,
        "level": random.uniform(60, 150),
        "noise": random.uniform(1.5, 5),
        "quality": int(random.integers(55, 92)),
        "texture": random.choice((0.0, 0.3, 1.0)),
    }
    return Film(**given, **(standard | more))


def noise(random: Any, given: dict[str, Any]) -> Film:
    return _still(random, given, level=random.uniform(15, 150), noise=random.uniform(2, 14))


def lamp_sudden(random: Any, given: dict[str, Any]) -> Film:
    factor = random.uniform(1.15, 2.2) ** _sign(random)
    return _still(random, given, light=films.gain(5, 0, factor))


def lamp_gradual(random: Any, given: dict[str, Any]) -> Film:
    factor = random.uniform(1.15, 2.2) ** _sign(random)
    return _still(random, given, light=films.gain(5, random.uniform(0.2, 4), factor))


def lamp_pool(random: Any, given: dict[str, Any]) -> Film:
    at = (random.uniform(0, 1), random.uniform(0, 1))
    return _still(
        random,
        given,
        level=random.uniform(25, 110),
        light=films.lamp(
            5,
            random.choice((0.0, 0.0, 0.3, 1.5)),
            at,
            random.uniform(0.12, 0.5),
            random.uniform(1.3, 2.5),
            off=random.choice((None, 9.0)),
            hard=bool(random.random() < 0.3),
        ),
    )


def _clouds(random: Any) -> Any:
    return films.clouds(
        random.uniform(0.03, 0.25),
        random.uniform(0.15, 0.45),
        random.uniform(0.4, 1.0),
        int(random.integers(1e6)),
    )


def clouds(random: Any, given: dict[str, Any]) -> Film:
    return _still(random, given, light=_clouds(random), seconds=20.0)


def rain(random: Any, given: dict[str, Any]) -> Film:
    begin = float(random.choice((0.0, 5.0)))
    return _still(
        random,
        given,
        seconds=20.0,
        weather=films.rain(random.uniform(1, 20), begin, bright=random.uniform(25, 80)),
    )


def leaves(random: Any, given: dict[str, Any]) -> Film:
    return _still(
        random,
        given,
        seconds=20.0,
        weather=films.leaves(
            int(random.integers(1, 5)),
            random.uniform(0.002, 0.012),
            given["seed"],
        ),
    )


def snow(random: Any, given: dict[str, Any]) -> Film:
    return _still(random, given, weather=films.snow(int(random.integers(20, 120)), given["seed"]))


def exposure(random: Any, given: dict[str, Any]) -> Film:
    factor = random.uniform(1.05, 1.3) ** _sign(random)
    return _still(
        random,
        given,
        light=films.both(
            films.settling(1.0, random.uniform(0.4, 2.5)),
            films.gain(6, 0.5, factor),
            films.gain(9, 0.0, 1 / factor),
        ),
    )


def mains_flicker(random: Any, given: dict[str, Any]) -> Film:
    return _still(
        random, given, light=films.flicker(random.uniform(0.02, 0.1), random.uniform(0.2, 3))
    )


def shake(random: Any, given: dict[str, Any]) -> Film:
    return _still(random, given, shake=random.uniform(0.1, 0.6) * given["width"] / 640)


KINDS: dict[str, Callable[[Any, dict[str, Any]], Film]] = {
    each.__name__: each
    for each in (
        day_walk,
        night_walk,
        far_walk,
        tiny_walk,
        slow_walk,
        fast_walk,
        close_walk,
        walk_in_rain,
        walk_in_clouds,
        walk_after_lamp,
        walk_in_leaves,
        noise,
        lamp_sudden,
        lamp_gradual,
        lamp_pool,
        clouds,
        rain,
        leaves,
        snow,
        exposure,
        mains_flicker,
        shake,
    )
}
