"""OpenCV's VideoCapture, as a test wants it."""

from __future__ import annotations

from typing import Any

import cv2

MJPG = cv2.VideoWriter.fourcc(*"MJPG")


class Capture:
    """A cv2.VideoCapture that answers as a test wants."""

    def __init__(self) -> None:
        self.opens = True
        self.pictures: list[Any] = []
        self.fourcc = MJPG
        self.stamp = 0.0
        self.asked: tuple[Any, ...] = ()
        self.changed: dict[int, float] = {}
        self.released = 0

    def __call__(self, *asked: Any) -> Capture:
        self.asked = asked
        return self

    def isOpened(self) -> bool:
        return self.opens

    def get(self, number: int) -> float:
        return {
            cv2.CAP_PROP_FOURCC: self.fourcc,
            cv2.CAP_PROP_FRAME_WIDTH: 6,
            cv2.CAP_PROP_FRAME_HEIGHT: 4,
            cv2.CAP_PROP_FPS: 25,
            cv2.CAP_PROP_POS_MSEC: self.stamp,
        }[number]

    def set(self, number: int, value: float) -> None:
        self.changed[number] = value

    def grab(self) -> bool:
        return bool(self.pictures)

    def retrieve(self) -> tuple[bool, Any]:
        picture = self.pictures.pop(0)
        return picture is not None, picture

    def release(self) -> None:
        self.released += 1
