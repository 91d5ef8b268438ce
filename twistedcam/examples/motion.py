"""Boxes around what moves; they are told, too, as long as there are any."""

from __future__ import annotations

from typing import Any

import cv2

from twistedcam import Frame

#: The share of the picture that a thing has to cover to count.
LEAST = 0.002
GREEN = (0, 255, 0)
#: The picture is looked at in this width: quick enough, and it keeps noise out.
WIDTH = 320

_background = cv2.createBackgroundSubtractorMOG2(history=300, detectShadows=False)


def motion(frame: Frame) -> Any:
    """The picture with boxes, and ``{"boxes": [[x, y, width, height], …]}`` in its pixels."""
    scale = frame.width / WIDTH
    small = cv2.resize(frame.image, (WIDTH, round(frame.height / scale)))
    moving = _background.apply(cv2.GaussianBlur(small, (5, 5), 0))
    moving = cv2.dilate(moving, None, iterations=3)  # type: ignore[call-overload]
    if cv2.countNonZero(moving) > 0.8 * moving.size:
        return frame  # the light has changed, or it is the first picture
    contours, _ = cv2.findContours(moving, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    boxes = [
        [round(side * scale) for side in cv2.boundingRect(contour)]
        for contour in contours
        if cv2.contourArea(contour) > LEAST * moving.size
    ]
    if not boxes:
        return frame
    image = frame.image.copy()
    for x, y, width, height in boxes:
        cv2.rectangle(image, (x, y), (x + width, y + height), GREEN, 2)
    return image, {"boxes": boxes}
