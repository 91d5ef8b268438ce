"""Raw pictures in each format that a device may have."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from twistedcam.sources.webcam.pixel_formats import CONVERTIBLE, convert_to_bgr

#: A picture in one colour: what is measured is which colour arrives. BGR.
COLOUR = (40, 90, 200)
SIZE = (16, 8)


def one_colour() -> NDArray[np.uint8]:
    width, height = SIZE
    return np.full((height, width, 3), COLOUR, np.uint8)


def yuv() -> dict[str, int]:
    """The colour as YUV, BT.601 with values from 16 to 235 as cameras have them."""
    y, _, _, _, u, v = cv2.cvtColor(one_colour()[:2, :2], cv2.COLOR_BGR2YUV_I420).ravel()
    return {"Y": y, "U": u, "V": v}


def packed(order: str) -> NDArray[np.uint8]:
    """Rows of YUV 4:2:2, two pixels as four bytes."""
    values = yuv()
    return np.tile(np.array([values[each] for each in order], np.uint8), (SIZE[1], SIZE[0] // 2))


def planes(order: str) -> list[NDArray[np.uint8]]:
    """Planes of YUV 4:2:0: ``Y``, ``U`` and ``V``, or ``UV`` and ``VU`` for pairs in one plane."""
    width, height = SIZE
    values = yuv()
    found = []
    for each in order.split():
        wide = width if len(each) > 1 or each == "Y" else width // 2
        high = height if each == "Y" else height // 2
        row = np.tile(np.array([values[letter] for letter in each], np.uint8), wide // len(each))
        found.append(np.tile(row, (high, 1)))
    return found


def bayer(order: str) -> NDArray[np.uint8]:
    """A pattern of two rows: ``BG GR``."""
    values = dict(zip("BGR", COLOUR, strict=True))
    first, second = ([values[each] for each in row] for row in order.split())
    return np.tile(np.array([first, second], np.uint8), (SIZE[1] // 2, SIZE[0] // 2))


def rows(name: str) -> list[NDArray[np.uint8]]:
    """The planes of a picture in one colour; rows as bytes."""
    image, grey = one_colour(), np.full(SIZE[::-1], 100, np.uint8)
    with_alpha = np.dstack([image, np.full(SIZE[::-1], 255, np.uint8)])
    made: dict[str, Any] = {
        "YUYV": packed("YUYV"),
        "UYVY": packed("UYVY"),
        "YVYU": packed("YVYU"),
        "BGR3": image,
        "RGB3": image[..., ::-1],
        "XR24": with_alpha,
        "AR24": with_alpha,
        "YU12": planes("Y U V"),
        "YV12": planes("Y V U"),
        "NV12": planes("Y UV"),
        "NV21": planes("Y VU"),
        "BA81": bayer("BG GR"),
        "GBRG": bayer("GB RG"),
        "GRBG": bayer("GR BG"),
        "RGGB": bayer("RG GB"),
        "GREY": grey,
        "Y16": (grey.astype("<u2") << 8).view(np.uint8),
        "Y16-BE": (grey.astype(">u2") << 8).astype(">u2").view(np.uint8),
        "Y12": (grey.astype("<u2") << 4).view(np.uint8),
        "Y10": (grey.astype("<u2") << 2).view(np.uint8),
    }
    found = made[name] if isinstance(made[name], list) else [made[name]]
    return [np.ascontiguousarray(each).reshape(len(each), -1) for each in found]


def expected(name: str) -> tuple[int, int, int]:
    return (100, 100, 100) if name.startswith(("Y1", "GREY")) else COLOUR


@pytest.mark.parametrize("name", CONVERTIBLE)
@pytest.mark.parametrize("gap", [0, 16])
def test_each_format_arrives_in_its_colour_also_with_gaps_between_rows(name: str, gap: int) -> None:
    made = rows(name)
    stride = made[0].shape[1] + gap
    data = b""
    for plane in made:
        # Planes of half the width have gaps of half the size (V4L2, "Planar YUV formats").
        wide = stride * plane.shape[1] // made[0].shape[1]
        data += b"".join(row.tobytes().ljust(wide, b"\x55") for row in plane)
    if gap:
        data = data[:-1]  # a driver may leave out the end of the last gap
    image = convert_to_bgr(name, data, SIZE, stride if gap else 0)
    assert (image.shape, image.dtype) == ((8, 16, 3), np.uint8)
    inside = image[2:-2, 2:-2].reshape(-1, 3).astype(int)
    assert np.abs(inside - expected(name)).max() <= 6


def test_a_short_picture_is_refused() -> None:
    with pytest.raises(ValueError, match="255 bytes: 16x8 YUYV has more"):
        convert_to_bgr("YUYV", bytes(255), SIZE)


def test_a_size_that_the_format_cannot_have_is_refused() -> None:
    with pytest.raises(ValueError, match="a picture of 15x7 NV12"):
        convert_to_bgr("NV12", bytes(1000), (15, 7))
