"""Draws boxes around moving objects, and sends them as events."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import cv2

from twistedcam import Frame

#: The smallest part of the picture that counts as an object.
MINIMUM = 0.002
GREEN = (0, 255, 0)
#: The width at which motion is detected, which saves time and suppresses noise.
WIDTH = 320


async def motion(frames: AsyncIterator[Frame]) -> AsyncIterator[Any]:
    """Yield the picture with boxes, and ``{"boxes": [[x, y, width, height], …]}`` in pixels."""
    background = cv2.createBackgroundSubtractorMOG2(history=300, detectShadows=False)
    async for frame in frames:
        scale = frame.width / WIDTH
        small = cv2.resize(frame.image, (WIDTH, round(frame.height / scale)))
        moving = background.apply(cv2.GaussianBlur(small, (5, 5), 0))
        moving = cv2.dilate(moving, None, iterations=3)  # type: ignore[call-overload]
        boxes = [] if is_another_scene(moving) else boxes_in(moving, scale)
        if not boxes:
            yield frame
            continue
        image = frame.image.copy()
        for x, y, width, height in boxes:
            cv2.rectangle(image, (x, y), (x + width, y + height), GREEN, 2)
        yield image, {"boxes": boxes}


def is_another_scene(moving: Any) -> bool:
    """Return True if nearly all pixels have changed, by the light or in the first picture."""
    return bool(cv2.countNonZero(moving) > 0.8 * moving.size)


def boxes_in(moving: Any, scale: float) -> list[list[int]]:
    """Return the boxes around moving objects, in the frame's pixels.

    Arguments:
        moving: (height, width) uint8, not 0 where something moves.
        scale: the ratio of the frame's width to that of ``moving``.
    """
    contours, _ = cv2.findContours(moving, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    return [
        [round(side * scale) for side in cv2.boundingRect(contour)]
        for contour in contours
        if cv2.contourArea(contour) > MINIMUM * moving.size
    ]
