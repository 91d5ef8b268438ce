"""The reader with OpenCV, whose captures a test plays."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.support.opencv_capture import MJPG, Capture
from twistedcam.errors import CameraFailed
from twistedcam.sources.webcam import opencv_reader
from twistedcam.sources.webcam.opencv_reader import OpenCvReader

PICTURE = np.full((4, 6, 3), 90, np.uint8)
ROW = np.arange(9, dtype=np.uint8)[None]
YUYV = cv2.VideoWriter.fourcc(*"YUYV")


@pytest.fixture
def capture(monkeypatch: pytest.MonkeyPatch) -> Capture:
    """What OpenCV opens in this test."""
    made = Capture()
    monkeypatch.setattr(cv2, "VideoCapture", made)
    return made


@pytest.fixture
def reader(tmp_path: Path, capture: Capture) -> OpenCvReader:
    path = tmp_path / "video0"
    path.touch()
    return OpenCvReader(str(path))


def test_the_format_is_requested_first_because_it_limits_sizes_and_rates(
    reader: OpenCvReader, capture: Capture
) -> None:
    assert reader.open("MJPG", (6, 4), 24.6) == (6, 4, 25)
    path, api, wanted = capture.asked
    assert (path.endswith("/video0"), api) == (True, cv2.CAP_V4L2)
    assert wanted == [
        *(cv2.CAP_PROP_FOURCC, MJPG),
        *(cv2.CAP_PROP_FRAME_WIDTH, 6, cv2.CAP_PROP_FRAME_HEIGHT, 4),
        *(cv2.CAP_PROP_FPS, 25),
    ]
    reader.open(None, (6, 4), 25)
    assert cv2.CAP_PROP_FOURCC not in capture.asked[2][::2]
    assert reader.code == "MJPG"


def test_on_other_systems_a_number_is_opened_and_the_size_not_promised(capture: Capture) -> None:
    reader = OpenCvReader("/dev/video1", 1)
    reader.open("MJPG", (6, 4), 25)
    assert capture.asked[:2] == (1, cv2.CAP_ANY)
    assert capture.changed == {}
    capture.pictures = [ROW]
    picture = reader.read()
    assert picture is not None
    assert picture.size is None


def test_raw_pictures_come_as_pictures_whoever_converts_them(
    reader: OpenCvReader, capture: Capture
) -> None:
    capture.fourcc = YUYV
    capture.pictures = [np.full((4, 6, 2), 128, np.uint8), PICTURE]
    reader.open("YUYV", (6, 4), 25)
    assert capture.changed == {cv2.CAP_PROP_CONVERT_RGB: 0}
    for _ in range(2):  # a driver may convert although it was asked not to
        picture = reader.read()
        assert picture is not None
        assert picture.jpeg is None
        assert picture.image is not None
        assert picture.image.shape == (4, 6, 3)
    reader.close()


def test_a_camera_that_grants_jpeg_and_gives_pictures_is_taken_as_it_is(
    reader: OpenCvReader, capture: Capture
) -> None:
    capture.pictures = [PICTURE, ROW, ROW[0], None, np.zeros((0,), np.uint8)]
    reader.open("MJPG", (6, 4), 25)
    pictures = [reader.read() for _ in range(5)]
    assert pictures[0] is not None
    assert pictures[0].image is PICTURE
    assert pictures[1] is not None
    assert (pictures[1].jpeg, pictures[1].size) == (bytes(range(9)), (6, 4))
    assert pictures[2] is not None
    assert pictures[2].jpeg == bytes(range(9))
    assert pictures[3:] == [None, None]  # the next picture may be one


def test_a_device_that_is_silent_is_no_lost_one(
    reader: OpenCvReader, capture: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader.open("MJPG", (6, 4), 25)
    with pytest.raises(CameraFailed, match="delivers no more pictures"):
        reader.read()  # OpenCV fails at once
    reader.open("MJPG", (6, 4), 25)
    monkeypatch.setattr(opencv_reader, "_SILENCE", -1.0)
    assert reader.read() is None  # it has waited, and the device is there
    os.unlink(str(reader._path))
    with pytest.raises(CameraFailed, match="was unplugged"):
        reader.read()
