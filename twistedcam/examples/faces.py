"""Makes an event and a recording of each time that a face is seen."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import cv2

from twistedcam import Frame

#: YuNet's file from OpenCV's model zoo. If it is in the folder that the server was started in, it
#: is used in place of OpenCV's cascade: it finds faces in profile too.
MODEL = Path("face_detection_yunet_2023mar.onnx")
#: Pictures in a row without a face after which the event ends.
PATIENCE = 20
#: The width at which faces are searched for, to save time.
WIDTH = 480

#: A face: x, y, width and height in pixels of the searched picture, and a score.
Face = tuple[float, ...]


async def faces(frames: AsyncIterator[Frame]) -> AsyncIterator[Any]:
    """Yield ``{"event": "begin", "kind": "face", …}`` while there is a face, then its end."""
    find, missing = finder(), PATIENCE
    async for frame in frames:
        found = find(cv2.resize(frame.image, (WIDTH, round(frame.height * WIDTH / frame.width))))
        missing = 0 if found else missing + 1
        if found:
            *box, score = max(found, key=lambda face: face[4])
            scales = (WIDTH, frame.height * WIDTH / frame.width) * 2
            shares = [side / scale for side, scale in zip(box, scales, strict=True)]
            yield {"event": "begin", "kind": "face", "score": round(score, 2), "box": shares}
        else:
            yield {"event": "end", "kind": "face"} if missing == PATIENCE else frame


def finder() -> Callable[[Any], list[Face]]:
    """Return a function that finds the faces in a picture, (height, width, 3) uint8, BGR."""
    if MODEL.is_file():
        yunet = cv2.FaceDetectorYN.create(str(MODEL), "", (WIDTH, WIDTH))

        def by_yunet(image: Any) -> list[Face]:
            yunet.setInputSize((image.shape[1], image.shape[0]))
            found = yunet.detect(image)[1]
            return (
                [] if found is None else [(*map(float, row[:4]), float(row[-1])) for row in found]
            )

        return by_yunet
    if not hasattr(cv2, "CascadeClassifier"):
        raise RuntimeError(f"OpenCV 5 has no cascades: get {MODEL}, or install opencv-python<5")
    path = Path(cv2.__file__).parent / "data" / "haarcascade_frontalface_default.xml"
    cascade = cv2.CascadeClassifier(str(path))

    def by_cascade(image: Any) -> list[Face]:
        grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
        return [(*map(float, box), 1.0) for box in cascade.detectMultiScale(grey, 1.1, 5)]

    return by_cascade
