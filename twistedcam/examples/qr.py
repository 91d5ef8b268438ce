"""Sends the text of QR codes as events when they appear and when they disappear."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import cv2

from twistedcam import Frame

#: Consecutive frames without a code after which it has disappeared; one may be blurred.
PATIENCE = 5


async def qr(frames: AsyncIterator[Frame]) -> AsyncIterator[Any]:
    """Yield ``{"seen": text, "corners": [[x, y], …]}``, and later ``{"gone": text}``."""
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
