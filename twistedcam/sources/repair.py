"""Cameras' JPEGs as they should be: mended where that is possible, refused where it is not."""

from __future__ import annotations

from typing import NamedTuple

import simplejpeg

from twistedcam import jpeg

#: Cameras round heights up to whole blocks and say so in one place only.
_BLOCK = 16


class Whole(NamedTuple):
    """A JPEG that every decoder takes."""

    jpeg: bytes
    size: jpeg.Size
    #: Whether something was missing that has been put in.
    repaired: bool


def make_whole(data: bytes, expected: tuple[int, int] | None = None) -> Whole:
    """The picture without padding, with Huffman tables and an end marker.

    One that has all this costs a look at its headers. Where the end marker is missing, the picture
    is decoded to see whether anything else is missing, too.

    Arguments:
        data: what a camera gave.
        expected: the (width, height) that it has to have; None where any will do.

    Raises:
        ValueError: it is broken; the message says how.
    """
    header = jpeg.read_header(data)
    size = header.size
    if expected is not None and _differ(size, expected):
        raise ValueError(
            f"the JPEG is {size.width}x{size.height} and not {expected[0]}x{expected[1]}"
        )
    ended = True
    try:
        data = jpeg.trim(data, header.scan_at)
    except ValueError:
        data, ended = data + jpeg.EOI, False
    if not header.has_huffman_tables:
        data = jpeg.with_huffman_tables(data, header)
    if not ended:
        _decode(data)
    return Whole(data, size, not (ended and header.has_huffman_tables))


def _differ(size: jpeg.Size, expected: tuple[int, int]) -> bool:
    return any(abs(a - b) >= _BLOCK for a, b in zip(size, expected, strict=True))


def _decode(data: bytes) -> None:
    """Raise ValueError if anything is missing: this decoder warns of every bit, and is strict."""
    try:
        simplejpeg.decode_jpeg(data, "GRAY", fastdct=True, strict=True)
    except ValueError as error:
        raise ValueError(f"the JPEG is incomplete: {error}") from None
