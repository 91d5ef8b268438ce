"""The program that Picamera2's Python runs."""

from __future__ import annotations

import ast
import io
import time
from pathlib import Path

import pytest

from twistedcam.sources.picamera import camera_process
from twistedcam.sources.picamera.camera_process import (
    PICTURE_HEAD,
    WAITING,
    Failure,
    MessageSender,
    find_camera,
    numbers,
    reason_of,
    wall_time,
)
from twistedcam.sources.picamera.messages import CameraDecoder, SensorPicture

CAMERAS = [{"Model": "imx708", "Id": "/i2c@1"}, {"Model": "imx219", "Id": "/i2c@0"}]


def test_it_needs_only_the_standard_library_and_an_old_python() -> None:
    tree = ast.parse(Path(camera_process.__file__).read_text(), feature_version=(3, 9))
    imported = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imported |= {each.name.partition(".")[0] for each in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add((node.module or "").partition(".")[0])
    assert "twistedcam" not in imported
    assert {"picamera2", "libcamera", "json"} <= imported
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.Match)]


def test_a_camera_is_found_by_number_id_or_model() -> None:
    assert [find_camera(CAMERAS, each) for each in (0, 1, "imx219", "/i2c@1")] == [0, 1, 1, 0]
    with pytest.raises(Failure, match=r"there is no camera 2: there is 0 \(imx708\), 1 \(imx219\)"):
        find_camera(CAMERAS, 2)
    with pytest.raises(Failure, match="no Raspberry Pi camera was found"):
        find_camera([], 0)


def test_times_of_the_sensor_are_those_of_the_wall_clock() -> None:
    for clock in (time.CLOCK_BOOTTIME, time.CLOCK_MONOTONIC):
        sensor = time.clock_gettime(clock) - 0.05
        assert abs(wall_time(sensor * 1e6) / 1e6 - (time.time() - 0.05)) < 0.02
    assert abs(wall_time(0.0) / 1e6 - time.time()) < 0.02  # of another clock


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Failed to acquire camera: Device or resource busy", "another program uses the camera"),
        ("Permission denied", "this user may not use the camera: it has to be in the group"),
        ("Camera configuration has been adjusted!", "Camera __init__ sequence did not complete."),
    ],
)
def test_reasons_of_libcamera_are_found_behind_those_of_picamera2(text: str, reason: str) -> None:
    error = RuntimeError("Camera __init__ sequence did not complete.")
    error.__cause__ = RuntimeError(text)
    assert reason_of(error).startswith(reason) or reason_of(error) == text


def test_only_controls_that_are_numbers_are_told() -> None:
    found = numbers({"Brightness": (-1.0, 1.0, 0.0), "ScalerCrop": ((0,), (1,), (1,))})
    assert found == {"Brightness": [-1.0, 1.0, 0.0]}
    assert numbers({"AeEnable": (False, True, None)}) == {"AeEnable": [0.0, 1.0, 0.0]}


class Blocked(io.BytesIO):
    """A server that reads nothing."""

    def write(self, data: object) -> int:
        time.sleep(60)
        return 0


def test_pictures_are_lost_and_counted_while_the_server_does_not_read() -> None:
    sender = MessageSender(Blocked())
    sent = [sender.send_picture(b"x", 1, True) for _ in range(WAITING + 3)]
    assert sent[:WAITING] == [True] * WAITING
    assert not sent[-1]
    assert sender.lost in (2, 3)  # the thread may have taken one


def test_a_picture_is_read_as_it_was_sent() -> None:
    body = PICTURE_HEAD.pack(7, 1, 2) + b"jpeg"
    file = io.BytesIO()
    MessageSender(file).send(camera_process.PICTURE, body)
    assert list(CameraDecoder().feed(file.getvalue())) == [SensorPicture(7, b"jpeg", 2)]
