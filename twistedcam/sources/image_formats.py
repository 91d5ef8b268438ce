"""Pictures of other formats than JPEG, told by their first bytes."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, UnidentifiedImageError

from twistedcam.media import jpeg
from twistedcam.sources.base import RawPicture

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SIGNATURES = (b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a", b"BM", b"II*\0", b"MM\0*")
_BROKEN = (
    *(OSError, SyntaxError, EOFError, MemoryError),
    *(Image.DecompressionBombError, Image.DecompressionBombWarning),
)
#: Bytes that are needed to tell the format.
SIGNATURE_SIZE = 16


def is_jpeg(data: bytes | bytearray) -> bool:
    """Whether these bytes begin as a JPEG, after line ends that some cameras send first."""
    return data[:SIGNATURE_SIZE].lstrip(b"\r\n").startswith(jpeg.SOI)


def is_other_image(data: bytes) -> bool:
    """Whether these bytes begin as a picture of another format."""
    is_webp = data.startswith(b"RIFF") and data[8:12] == b"WEBP"
    is_avif = data[4:12] in (b"ftypavif", b"ftypheic", b"ftypmif1")
    return is_webp or is_avif or data.startswith(_SIGNATURES)


def grab_of(data: bytes, time: float) -> RawPicture:
    """A picture as it came: a JPEG as it is, another one decoded, or what is wrong with it."""
    if is_jpeg(data):
        return RawPicture(time, jpeg=data.lstrip(b"\r\n"))
    try:
        return RawPicture(time, image=decode(data))
    except ValueError as error:
        return RawPicture(time, fault=str(error))


def decode(data: bytes) -> NDArray[np.uint8]:
    """The picture as (height, width, 3) uint8, BGR.

    Raises:
        ValueError: it is no picture, is broken, or has more than ``jpeg.MOST_PIXELS``.
    """
    if not data:
        raise ValueError("the camera sends an empty picture")
    try:
        with Image.open(io.BytesIO(data)) as picture:
            width, height = picture.size
            if width * height > jpeg.MOST_PIXELS:
                raise ValueError(
                    f"a picture of {width}x{height}: it can have {jpeg.MOST_PIXELS:,} pixels"
                )
            rgb = np.asarray(picture.convert("RGB"))
    except UnidentifiedImageError:
        raise ValueError("this is no picture of a known format") from None
    except _BROKEN as error:
        raise ValueError(f"the picture cannot be decoded: {error}") from None
    return np.ascontiguousarray(rgb[:, :, ::-1])
