"""Draws the time of capture into the picture."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import cv2

from twistedcam import Frame

WHITE, BLACK = (255, 255, 255), (0, 0, 0)


def clock(frame: Frame) -> Any:
    """Return the picture with the local time at its upper left, white with a dark edge."""
    image = frame.image.copy()  # the frame's own image is read-only, since others use it
    text = datetime.fromtimestamp(frame.time).strftime("%H:%M:%S")
    scale = frame.width / 400
    at = (round(10 * scale), round(30 * scale))
    for colour, thick in ((BLACK, 5), (WHITE, 2)):
        width = max(1, round(thick * scale))
        cv2.putText(image, text, at, cv2.FONT_HERSHEY_SIMPLEX, scale, colour, width, cv2.LINE_AA)
    return image
