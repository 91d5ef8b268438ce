"""Kinds of films of ``motion_scenes``, each with random settings by its seed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.support import motion_weather as weather
from tests.support.motion_scenes import Actor, Change, Scene

SIZES = ((320, 240), (640, 360), (640, 480), (320, 180))
GROUNDS = ("flat", "bricks", "street", "room", "leaves", "mixed")


def make_scene(kind: str, seed: int, size: tuple[int, int] | None = None, fps: float = 10) -> Scene:
    """Return a film of a kind."""
    random = np.random.default_rng(seed * 7919 + sum(kind.encode()))
    width, height = size or SIZES[int(random.choice(len(SIZES), p=(0.5, 0.2, 0.1, 0.2)))]
    given: dict[str, Any] = {
        "width": width,
        "height": height,
        "fps": fps,
        "seed": seed,
        "ground": str(random.choice(GROUNDS)),
        "level": random.uniform(70, 150),
        "noise": random.uniform(1, 4.5),
        "quality": int(random.integers(50, 93)),
    }
    return KINDS[kind](random, given)


def _tone(random: Any, least: float = 0.25, most: float = 0.65) -> tuple[float, float]:
    sign = random.choice((-1, 1))
    upper = sign * random.uniform(least, most)
    return upper, upper * random.choice((1.0, 0.6, -0.8))


def _cross(random: Any, start: float, seconds: float, tall: float, **more: Any) -> Actor:
    y = random.uniform(min(0.95, tall + 0.05), 1.0)
    wide = 0.33 * tall
    way = [(-wide * 0.5, y), (1 + wide * 0.5, y + random.uniform(-0.05, 0.05))]
    if random.random() < 0.5:
        way.reverse()
    more = {"tone": _tone(random), "shape": str(random.choice(("person", "box")))} | more
    return Actor((start, start + seconds), tuple(way), (tall, tall), **more)


def _film(random: Any, given: dict[str, Any], *actors: Actor, **more: Any) -> Scene:
    start = {"seconds": max([each.end for each in actors], default=12.0) + 2.5}
    return Scene(**(given | start | more), actors=list(actors))


# Walks.


def walk(random: Any, given: Any, **more: Any) -> Scene:
    actor = _cross(random, 4, random.uniform(4, 8), random.uniform(0.25, 0.6))
    return _film(random, given, actor, **more)


def walk_near(random: Any, given: Any) -> Scene:
    actor = _cross(random, 4, random.uniform(2.5, 6), random.uniform(0.8, 1.5))
    return _film(random, given, actor)


def walk_far(random: Any, given: Any) -> Scene:
    actor = _cross(
        random, 4, random.uniform(8, 14), random.uniform(0.1, 0.16), tone=_tone(random, 0.35)
    )
    return _film(random, given, actor)


def walk_slow(random: Any, given: Any) -> Scene:
    actor = _cross(random, 4, random.uniform(14, 24), random.uniform(0.25, 0.6))
    return _film(random, given, actor)


def walk_fast(random: Any, given: Any) -> Scene:
    actor = _cross(random, 4, random.uniform(1.0, 2.0), random.uniform(0.3, 0.7))
    return _film(random, given, actor)


def walk_at_night(random: Any, given: Any) -> Scene:
    given = given | {"level": random.uniform(14, 35), "noise": random.uniform(3, 8)}
    actor = _cross(
        random, 4, random.uniform(4, 8), random.uniform(0.3, 0.6), tone=_tone(random, 0.45, 0.9)
    )
    return _film(random, given, actor)


def walk_behind_fence(random: Any, given: Any) -> Scene:
    scene = walk(random, given)
    fence = np.full((scene.height, scene.width), 255, np.uint8)
    gap = max(6, scene.width // int(random.integers(20, 40)))
    for x in range(0, scene.width, gap):
        fence[:, x : x + gap // 3] = 0
        scene.background[:, x : x + gap // 3] *= 0.6
    scene.fence = fence
    return scene


def walk_with_stop(random: Any, given: Any) -> Scene:
    y, tall, x = random.uniform(0.75, 1), random.uniform(0.3, 0.6), random.uniform(0.35, 0.65)
    rest = random.uniform(2, 8)
    actor = Actor(
        (4, 7, 7 + rest, 10 + rest),
        ((-0.08, y), (x, y), (x, y), (1.08, y)),
        (tall,) * 4,
        _tone(random),
    )
    return _film(random, given, actor)


def walk_towards(random: Any, given: Any) -> Scene:
    x = random.uniform(0.3, 0.7)
    actor = Actor(
        (4, random.uniform(9, 13)),
        ((x, 0.5), (x + random.uniform(-0.1, 0.1), 1.2)),
        (random.uniform(0.12, 0.2), random.uniform(0.7, 1.1)),
        _tone(random),
    )
    return _film(random, given, actor)


def walk_of_two(random: Any, given: Any) -> Scene:
    first = _cross(random, 4, random.uniform(4, 7), random.uniform(0.3, 0.6))
    second = _cross(random, first.end + 3, random.uniform(4, 7), random.uniform(0.25, 0.6))
    return _film(random, given, first, second)


def walk_of_car(random: Any, given: Any) -> Scene:
    actor = _cross(
        random, 4, random.uniform(1.5, 4), random.uniform(0.2, 0.35), wide=2.2, shape="car"
    )
    return _film(random, given, actor)


def walk_in_snow(random: Any, given: Any) -> Scene:
    return walk(random, given, changes=[_flakes(random, 0.6)])


def walk_in_rain(random: Any, given: Any) -> Scene:
    return walk(random, given, changes=[_streaks(random)])


def walk_in_wind(random: Any, given: Any) -> Scene:
    return walk(random, given, before=[_tree(random, 0.0)])


def walk_under_clouds(random: Any, given: Any) -> Scene:
    return walk(random, given, changes=[_clouds(random)])


def walk_with_clock(random: Any, given: Any) -> Scene:
    return walk(random, given, overlays=[_clock(random)])


def walk_in_h264(random: Any, given: Any) -> Scene:
    return walk(random, given, codec="h264", quality=_bits(random, given))


def walk_with_shaking(random: Any, given: Any) -> Scene:
    change = weather.shake(random.uniform(0.2, 0.8) * given["width"] / 320, random.uniform(1, 4), 0)
    return walk(random, given, changes=[change])


def walk_and_lamp(random: Any, given: Any) -> Scene:
    """The lamp of a motion sensor is switched on a moment after somebody has come."""
    lamp = weather.light_step(
        random.uniform(4.6, 6), random.uniform(1.2, 2.5), random.uniform(0, 20), 0.1, 1e9
    )
    return walk(random, given, changes=[lamp])


# Troubles.


def _still(random: Any, given: Any, **more: Any) -> Scene:
    return _film(random, given, **({"seconds": 16.0} | more))


def _flakes(random: Any, much: float = 1.0) -> Change:
    return weather.flakes(
        random.uniform(8, 70) * much,
        random.uniform(0.6, 1.8),
        random.uniform(-1, 1),
        random.uniform(40, 130),
    )


def _streaks(random: Any, begin: float = 0.0) -> Change:
    return weather.streaks(
        random.uniform(10, 150), random.uniform(20, 70), random.uniform(-0.3, 0.3), begin
    )


def _clouds(random: Any) -> Change:
    return weather.clouds(
        random.uniform(0.1, 0.5), random.uniform(0.02, 0.3), random.uniform(0.4, 1.2)
    )


def _tree(random: Any, begin: float) -> Change:
    return weather.tree(
        random.uniform(-0.1, 0.7),
        random.uniform(-0.2, 0.3),
        random.uniform(0.25, 0.7),
        random.uniform(0.01, 0.05),
        random.uniform(0.3, 1.5),
        begin,
    )


def _clock(random: Any) -> Change:
    return weather.clock(
        float(random.choice((1.0, 1.0, 0.1))),
        random.uniform(0.03, 0.06),
        (0.02, float(random.choice((0.08, 0.97)))),
    )


def _bits(random: Any, given: Any) -> int:
    return int(given["width"] * given["height"] / 76800 * random.uniform(60, 400))


def snow(random: Any, given: Any) -> Scene:
    return _still(random, given, changes=[_flakes(random)])


def snow_at_night(random: Any, given: Any) -> Scene:
    given = given | {"level": random.uniform(20, 50), "noise": random.uniform(2, 6)}
    return _still(random, given, changes=[_flakes(random)])


def rain(random: Any, given: Any) -> Scene:
    return _still(random, given, changes=[_streaks(random, float(random.choice((0, 5))))])


def rain_at_night(random: Any, given: Any) -> Scene:
    given = given | {"level": random.uniform(14, 35), "noise": random.uniform(3, 8)}
    return _still(random, given, changes=[_streaks(random, float(random.choice((0, 5))))])


def lamp(random: Any, given: Any) -> Scene:
    given = given | {"level": random.uniform(20, 120)}
    change = weather.light_step(
        5,
        random.uniform(1.1, 3) if random.random() < 0.7 else 1.0,
        random.uniform(0, 50),
        random.uniform(0, 1),
        random.uniform(9, 12),
    )
    return _still(random, given, changes=[change])


def headlights(random: Any, given: Any) -> Scene:
    given = given | {"level": random.uniform(18, 60), "noise": random.uniform(2, 6)}
    change = weather.beam(
        5,
        random.uniform(1.2, 4),
        random.uniform(0.5, 3),
        random.uniform(0.1, 0.35),
        random.uniform(0.3, 0.9),
    )
    return _still(random, given, changes=[change], seconds=12.0)


def clouds(random: Any, given: Any) -> Scene:
    return _still(random, given, changes=[_clouds(random)], seconds=20.0)


def gain_noise(random: Any, given: Any) -> Scene:
    a, b, ramp = random.uniform(1, 5), random.uniform(4, 14), random.choice((0.1, 3.0))
    given = given | {"level": random.uniform(20, 110)}

    def noise(time: float) -> float:
        return float(np.interp(time, (5, 5 + ramp, 11, 11 + ramp), (a, b, b, a)))

    return _still(random, given | {"noise": noise})


def insects(random: Any, given: Any) -> Scene:
    given = given | {"level": random.uniform(20, 60), "noise": random.uniform(2, 5)}
    change = weather.insects(
        int(random.integers(1, 4)), random.uniform(0.01, 0.05), random.uniform(30, 120)
    )
    return _still(random, given, changes=[change])


def shaking(random: Any, given: Any) -> Scene:
    unit = given["width"] / 320
    if random.random() < 0.5:
        change = weather.shake(random.uniform(0.2, 1.2) * unit, random.uniform(0.5, 5), 0)
    else:  # a blow
        change = weather.shake(
            random.uniform(1, 6) * unit, random.uniform(1, 4), 6, random.uniform(0.3, 1)
        )
    return _still(random, given, changes=[change])


def focus_hunt(random: Any, given: Any) -> Scene:
    change = weather.focus(6, random.uniform(0.8, 3), random.uniform(1, 4))
    return _still(random, given, changes=[change], seconds=13.0)


def exposure_steps(random: Any, given: Any) -> Scene:
    factors = np.exp(np.cumsum(random.normal(0, 0.15, 6)))
    factors = tuple(float(each) for each in np.clip(factors, 0.5, 1.8))
    change = weather.steps(5, factors, random.uniform(0.1, 1))
    return _still(random, given, changes=[change])


def key_frames(random: Any, given: Any) -> Scene:
    return _still(random, given, codec="h264", quality=_bits(random, given) // 2)


def time_in_picture(random: Any, given: Any) -> Scene:
    return _still(random, given, overlays=[_clock(random)], seconds=20.0)


def flag(random: Any, given: Any) -> Scene:
    change = weather.flag(
        random.uniform(0.1, 0.7),
        random.uniform(0.05, 0.5),
        random.uniform(0.1, 0.25),
        random.uniform(0.5, 1.5),
        float(random.choice((0, 0, 6))),
    )
    return _still(random, given, before=[change], seconds=20.0)


def tree(random: Any, given: Any) -> Scene:
    change = _tree(random, float(random.choice((0, 6))))
    return _still(random, given, before=[change], seconds=20.0)


KINDS: dict[str, Callable[[Any, Any], Scene]] = {
    each.__name__: each
    for each in (
        walk,
        walk_near,
        walk_far,
        walk_slow,
        walk_fast,
        walk_at_night,
        walk_behind_fence,
        walk_with_stop,
        walk_towards,
        walk_of_two,
        walk_of_car,
        walk_in_snow,
        walk_in_rain,
        walk_in_wind,
        walk_under_clouds,
        walk_with_clock,
        walk_in_h264,
        walk_with_shaking,
        walk_and_lamp,
        snow,
        snow_at_night,
        rain,
        rain_at_night,
        lamp,
        headlights,
        clouds,
        gain_noise,
        insects,
        shaking,
        focus_hunt,
        exposure_steps,
        key_frames,
        time_in_picture,
        flag,
        tree,
    )
}
