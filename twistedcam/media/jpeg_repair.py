"""Repairs cameras' JPEGs where that is possible, and refuses them where it is not."""

from __future__ import annotations

from typing import NamedTuple

from twistedcam.media import jpeg
from twistedcam.media.jpeg_decoder import check_jpeg
from twistedcam.media.jpeg_truncation import check_length

#: Some cameras round the height up to whole blocks in one of two places.
_BLOCK = 16
#: Bytes before the start marker at most, such as a line end or a part's headers.
MAX_BEFORE = 4096


class RepairedJpeg(NamedTuple):
    """A JPEG that every decoder accepts."""

    jpeg: bytes
    header: jpeg.Header
    #: True if something was added, or too much was removed.
    is_repaired: bool


def repair_jpeg(data: bytes, expected: tuple[int, int] | None = None) -> RepairedJpeg:
    """The picture from its start marker to its end marker, with Huffman tables.

    If it has all of this, only its headers are read. If the end marker is missing, it is decoded to
    check that nothing else is missing.

    Arguments:
        expected: the (width, height) that it must have, or None.

    Raises:
        ValueError: it is broken; the message says how.
    """
    repaired = False
    if not data.startswith(jpeg.SOI):
        before = data.find(jpeg.SOI + b"\xff", 0, MAX_BEFORE + 3)
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
    return RepairedJpeg(data, header, repaired or not ended)


def _differ(size: jpeg.Size, expected: tuple[int, int]) -> bool:
    return any(abs(a - b) >= _BLOCK for a, b in zip(size, expected, strict=True))
