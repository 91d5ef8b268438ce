"""Films with people, light and weather, and the truth about them, for tests of motion detection.

A film is made picture by picture as grey values and encoded as JPEG, with a sensor's noise. The
same kind, seed, size and rate give the same film.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import cv2
import numpy as np
import simplejpeg
from numpy.typing import NDArray

Picture = NDArray[np.float32]
Box = tuple[float, float, float, float]


@dataclass
class Walk:
    """A person who walks through the picture.

    Arguments:
        start, end: seconds of the first and of the last picture in which the person is seen.
        height: share of the picture's height; the width is two fifths of that height.
        path: the feet at the start and at the end, as shares of the picture.
        contrast: grey levels added to the background where the person is.
        visible: the share of the picture that the person covers in the last picture made.
    """

    start: float
    end: float
    height: float
    path: tuple[tuple[float, float], tuple[float, float]]
    contrast: float
    visible: float = 0.0

    def feet(self, time: float) -> tuple[float, float]:
        """Return where the feet are, as shares of the picture."""
        share = (time - self.start) / (self.end - self.start)
        (x0, y0), (x1, y1) = self.path
        return x0 + share * (x1 - x0), y0 + share * (y1 - y0)


@dataclass
class Film:
    """A film: its settings and the truth about it.

    Arguments:
        walks: the people, in the order of time.
        light: returns the picture for a background and a time, changed by light.
        weather: draws on the picture, after the people.
        noise: the standard deviation of the sensor's noise, in grey levels.
        quality: the JPEG quality.
    """

    width: int = 320
    height: int = 240
    fps: float = 10.0
    seconds: float = 12.0
    seed: int = 0
    level: float = 120.0
    noise: float = 3.0
    quality: int = 80
    walks: list[Walk] = field(default_factory=list)
    light: Callable[[Film, Picture, float], Picture] | None = None
    weather: Callable[[Film, Picture, float], None] | None = None
    shake: float = 0.0
    texture: float = 1.0

    def __post_init__(self) -> None:
        self.random = np.random.default_rng(self.seed)
        self.background = _scene(self.random, self.width, self.height, self.level, self.texture)
        self._noise = _noise_tile()

    @property
    def times(self) -> Iterator[float]:
        """The seconds of the pictures."""
        return (number / self.fps for number in range(round(self.seconds * self.fps)))

    def picture(self, time: float) -> NDArray[np.uint8]:
        """Return the picture at a time as (height, width) uint8."""
        image = self.background.copy()
        for walk in self.walks:
            if walk.start <= time <= walk.end:
                _draw_person(image, walk, time)
        if self.light is not None:
            image = self.light(self, image, time)
        if self.weather is not None:
            self.weather(self, image, time)
        if self.shake:
            dx, dy = self.random.normal(0, self.shake, 2)
            matrix = np.array([[1, 0, dx], [0, 1, dy]], np.float32)
            size = (self.width, self.height)
            image = cv2.warpAffine(image, matrix, size, borderMode=cv2.BORDER_REFLECT)
        if self.noise:
            y, x = (int(each) for each in self.random.integers(0, 512, 2))
            tile = np.roll(self._noise, (y, x), (0, 1))
            rows = -(-self.height // 512)
            columns = -(-self.width // 512)
            noise = np.tile(tile, (rows, columns))[: self.height, : self.width]
            # A bright pixel has more noise than a dark one (shot noise).
            image += noise * (self.noise * np.sqrt(np.maximum(image, 4) / max(self.level, 4)))
        return np.clip(image, 0, 255).astype(np.uint8)

    def jpeg(self, time: float) -> bytes:
        """Return the picture at a time as a JPEG, grey."""
        grey = np.ascontiguousarray(self.picture(time)[:, :, None])
        found: bytes = simplejpeg.encode_jpeg(grey, self.quality, "GRAY")
        return found


@cache
def _noise_tile() -> Picture:
    noise = np.random.default_rng(7).normal(0, 1, (512, 512)).astype(np.float32)
    # Demosaicing joins neighbouring pixels a little.
    noise = cv2.GaussianBlur(noise, (3, 3), 0.6)
    return np.asarray(noise / noise.std(), np.float32)


def _scene(random: Any, width: int, height: int, level: float, texture: float) -> Picture:
    """Return a background: a gradient, things with edges, and texture."""
    grid_y, grid_x = np.mgrid[0:height, 0:width].astype(np.float32)
    angle = random.uniform(0, 6.28)
    slope = np.cos(angle) * grid_x / width + np.sin(angle) * grid_y / height
    image = level * (1 + texture * 0.3 * slope)
    for _ in range(int(random.integers(3, 14) * texture)):
        w, h = random.uniform(0.05, 0.4) * width, random.uniform(0.05, 0.5) * height
        x, y = random.uniform(-0.1, 0.9) * width, random.uniform(-0.1, 0.9) * height
        factor = random.uniform(0.4, 1.6)
        image[max(0, int(y)) : int(y + h), max(0, int(x)) : int(x + w)] *= factor
    for scale, amount in ((4, 0.12), (16, 0.15), (60, 0.2)):
        coarse = random.normal(0, amount, (height // scale + 2, width // scale + 2))
        layer = cv2.resize(
            coarse.astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC
        )
        image *= np.exp(layer * texture)
    return np.clip(image, 1, 254).astype(np.float32)


def _draw_person(image: Picture, walk: Walk, time: float) -> None:
    """Draw a head, a body and legs that swing."""
    rows, columns = image.shape
    x, y = walk.feet(time)
    tall = walk.height * rows
    fx, fy = x * columns, y * rows
    mask = np.zeros((rows, columns), np.uint8)
    shift, one = 4, 16

    def points(*pairs: tuple[float, float]) -> Any:
        return np.array(
            [[(fx + a * tall) * one, (fy + b * tall) * one] for a, b in pairs], np.int32
        )

    def fill(*pairs: tuple[float, float]) -> None:
        cv2.fillPoly(mask, [points(*pairs)], 255, cv2.LINE_AA, shift)

    swing = 0.14 * np.sin(2 * np.pi * 0.9 * (time - walk.start))
    centre = (round((fx) * one), round((fy - 0.93 * tall) * one))
    cv2.circle(mask, centre, max(1, round(0.07 * tall * one)), 255, -1, cv2.LINE_AA, shift)
    fill((-0.13, -0.84), (0.13, -0.84), (0.10, -0.45), (-0.10, -0.45))
    for side in (swing, -swing):
        fill((-0.08, -0.48), (0.08, -0.48), (side + 0.05, 0), (side - 0.05, 0))
    walk.visible = float(np.count_nonzero(mask)) / mask.size
    left, top = max(0, int(fx - tall)), max(0, int(fy - tall * 1.1))
    right, bottom = int(fx + tall) + 1, int(fy + tall * 0.1) + 1
    if right <= 0 or bottom <= 0 or left >= columns or top >= rows:
        return
    part = (slice(top, bottom), slice(left, right))
    share = mask[part].astype(np.float32) / 255
    local = float(np.median(image[part]))
    body = np.clip(local + walk.contrast, 2, 252)
    # Clothes: the upper and the lower half differ.
    lines = np.arange(*part[0].indices(rows)[:2], dtype=np.float32)[:, None]
    body = body + 0.25 * walk.contrast * np.where(lines < fy - 0.45 * tall, 1, -1)
    image[part] += share * (body - image[part])


# Light.


def gain(at: float, ramp: float, factor: float) -> Callable[[Film, Picture, float], Picture]:
    """Light of the whole picture that changes by a factor: auto-exposure, a cloud, a lamp."""

    def change(film: Film, image: Picture, time: float) -> Picture:
        share = min(1.0, max(0.0, (time - at) / ramp)) if ramp else float(time >= at)
        return np.asarray(image * (1 + (factor - 1) * share), np.float32)

    return change


def lamp(
    at: float,
    ramp: float,
    centre: tuple[float, float],
    size: float,
    power: float,
    off: float | None = None,
    hard: bool = False,
) -> Callable[[Film, Picture, float], Picture]:
    """A lamp with a pool of light that is switched on, and perhaps off.

    Arguments:
        size: of the pool, as a share of the picture's width.
        power: the factor of the light in the centre.
        hard: True for a pool with an edge, such as that of a door that opens.
    """

    def change(film: Film, image: Picture, time: float) -> Picture:
        share = min(1.0, max(0.0, (time - at) / ramp)) if ramp else float(time >= at)
        if off is not None and time >= off:
            share = 0.0
        if not share:
            return image
        pool = _pool(film.width, film.height, *centre, size, hard)
        return np.asarray(image * (1 + share * (power - 1) * pool) + 6 * share * pool, np.float32)

    return change


@cache
def _pool(width: int, height: int, x: float, y: float, size: float, hard: bool) -> Picture:
    grid_y, grid_x = np.mgrid[0:height, 0:width].astype(np.float32)
    far = np.hypot(grid_x - x * width, grid_y - y * height) / (size * width)
    pool = (far < 1).astype(np.float32) if hard else np.exp(-far * far)
    return np.asarray(cv2.GaussianBlur(pool, (0, 0), width / 150), np.float32)


def clouds(
    speed: float, depth: float, scale: float, seed: int
) -> Callable[[Film, Picture, float], Picture]:
    """Shadows of clouds that move, with soft edges.

    Arguments:
        speed: widths of the picture a second.
        depth: how much darker a shadow is, as a share.
        scale: the size of a cloud as a share of the picture's width.
    """
    random = np.random.default_rng(seed)
    cells = max(3, round(4 / scale))
    coarse = random.normal(0, 1, (max(3, round(1.5 / scale)) + 3, cells * 2)).astype(np.float32)
    angle = random.uniform(-0.4, 0.4)

    @cache
    def sky(width: int, height: int) -> Picture:
        field_ = cv2.resize(coarse, (width * 4, height * 3 // 2), interpolation=cv2.INTER_CUBIC)
        field_ = cv2.GaussianBlur(field_, (0, 0), width * scale / 8)
        field_ /= field_.std()
        return np.asarray(1 / (1 + np.exp(-3 * field_)), np.float32)

    def change(film: Film, image: Picture, time: float) -> Picture:
        whole = sky(film.width, film.height)
        x = (time * speed * film.width) % (film.width * 3)
        y = film.height / 4 + np.sin(angle) * film.height / 4
        matrix = np.array([[1, 0, -x], [0, 1, -y]], np.float32)
        shade = cv2.warpAffine(
            whole, matrix, (film.width, film.height), borderMode=cv2.BORDER_REFLECT
        )
        return np.asarray(image * (1 - depth * shade), np.float32)

    return change


def flicker(amount: float, hertz: float) -> Callable[[Film, Picture, float], Picture]:
    """Bands of mains light that roll through the picture."""

    def change(film: Film, image: Picture, time: float) -> Picture:
        rows = np.arange(film.height, dtype=np.float32)[:, None] / film.height
        return np.asarray(
            image * (1 + amount * np.sin(2 * np.pi * (rows * 1.5 + time * hertz))), np.float32
        )

    return change


def settling(target: float = 1.0, first: float = 2.2) -> Callable[[Film, Picture, float], Picture]:
    """The first seconds of a camera: its exposure settles in steps."""

    def change(film: Film, image: Picture, time: float) -> Picture:
        step = round(time * 5) / 5
        return np.asarray(image * (target + (first - target) * np.exp(-step * 2.5)), np.float32)

    return change


def both(*changes: Any) -> Callable[[Film, Picture, float], Picture]:
    """Several changes of light, one after the other."""

    def change(film: Film, image: Picture, time: float) -> Picture:
        for each in changes:
            image = each(film, image, time)
        return image

    return change


# Weather.


def rain(
    drops: float, begin: float = 0.0, end: float = 1e9, bright: float = 50.0
) -> Callable[[Film, Picture, float], None]:
    """Streaks of rain, others in each picture.

    Arguments:
        drops: streaks in 10,000 pixels.
        bright: grey levels of a streak.
    """

    def draw(film: Film, image: Picture, time: float) -> None:
        if not begin <= time < end:
            return
        count = film.random.poisson(drops * film.width * film.height / 10_000)
        layer = np.zeros_like(image)
        unit = film.height / 240
        for _ in range(count):
            x, y = film.random.uniform(0, film.width), film.random.uniform(-10, film.height)
            long, near = film.random.uniform(6, 22) * unit, film.random.uniform(0.3, 1)
            a = (round(x * 16), round(y * 16))
            b = (round((x + long * 0.12) * 16), round((y + long) * 16))
            thick = max(1, round(unit * near))
            cv2.line(layer, a, b, bright * near, thick, cv2.LINE_AA, 4)
        image += layer * film.level / 120

    return draw


def leaves(
    count: int, amount: float, seed: int, begin: float = 0.0
) -> Callable[[Film, Picture, float], None]:
    """Branches that sway: parts of the picture that move to and fro."""
    random = np.random.default_rng(seed)
    places = [
        (random.uniform(0, 0.8), random.uniform(0, 0.6), random.uniform(0.08, 0.25))
        for _ in range(count)
    ]
    beats = [(random.uniform(0.3, 1.2), random.uniform(0, 6.28)) for _ in range(count)]

    def draw(film: Film, image: Picture, time: float) -> None:
        if time < begin:
            return
        for (x, y, size), (hertz, phase) in zip(places, beats, strict=True):
            left, top = int(x * film.width), int(y * film.height)
            side = int(size * film.width)
            part = image[top : top + side, left : left + side]
            sway = amount * film.width * np.sin(2 * np.pi * hertz * time + phase)
            sway *= 0.7 + 0.3 * np.sin(time * 1.7 + phase)
            matrix = np.array([[1, 0, sway], [0, 1, sway * 0.3]], np.float32)
            size_ = (part.shape[1], part.shape[0])
            moved = cv2.warpAffine(part, matrix, size_, borderMode=cv2.BORDER_REFLECT)
            rows, columns = np.mgrid[0 : part.shape[0], 0 : part.shape[1]].astype(np.float32)
            soft = np.sin(np.pi * rows / part.shape[0]) * np.sin(np.pi * columns / part.shape[1])
            part += soft * (moved - part)

    return draw


def snow(flakes: int, seed: int) -> Callable[[Film, Picture, float], None]:
    """Flakes that sink."""
    random = np.random.default_rng(seed)
    start = random.uniform(0, 1, (flakes, 2))
    speed = random.uniform(0.15, 0.5, flakes)

    def draw(film: Film, image: Picture, time: float) -> None:
        unit = film.height / 240
        for (x, y), fall in zip(start, speed, strict=True):
            fx = (x + 0.03 * np.sin(time * 2 + y * 9)) * film.width
            fy = (y + fall * time) % 1.1 * film.height
            radius = round((0.8 + 2 * (fall - 0.15)) * unit * 16)
            cv2.circle(image, (round(fx * 16), round(fy * 16)), radius, 230, -1, cv2.LINE_AA, 4)

    return draw
