"""The messages of the process that reads a Raspberry Pi camera, without input or output."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from struct import Struct
from typing import Any

from twistedcam.runtime.child_messages import ChildMessages

_PICTURE_HEAD = Struct("!qBI")
#: Bytes of a message at most: a JPEG of 64 megapixels is smaller.
_MOST = 1 << 26


@dataclass(frozen=True)
class CameraOpened:
    """The camera is open.

    Arguments:
        width, height: pixels.
        fps: frames per second.
        model: the model of the sensor, such as ``imx708``.
        encoder: the class of Picamera2 that encodes.
        ranges: the lowest, the highest and the default value of its controls by libcamera's names.
        missing: controls that were requested and that the camera does not have.
    """

    width: int
    height: int
    fps: float
    model: str
    encoder: str
    ranges: dict[str, tuple[float, float, float]]
    missing: tuple[str, ...]


@dataclass(frozen=True)
class SensorPicture:
    """A picture.

    Arguments:
        time_us: time of capture, microseconds since the UNIX epoch.
        data: a JPEG, or an access unit of H.264.
        lost: the number of pictures that were lost so far.
    """

    time_us: int
    data: bytes
    lost: int


@dataclass(frozen=True)
class CameraAnswer:
    """The answer to an order: values of controls, or an error."""

    id: int
    values: dict[str, float]
    error: str


@dataclass(frozen=True)
class PiCameraFailed:
    """The camera cannot be opened, or gives no more. ``reason`` says why."""

    reason: str


@dataclass(frozen=True)
class CameraList:
    """The cameras of this computer, as ``list_cameras`` of the process describes them."""

    cameras: list[dict[str, Any]]


CameraMessage = CameraOpened | SensorPicture | CameraAnswer | PiCameraFailed | CameraList


class CameraDecoder:
    """Makes messages of bytes."""

    def __init__(self) -> None:
        self._messages = ChildMessages(_MOST)

    def feed(self, data: bytes) -> Iterator[CameraMessage]:
        """Take bytes; yield the messages that are complete.

        Raises:
            ValueError: they are no messages.
        """
        for kind, body in self._messages.feed(data):
            yield _parse(kind, body)


def _parse(kind: int, body: bytes) -> CameraMessage:
    if kind == 2 and len(body) > _PICTURE_HEAD.size:
        time_us, _, lost = _PICTURE_HEAD.unpack_from(body)
        return SensorPicture(time_us, body[_PICTURE_HEAD.size :], lost)
    try:
        found = json.loads(body)
        match kind:
            case 1:
                ranges = {name: tuple(map(float, each)) for name, each in found["controls"].items()}
                return CameraOpened(
                    int(found["width"]),
                    int(found["height"]),
                    float(found["fps"]),
                    str(found["model"]),
                    str(found["encoder"]),
                    {name: each for name, each in ranges.items() if len(each) == 3},
                    tuple(map(str, found["missing"])),
                )
            case 3:
                return PiCameraFailed(" ".join(str(found["reason"]).split())[:240])
            case 4:
                error = " ".join(str(found.get("error", "")).split())[:240]
                return CameraAnswer(int(found["id"]), found.get("values", {}), error)
            case 5:
                return CameraList(list(found))
    except (ValueError, KeyError, TypeError, AttributeError):
        pass
    raise ValueError(f"a message of kind {kind} with {len(body)} bytes")
