"""Makes an event and a recording of each time that a person is seen who stands or walks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import cv2

from twistedcam import Frame

#: The least score of a person; below it are things that look like one.
MIN_SCORE = 0.7
#: Pictures in a row without a person after which the event ends.
PATIENCE = 20
#: The width at which people are searched for. A person has to be 100 pixels high in it.
WIDTH = 480


async def people(frames: AsyncIterator[Frame]) -> AsyncIterator[Any]:
    """Yield ``{"event": "begin", "kind": "person", …}`` while there is a person, then its end."""
    hog, missing = descriptor(), PATIENCE
    async for frame in frames:
        height = round(frame.height * WIDTH / frame.width)
        boxes, scores = hog.detectMultiScale(cv2.resize(frame.image, (WIDTH, height)))
        score, box = max(zip(scores, boxes, strict=True), key=lambda each: each[0], default=(0, ()))
        missing = 0 if score > MIN_SCORE else missing + 1
        if not missing:
            sides = zip(box, (WIDTH, height) * 2, strict=True)
            shares = [min(1.0, max(0.0, side / whole)) for side, whole in sides]
            yield {"event": "begin", "kind": "person", "score": float(score), "box": shares}
        else:
            yield {"event": "end", "kind": "person"} if missing == PATIENCE else frame


def descriptor() -> Any:
    """Return OpenCV's detector of people by histograms of gradients."""
    if not hasattr(cv2, "HOGDescriptor"):
        raise RuntimeError("OpenCV 5 has no detector of people: install opencv-python<5")
    hog = cv2.HOGDescriptor()
    hog.setSVMDetector(cv2.HOGDescriptor.getDefaultPeopleDetector())
    return hog
