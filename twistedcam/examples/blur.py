"""Blurs the background; moving objects stay sharp."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import cv2
import numpy as np

from twistedcam import Frame

#: The radius of the blur, as a part of the picture's width.
STRENGTH = 1 / 40
#: The width at which the background is detected and blurred, to save time.
WIDTH = 320


async def blur(frames: AsyncIterator[Frame]) -> AsyncIterator[Any]:
    """Yield each picture with its background blurred."""
    background = cv2.createBackgroundSubtractorMOG2(history=500, detectShadows=False)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (9, 9))
    async for frame in frames:
        size = (frame.width, frame.height)
        small = cv2.resize(frame.image, (WIDTH, round(frame.height * WIDTH / frame.width)))
        front = background.apply(small, learningRate=0.002)
        front = cv2.morphologyEx(front, cv2.MORPH_CLOSE, kernel)
        weight = cv2.resize(cv2.GaussianBlur(front, (15, 15), 0), size)[:, :, None]
        back = cv2.resize(cv2.GaussianBlur(small, (0, 0), WIDTH * STRENGTH), size)
        mixed = back + (frame.image.astype(np.int32) - back) * weight // 255
        yield mixed.astype(np.uint8)
