"""Small grey pictures for the motion detector."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from twistedcam.media.jpeg_decoder import decode_jpeg

#: Cells of a grid at most: 160 by 90.
CELLS = 14_400 * 1.4


def reduce_jpeg(data: bytes) -> NDArray[np.uint8]:
    """Decode a JPEG at an eighth of its size, or more if it is small.

    Returns:
        The grey picture as (height, width) uint8.

    Raises:
        ValueError: it cannot be decoded.
    """
    import simplejpeg

    try:
        height, width, _, _ = simplejpeg.decode_jpeg_header(data)
        factor = 8
        while factor > 1 and (width / factor) * (height / factor) < 9_000:
            factor //= 2
        grey = simplejpeg.decode_jpeg(
            data,
            "GRAY",
            fastdct=True,
            min_factor=factor,
            strict=False,
            min_height=-(-height // factor),
            min_width=-(-width // factor),
        )[:, :, 0]
    except ValueError:
        grey = cv2.cvtColor(decode_jpeg(data), cv2.COLOR_BGR2GRAY)
    return reduce_grey(grey)


def reduce_luma(picture: Any) -> NDArray[np.uint8]:
    """Reduce the brightness of a decoded picture, an av.VideoFrame.

    Raises:
        ValueError: it cannot be converted.
    """
    if picture.format.name.startswith(("yuv4", "yuvj4", "nv", "gray")) and _is_8_bit(picture):
        plane = picture.planes[0]
        rows = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)
        return reduce_grey(rows[: picture.height, : picture.width])
    return reduce_grey(picture.to_ndarray(format="gray"))


def _is_8_bit(picture: Any) -> bool:
    return bool(picture.format.components[0].bits == 8)


def reduce_grey(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Reduce a grey picture to the size that the detector works on."""
    height, width = grey.shape
    share = (CELLS / (height * width)) ** 0.5
    if share >= 1:
        return grey
    size = (max(1, round(width * share)), max(1, round(height * share)))
    return np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.uint8)
