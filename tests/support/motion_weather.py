"""Weather, light and troubles of cameras for the films of ``motion_scenes``.

Each function returns what draws on a picture, or returns another one.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from tests.support.motion_scenes import Change, Picture, Scene


def flakes(rate: float, size: float, wind: float, bright: float) -> Change:
    """Snow: flakes of many distances that come in from above and are never the same."""
    state: dict[str, Any] = {"all": [], "time": 0.0}

    def draw(scene: Scene, image: Picture, time: float) -> None:
        random, h, w = scene.random, scene.height, scene.width
        step = 1 / scene.fps
        if not state["all"]:
            for _ in range(int(rate * 4)):
                state["all"].append([*random.uniform(-0.3, 1.3, 2), random.pareto(2.2) + 0.4, 0.0])
        for _ in range(random.poisson(rate * step)):
            state["all"].append([random.uniform(-0.4, 1.4), -0.1, random.pareto(2.2) + 0.4, 0.0])
        left = []
        for flake in state["all"]:
            near = min(flake[2], 5.0)
            flake[3] = 0.8 * flake[3] + random.normal(0, 0.02)
            flake[0] += (wind * near * 0.3 + flake[3]) * step
            flake[1] += 0.25 * near * step
            if flake[1] < 1.1:
                left.append(flake)
            radius = max(0.7, size * near * h / 240)
            soft = bright * min(1.0, 1.5 / near)
            where = (int(flake[0] * w * 16), int(flake[1] * h * 16))
            x, y, r = where[0] // 16, where[1] // 16, int(radius) + 3
            a, b, c, d = max(0, y - r), min(h, y + r), max(0, x - r), min(w, x + r)
            if a >= b or c >= d:
                continue
            layer = np.zeros((b - a, d - c), np.float32)
            at = (where[0] - c * 16, where[1] - a * 16)
            cv2.circle(layer, at, int(radius * 16), soft, -1, cv2.LINE_AA, 4)
            if near > 1.5:
                layer = cv2.GaussianBlur(layer, (0, 0), radius / 3)
            image[a:b, c:d] += layer
        state["all"] = left

    return draw


def streaks(rate: float, bright: float, slant: float, begin: float = 0.0) -> Change:
    """Rain: streaks as long as the exposure, near ones long, broad and faint."""

    def draw(scene: Scene, image: Picture, time: float) -> None:
        if time < begin:
            return
        random, h, w = scene.random, scene.height, scene.width
        layer = np.zeros_like(image)
        for _ in range(random.poisson(rate)):
            near = min(4.0, random.pareto(2) + 0.3)
            x, y, long = random.uniform(-0.1, 1.1) * w, random.uniform(-0.2, 1) * h, 0.08 * near * h
            ends = [(x, y), (x + slant * long, y + long)]
            a, b = [(int(p * 16), int(q * 16)) for p, q in ends]
            tone = bright / (0.6 + 0.5 * near)
            cv2.line(layer, a, b, tone, max(1, round(near * h / 480)), cv2.LINE_AA, 4)
        image += layer

    return draw


def light_step(at: float, times: float, plus: float, ramp: float, off: float) -> Change:
    """A lamp over the whole scene: it multiplies what is there and adds to it."""

    def draw(scene: Scene, image: Picture, time: float) -> Picture | None:
        on = np.clip((time - at) / max(ramp, 1e-3), 0, 1) if time < off else 0.0
        return image * np.float32(1 + on * (times - 1)) + np.float32(on * plus) if on else None

    return draw


def beam(at: float, seconds: float, power: float, wide: float, y: float) -> Change:
    """Headlights: a spot of light that goes through the picture."""

    def draw(scene: Scene, image: Picture, time: float) -> Picture | None:
        share = (time - at) / seconds
        if not -0.1 < share < 1.1:
            return None
        rows, columns = np.mgrid[0 : scene.height, 0 : scene.width].astype(np.float32)
        x = (share * 1.6 - 0.3) * scene.width
        far = np.hypot(columns - x, 1.6 * (rows - y * scene.height)) / (wide * scene.width)
        return image + (image + 8) * np.float32(power) * np.exp(-far * far)

    return draw


def clouds(depth: float, speed: float, size: float) -> Change:
    state: dict[str, Any] = {}

    def draw(scene: Scene, image: Picture, time: float) -> Picture:
        if not state:
            n = max(4, int(4 / size))
            coarse = scene.random.standard_normal((n // 2 + 3, n * 2 + 3)).astype(np.float32)
            sky = cv2.resize(coarse, (scene.width * 4, scene.height), interpolation=cv2.INTER_CUBIC)
            state["sky"] = 1 / (1 + np.exp(-2.5 * sky))
        x = int(time * speed * scene.width) % (scene.width * 3)
        part = state["sky"][:, x : x + scene.width]
        return np.asarray(image * (1 - depth * part), np.float32)

    return draw


def shake(amount: float, hertz: float, begin: float, decay: float = 1e9) -> Change:
    """A mast that swings: the whole picture moves."""

    def draw(scene: Scene, image: Picture, time: float) -> Picture | None:
        if time < begin:
            return None
        size = amount * np.exp(-(time - begin) / decay)
        dx = size * np.sin(6.28 * hertz * (time - begin)) + scene.random.normal(0, size / 5)
        dy = 0.6 * size * np.sin(5.1 * hertz * (time - begin) + 1)
        matrix = np.array([[1, 0, dx], [0, 1, dy]], np.float32)
        return cv2.warpAffine(image, matrix, image.shape[::-1], borderMode=cv2.BORDER_REPLICATE)

    return draw


def focus(at: float, seconds: float, blur: float) -> Change:
    """Autofocus that hunts: the picture becomes soft and sharp, and breathes."""

    def draw(scene: Scene, image: Picture, time: float) -> Picture | None:
        if not at < time < at + seconds:
            return None
        far = abs(np.sin(np.pi * (time - at) / seconds * 2))
        matrix = cv2.getRotationMatrix2D((scene.width / 2, scene.height / 2), 0, 1 + 0.012 * far)
        image = cv2.warpAffine(
            image, matrix, (scene.width, scene.height), borderMode=cv2.BORDER_REPLICATE
        )
        return cv2.GaussianBlur(image, (0, 0), 0.3 + far * blur * scene.height / 240)

    return draw


def steps(begin: float, factors: tuple[float, ...], every: float) -> Change:
    """Automatic exposure that goes in steps."""

    def draw(scene: Scene, image: Picture, time: float) -> Picture | None:
        index = int((time - begin) / every)
        if time < begin:
            return None
        return image * np.float32(factors[min(index, len(factors) - 1)])

    return draw


def insects(count: int, size: float, bright: float) -> Change:
    """Insects close to the lens: soft spots that are here in one picture and there in the next."""
    state: list[Any] = []

    def draw(scene: Scene, image: Picture, time: float) -> None:
        random, h, w = scene.random, scene.height, scene.width
        if not state:
            state.extend(
                [*random.uniform(0, 1, 2), *random.normal(0, 0.8, 2)] for _ in range(count)
            )
        for each in state:
            each[2] = 0.6 * each[2] + random.normal(0, 0.9)
            each[3] = 0.6 * each[3] + random.normal(0, 0.9)
            old = (each[0], each[1])
            each[0] += each[2] / scene.fps
            each[1] += each[3] / scene.fps
            if not (-0.3 < each[0] < 1.3 and -0.3 < each[1] < 1.3):
                each[:] = [random.uniform(0, 1), -0.2, *random.normal(0, 0.8, 2)]
                continue
            layer = np.zeros_like(image)
            a = (int(old[0] * w), int(old[1] * h))
            b = (int(each[0] * w), int(each[1] * h))
            cv2.line(layer, a, b, bright, max(1, int(size * h)), cv2.LINE_AA)
            image += cv2.GaussianBlur(layer, (0, 0), max(0.6, size * h / 3))

    return draw


def clock(every: float, tall: float, at: tuple[float, float]) -> Change:
    """The time in the picture, as cameras write it."""

    def draw(scene: Scene, image: Picture, time: float) -> None:
        number = int(time / every)
        text = f"2026-06-01 18:{number // 60 % 60:02}:{number % 60:02}"
        if every < 1:
            text += f".{number * 37 % 1000:03}"
        where = (int(at[0] * scene.width), int(at[1] * scene.height))
        size = tall * scene.height / 22
        cv2.putText(image, text, where, cv2.FONT_HERSHEY_SIMPLEX, size, 20, 3, cv2.LINE_AA)
        cv2.putText(image, text, where, cv2.FONT_HERSHEY_SIMPLEX, size, 235, 1, cv2.LINE_AA)

    return draw


def flag(x: float, y: float, size: float, hertz: float, begin: float = 0.0) -> Change:
    """A striped flag with waves that run through it."""

    def draw(scene: Scene, image: Picture, time: float) -> None:
        h, w = int(size * scene.height * 0.7), int(size * scene.height)
        top, left = int(y * scene.height), int(x * scene.width)
        rows, columns = np.mgrid[0:h, 0:w].astype(np.float32)
        beat = time if time > begin else 0.0
        wave = np.sin(6.28 * (columns / w * 1.4 - beat * hertz)) * (0.2 + columns / w)
        at = rows + wave * h * 0.1
        tone = np.where((at // max(1, h / 5)) % 2 < 1, 1.4, 0.6) * (1 + 0.15 * wave)
        inside = (at > 0) & (at < h - 1)
        part = image[top : top + h, left : left + w]
        tone, inside = (
            tone[: part.shape[0], : part.shape[1]],
            inside[: part.shape[0], : part.shape[1]],
        )
        part[inside] = (tone * scene.level)[inside]

    return draw


def tree(x: float, y: float, size: float, sway: float, gusts: float, begin: float) -> Change:
    """A crown of leaves in the wind: it bends as a whole, and its leaves flutter."""
    state: dict[str, Any] = {}

    def draw(scene: Scene, image: Picture, time: float) -> None:
        side = int(size * scene.height)
        if not state:
            crown = np.ones((side, side), np.float32)
            for octave in range(2, 6):
                coarse = scene.random.standard_normal((2**octave, 2**octave)).astype(np.float32)
                crown += 0.18 * cv2.resize(coarse, (side, side), interpolation=cv2.INTER_CUBIC)
            state["crown"] = np.clip(crown * 0.7 * scene.level, 2, 250).astype(np.float32)
            state["phase"] = scene.random.uniform(0, 6.28, 4)
        rows, columns = np.mgrid[0:side, 0:side].astype(np.float32)
        strong = 0.15 if time < begin else 0.6 + 0.4 * np.sin(time * gusts + state["phase"][0])
        bend = sway * side * strong * np.sin(time * 3.1 + state["phase"][1]) * (1 - rows / side)
        flutter = sway * side * 0.35 * strong
        dx = bend + flutter * np.sin(time * 8 + rows / 5 + state["phase"][2])
        dy = flutter * np.cos(time * 7 + columns / 6 + state["phase"][3])
        moved = cv2.remap(
            state["crown"],
            np.float32(columns + dx),
            np.float32(rows + dy),
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REFLECT,
        )
        away = np.hypot(columns - side / 2 + bend, rows - side / 2) / (side / 2)
        soft = np.clip((0.95 - away) * 6, 0, 1)
        top, left = int(y * scene.height), int(x * scene.width)
        part = image[max(0, top) : top + side, max(0, left) : left + side]
        r, c = max(0, -top), max(0, -left)
        soft = soft[r : r + part.shape[0], c : c + part.shape[1]]
        part += soft * (moved[r : r + part.shape[0], c : c + part.shape[1]] - part)

    return draw
