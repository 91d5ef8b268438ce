"""Messages of the process, in pieces and broken."""

from __future__ import annotations

import json
import struct

import pytest

from twistedcam.sources.picamera.messages import (
    CameraAnswer,
    CameraDecoder,
    CameraList,
    CameraOpened,
    PiCameraFailed,
    SensorPicture,
)


def message(kind: int, body: object) -> bytes:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return struct.pack("!BI", kind, len(data)) + data


OPENED = {
    "width": 640,
    "height": 480,
    "fps": 30,
    "model": "imx708",
    "encoder": "H264Encoder",
    "controls": {"Brightness": [-1, 1, 0]},
    "missing": ["LensPosition"],
}


def test_messages_are_read_in_any_pieces() -> None:
    data = b"".join(
        (
            message(1, OPENED),
            message(2, struct.pack("!qBI", 5, 1, 3) + b"data"),
            message(4, {"id": 1, "values": {"ExposureTime": 9}}),
            message(4, {"id": 2, "error": "no\nsuch  control"}),
            message(5, [{"model": "imx708"}]),
            message(3, {"reason": "gone"}),
        )
    )
    decoder = CameraDecoder()
    found = [each for n in range(len(data)) for each in decoder.feed(data[n : n + 1])]
    ranges = {"Brightness": (-1.0, 1.0, 0.0)}
    assert found == [
        CameraOpened(640, 480, 30.0, "imx708", "H264Encoder", ranges, ("LensPosition",)),
        SensorPicture(5, b"data", 3),
        CameraAnswer(1, {"ExposureTime": 9}, ""),
        CameraAnswer(2, {}, "no such control"),
        CameraList([{"model": "imx708"}]),
        PiCameraFailed("gone"),
    ]


@pytest.mark.parametrize(
    "data",
    [
        message(9, {}),
        message(1, {"width": 1}),
        message(1, b"\xff"),
        message(2, b"short"),
        message(4, []),
        message(5, 3),
        struct.pack("!BI", 2, 1 << 30),
    ],
)
def test_what_is_no_message_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="a message of"):
        list(CameraDecoder().feed(data))
