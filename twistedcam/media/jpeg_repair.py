"""Cameras' JPEGs as they should be: mended where that is possible, refused where it is not."""

from __future__ import annotations

from typing import NamedTuple

from twistedcam.media import jpeg
from twistedcam.media.jpeg_decoder import check_jpeg
from twistedcam.media.jpeg_truncation import check_length

#: Cameras round heights up to whole blocks and say so in one place only.
_BLOCK = 16
#: Bytes that may stand before the start marker: the end of a line, or of a part's headers.
MOST_BEFORE = 4096


class Whole(NamedTuple):
    """A JPEG that every decoder takes."""

    jpeg: bytes
    size: jpeg.Size
    #: Whether something was missing that has been put in, or too much that was taken out.
    repaired: bool


def repair_jpeg(data: bytes, expected: tuple[int, int] | None = None) -> Whole:
    """The picture from its start marker to its end marker, with Huffman tables.

    One that has all this costs a look at its headers. Where the end marker is missing, the picture
    is decoded to see whether anything else is missing, too.

    Arguments:
        data: what a camera gave.
        expected: the (width, height) that it has to have; None where any will do.

    Raises:
        ValueError: it is broken; the message says how.
    """
    return examine(data, expected)[0]


def examine(data: bytes, expected: tuple[int, int] | None = None) -> tuple[Whole, jpeg.Header]:
    """As repair_jpeg; and the header of the picture that it gives."""
    repaired = False
    if not data.startswith(jpeg.SOI):
        before = data.find(jpeg.SOI + b"\xff", 0, MOST_BEFORE + 3)
        if before > 0:
            data, repaired = data[before:], True
    header = jpeg.read_header(data)
    if header.start:
        data, repaired = data[header.start :], True
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
    check_length(data, header)
    if not header.has_huffman_tables and not jpeg.has_arithmetic_codes(data, header):
        data = jpeg.with_huffman_tables(data, header)
        header = header._replace(
            scan_at=header.scan_at + len(jpeg.STANDARD_TABLES), has_huffman_tables=True
        )
        repaired = True
    if not ended:
        check_jpeg(data, is_doubtful=True)
    return Whole(data, size, repaired or not ended), header


def _differ(size: jpeg.Size, expected: tuple[int, int]) -> bool:
    return any(abs(a - b) >= _BLOCK for a, b in zip(size, expected, strict=True))
