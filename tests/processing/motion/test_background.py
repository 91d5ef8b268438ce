"""The background without what moves, and the light on it."""

from __future__ import annotations

import numpy as np

from twistedcam.processing.motion.background import Background, Grid

RANDOM = np.random.default_rng(3)
SCENE = np.clip(
    120 + np.repeat(np.repeat(RANDOM.normal(0, 25, (9, 16)), 10, 0), 10, 1), 5, 200
).astype(np.float32)


def noisy(scene: Grid, spread: float = 1.0) -> Grid:
    return (scene + RANDOM.normal(0, spread, scene.shape)).astype(np.float32)


def learnt(scene: Grid, spread: float = 1.0) -> Background:
    background = Background(noisy(scene, spread))
    nothing = np.zeros(scene.shape, bool)
    for _ in range(30):
        picture = noisy(scene, spread)
        difference, _ = background.compare(picture)
        background.learn(picture, difference, nothing, nothing, 0.1)
    return background


def test_noise_is_learnt() -> None:
    for spread in (1.0, 4.0):
        difference, uncertainty = learnt(SCENE, spread).compare(noisy(SCENE, spread))
        strength = np.abs(difference) / uncertainty
        assert 0.3 < np.median(strength) < 1.1
        assert np.mean(strength > 3) < 0.02


def test_a_thing_stands_out() -> None:
    background = learnt(SCENE)
    picture = noisy(SCENE)
    picture[40:60, 70:80] += 30
    difference, uncertainty = background.compare(picture)
    strength = np.abs(difference) / uncertainty
    assert np.median(strength[42:58, 72:78]) > 8
    strength[38:62, 68:82] = 0
    assert np.mean(strength > 4) < 0.01


def test_the_light_of_the_whole_picture_does_not_stand_out() -> None:
    for factor in (0.6, 1.4):
        background = learnt(SCENE)
        difference, uncertainty = background.compare(noisy(SCENE * np.float32(factor)))
        assert np.mean(np.abs(difference) / uncertainty > 4) < 0.02


def test_the_light_of_a_part_with_soft_edges_does_not_stand_out() -> None:
    background = learnt(SCENE)
    across = np.linspace(-1, 1, SCENE.shape[1], dtype=np.float32)
    shade = 1 - 0.4 / (1 + np.exp(-across * 6))
    difference, uncertainty = background.compare(noisy(SCENE * shade[None]))
    assert np.mean(np.abs(difference) / uncertainty > 4) < 0.02


def test_what_moves_is_not_learnt_and_what_is_still_is() -> None:
    for moves in (True, False):
        background = learnt(SCENE)
        picture = SCENE.copy()
        picture[40:60, 70:80] += 30
        mask = picture != SCENE
        nothing = np.zeros(mask.shape, bool)
        for _ in range(150):
            difference, _ = background.compare(picture)
            still, moving = (nothing, mask) if moves else (mask, nothing)
            background.learn(picture, difference, still, moving, 0.1)
        difference, _ = background.compare(picture)
        level = float(np.median(difference[mask]))
        assert level > 20 if moves else abs(level) < 6


def test_a_picture_can_be_taken_over() -> None:
    background = learnt(SCENE)
    other = np.ascontiguousarray(SCENE[::-1])
    for _ in range(8):
        background.replace(other, 0.5)
    difference, _ = background.compare(other)
    assert np.median(np.abs(difference)) < 2
