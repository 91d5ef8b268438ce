"""Tells what QR codes say, once when they come into the picture and once when they have gone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import cv2

from twistedcam import Frame

#: Frames in a row without a code before it counts as gone: a single one may be blurred.
PATIENCE = 5


async def qr(frames: AsyncIterator[Frame]) -> AsyncIterator[Any]:
    """``{"seen": text, "corners": [[x, y], …]}``, and later ``{"gone": text}``."""
    detector = cv2.QRCodeDetector()
    missing: dict[str, int] = {}
    async for frame in frames:
        _, texts, corners, _ = detector.detectAndDecodeMulti(frame.image)
        for text, places in zip(texts, () if corners is None else corners, strict=False):
            if text and text not in missing:
                yield {"seen": text, "corners": places.round().astype(int)}
            if text:
                missing[text] = 0
        for text in set(missing) - set(texts):
            missing[text] += 1
            if missing[text] > PATIENCE:
                del missing[text]
                yield {"gone": text}
        yield frame
