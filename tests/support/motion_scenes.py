"""Films of other scenes, people and troubles than those of ``motion_kinds``, with their truth.

They are drawn in another way, so that a detector which is tuned to one set can be checked with
the other. A film is a series of grey pictures that a codec has been through.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import cv2
import numpy as np
import simplejpeg
from numpy.typing import NDArray

from twistedcam.processing.motion.grey import reduce_jpeg, reduce_luma

Picture = NDArray[np.float32]
#: Draws on a picture, or returns another one.
Change = Callable[[Any, Picture, float], Picture | None]


@dataclass
class Actor:
    """Somebody or something that moves: shape, way, and brightness.

    Arguments:
        times: seconds of the points of its way.
        way: its feet at these times, as shares of the picture.
        tall: heights at these times, as shares of the picture's height.
        tone: what is added to the background, in shares of the picture's level; two for the upper
            and the lower half.
        wide: width by height.
    """

    times: tuple[float, ...]
    way: tuple[tuple[float, float], ...]
    tall: tuple[float, ...]
    tone: tuple[float, float]
    wide: float = 0.33
    shape: str = "person"
    visible: float = 0.0

    @property
    def start(self) -> float:
        return self.times[0]

    @property
    def end(self) -> float:
        return self.times[-1]

    def draw(self, scene: Scene, image: Picture, time: float) -> None:
        self.visible = 0.0
        if not self.start <= time <= self.end:
            return
        rows, columns = image.shape
        x = float(np.interp(time, self.times, [each[0] for each in self.way])) * columns
        y = float(np.interp(time, self.times, [each[1] for each in self.way])) * rows
        tall = float(np.interp(time, self.times, self.tall)) * rows
        wide = tall * self.wide
        speed = np.interp(time + 0.05, self.times, [each[0] for each in self.way]) * columns - x
        step = np.sin(time * 9) * min(1.0, abs(speed) * 2 / max(wide, 1))
        mask = np.zeros((rows, columns), np.uint8)

        def box(x0: float, y0: float, x1: float, y1: float) -> None:
            corners = ((x + x0 * wide, y - y0 * tall), (x + x1 * wide, y - y1 * tall))
            (a, b), (c, d) = ((int(p * 16), int(q * 16)) for p, q in corners)
            points = np.array([[a, b], [c, b], [c, d], [a, d]], np.int32)
            cv2.fillPoly(mask, [points], 255, cv2.LINE_AA, 4)

        if self.shape == "box":
            box(-0.5, 1, 0.5, 0)
        elif self.shape == "car":
            box(-0.5, 0.6, 0.5, 0.12)
            box(-0.28, 1, 0.25, 0.6)
        else:
            centre = (int(x * 16), int((y - 0.9 * tall) * 16))
            cv2.circle(mask, centre, int(max(tall * 0.09, 0.6) * 16), 255, -1, cv2.LINE_AA, 4)
            box(-0.4, 0.82, 0.4, 0.42)
            box(-0.3 + 0.3 * step, 0.42, 0.02 + 0.3 * step, 0)
            box(-0.02 - 0.3 * step, 0.42, 0.3 - 0.3 * step, 0)
        self.visible = np.count_nonzero(mask) / mask.size
        if scene.fence is not None:
            mask &= scene.fence
        share = mask.astype(np.float32) / 255
        upper = np.arange(rows)[:, None] < y - 0.42 * tall
        tone = np.where(upper, self.tone[0], self.tone[1]) * scene.level
        image += share * (np.clip(cv2.blur(image, (9, 9)) + tone, 3, 250) - image)


@dataclass
class Scene:
    """A film with its truth."""

    width: int = 320
    height: int = 240
    fps: float = 10.0
    seconds: float = 12.0
    seed: int = 0
    level: float = 110.0
    noise: Any = 2.5
    ground: str = "mixed"
    codec: str = "jpeg"
    quality: int = 75
    actors: list[Actor] = field(default_factory=list)
    before: list[Change] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    overlays: list[Change] = field(default_factory=list)
    fence: NDArray[np.uint8] | None = None

    def __post_init__(self) -> None:
        self.random = np.random.default_rng(self.seed + 5)
        self.background = ground(self)

    @property
    def times(self) -> Iterator[float]:
        return (number / self.fps for number in range(round(self.seconds * self.fps)))

    def picture(self, time: float) -> NDArray[np.uint8]:
        image = self.background.copy()
        for change in self.before:
            made = change(self, image, time)
            image = image if made is None else made
        for actor in self.actors:
            actor.draw(self, image, time)
        for change in self.changes:
            made = change(self, image, time)
            image = image if made is None else made
        noise = self.noise(time) if callable(self.noise) else self.noise
        grain = self.random.standard_normal(image.shape, np.float32)
        # Light comes in quanta, and the amplifier adds its own.
        image = image + noise * grain * np.sqrt(0.4 + 0.6 * np.maximum(image, 0) / 110)
        made = np.clip(image, 0, 255).astype(np.uint8)
        for overlay in self.overlays:
            overlay(self, made, time)
        return made

    def pictures(self) -> Iterator[tuple[float, NDArray[np.uint8], list[float]]]:
        """The pictures as a receiver has them, with the share that each actor covers."""
        if self.codec == "jpeg":
            for time in self.times:
                data = simplejpeg.encode_jpeg(
                    np.ascontiguousarray(self.picture(time)[:, :, None]), self.quality, "GRAY"
                )
                yield time, reduce_jpeg(data), [each.visible for each in self.actors]
            return
        yield from self._coded()

    def _coded(self) -> Iterator[tuple[float, NDArray[np.uint8], list[float]]]:
        import av

        encoder: Any = av.CodecContext.create("libx264", "w")
        encoder.width, encoder.height, encoder.pix_fmt = self.width, self.height, "yuv420p"
        encoder.framerate = round(self.fps)
        encoder.time_base = Fraction(1, round(self.fps))
        encoder.bit_rate = int(self.quality * 1000)
        encoder.gop_size = round(self.fps * 2)
        encoder.options = {"tune": "zerolatency", "preset": "ultrafast"}
        decoder: Any = av.CodecContext.create("h264", "r")
        kept: list[tuple[float, list[float]]] = []
        for number, time in enumerate(self.times):
            frame = av.VideoFrame.from_ndarray(self.picture(time), format="gray")
            frame = frame.reformat(format="yuv420p")
            frame.pts = number
            kept.append((time, [each.visible for each in self.actors]))
            for packet in encoder.encode(frame):
                for made in decoder.decode(packet):
                    at, visible = kept.pop(0)
                    yield at, reduce_luma(made), visible


def ground(scene: Scene) -> Picture:
    """A background: flat, bricks, a street, a room, or a heap of leaves."""
    random, h, w = scene.random, scene.height, scene.width
    y, x = np.mgrid[0:h, 0:w].astype(np.float32)
    kind = scene.ground
    image = np.ones((h, w), np.float32)
    if kind == "bricks":
        side = random.integers(h // 16, h // 7)
        row = (y // side).astype(int)
        column = ((x + (row % 2) * side) // (2 * side)).astype(int)
        tones = random.uniform(0.8, 1.2, (64, 64)).astype(np.float32)
        image = tones[row % 64, column % 64]
        image[(y % side < 2) | ((x + (row % 2) * side) % (2 * side) < 2)] = 0.6
    elif kind == "street":
        image = 1.5 - 0.5 * y / h
        horizon = int(h * random.uniform(0.3, 0.45))
        image[horizon:] = 0.75 + 0.2 * (y[horizon:] - horizon) / h
        for _ in range(6):
            left, wide = random.uniform(-0.1, 1) * w, random.uniform(0.08, 0.25) * w
            top = horizon * random.uniform(0.2, 0.9)
            image[int(top) : horizon + int(h * 0.05), max(0, int(left)) : int(left + wide)] = (
                random.uniform(0.4, 1.3)
            )
        for k in range(-4, 12):
            cv2.line(image, (int(w * 0.5), horizon), (int(w * k / 6), h), 0.9, 2, cv2.LINE_AA)
    elif kind == "room":
        image = 1.1 - 0.3 * np.abs(x / w - 0.5)
        image[int(h * 0.75) :] *= 0.7
        for _ in range(8):
            a, b = random.uniform(0, 0.9) * w, random.uniform(0.1, 0.8) * h
            c, d = random.uniform(0.04, 0.2) * w, random.uniform(0.05, 0.3) * h
            tone = random.uniform(0.3, 1.7)
            cv2.rectangle(image, (int(a), int(b)), (int(a + c), int(b + d)), tone, -1)
    elif kind == "leaves" or kind == "mixed":
        for octave in range(2, 8):
            n = 2**octave
            coarse = random.standard_normal((n, n)).astype(np.float32)
            amount = 0.12 if kind == "mixed" else 0.07 * 1.15**octave
            image += amount * cv2.resize(coarse, (w, h), interpolation=cv2.INTER_CUBIC)
        if kind == "mixed":
            image[:, int(w * 0.62) :] *= 1.35
            image[int(h * 0.7) :] *= 0.7
    image = cv2.GaussianBlur(image, (0, 0), 0.7)
    return np.clip(image * scene.level, 2, 253).astype(np.float32)
