"""A face makes an event when it comes and when it goes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from tests.support.example_frames import all_of
from twistedcam.examples import faces

EMPTY = np.full((240, 320, 3), 120, np.uint8)


def face() -> Any:
    """A face that is drawn, 70 pixels in radius."""
    image = EMPTY.copy()

    def spot(x: int, y: int, width: int, height: int, colour: tuple[int, int, int]) -> None:
        cv2.ellipse(image, (160 + x, 120 + y), (width, height), 0, 0, 360, colour, -1)

    spot(0, 0, 52, 70, (150, 180, 220))
    spot(0, -52, 55, 32, (40, 40, 50))
    for side in (-1, 1):
        spot(side * 22, -13, 12, 6, (60, 60, 70))
        spot(side * 22, -22, 14, 4, (70, 80, 100))
    spot(0, 14, 8, 5, (110, 140, 180))
    spot(0, 35, 21, 5, (80, 80, 150))
    return cv2.GaussianBlur(image, (5, 5), 0)


def events(images: list[Any]) -> list[dict[str, Any]]:
    return [value for value in all_of(faces.faces, images) if isinstance(value, dict)]


@pytest.mark.skipif(not hasattr(cv2, "CascadeClassifier"), reason="OpenCV 5 has no cascades")
def test_a_face_is_found_by_the_cascade_of_opencv() -> None:
    found = events([EMPTY, face(), face(), *[EMPTY] * (faces.PATIENCE + 5)])
    assert [each["event"] for each in found] == ["begin", "begin", "end"]
    x, y, width, height = found[0]["box"]
    assert x < 0.5 < x + width
    assert y < 0.5 < y + height


def test_yunet_is_used_if_its_file_is_there(tmp_path: Path, monkeypatch: Any) -> None:
    model = tmp_path / "yunet.onnx"
    model.write_bytes(b"a model")
    monkeypatch.setattr(faces, "MODEL", model)

    class YuNet:
        def setInputSize(self, size: tuple[int, int]) -> None:
            self.size = size

        def detect(self, image: Any) -> tuple[int, Any]:
            assert self.size == image.shape[1::-1]
            rows = np.array([[120, 90, 240, 180, *[0] * 10, 0.93]], np.float32)
            return 1, rows if image.max() > 200 else None

    monkeypatch.setattr(cv2.FaceDetectorYN, "create", lambda *_: YuNet())
    [began] = events([EMPTY, np.full_like(EMPTY, 255)])
    assert (began["kind"], began["score"]) == ("face", 0.93)
    assert began["box"] == pytest.approx([0.25, 0.25, 0.5, 0.5])


def test_without_a_detector_the_error_says_what_to_install(monkeypatch: Any) -> None:
    monkeypatch.delattr(cv2, "CascadeClassifier", raising=False)
    with pytest.raises(RuntimeError, match=r"yunet.*onnx, or install opencv-python<5"):
        faces.finder()
