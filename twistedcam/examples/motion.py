"""Boxes around what moves; they are told, too, as long as there are any."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import cv2

from twistedcam import Frame

#: The share of the picture that a thing has to cover to count.
LEAST = 0.002
GREEN = (0, 255, 0)
#: The picture is looked at in this width: quick enough, and it keeps noise out.
WIDTH = 320


async def motion(frames: AsyncIterator[Frame]) -> AsyncIterator[Any]:
    """The picture with boxes, and ``{"boxes": [[x, y, width, height], …]}`` in its pixels."""
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
    """True if nearly all pixels have changed: the light did, or it is the first picture."""
    return bool(cv2.countNonZero(moving) > 0.8 * moving.size)


def boxes_in(moving: Any, scale: float) -> list[list[int]]:
    """The boxes around what moves, in the frame's pixels.

    Arguments:
        moving: (height, width) uint8: not 0 where something moves.
        scale: the frame's pixels to one of these.
    """
    contours, _ = cv2.findContours(moving, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    return [
        [round(side * scale) for side in cv2.boundingRect(contour)]
        for contour in contours
        if cv2.contourArea(contour) > LEAST * moving.size
    ]
