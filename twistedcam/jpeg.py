"""What can be learned of a JPEG without decoding it.

Marker layout after ITU-T T.81, annex B.
"""

from __future__ import annotations

from typing import NamedTuple

SOI = b"\xff\xd8"
EOI = b"\xff\xd9"

#: Frame headers (SOF0–SOF15) but for DHT, JPG and DAC, which share the range.
_FRAME_HEADERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_STANDALONE = frozenset(range(0xD0, 0xD8)) | {0x01}
_DHT = 0xC4
_SCAN = 0xDA


class Size(NamedTuple):
    """Width and height in pixels."""

    width: int
    height: int


class Header(NamedTuple):
    """What stands before the first scan."""

    size: Size
    has_huffman_tables: bool
    #: Offset of the first start-of-scan marker.
    scan_at: int


def read_header(jpeg: bytes) -> Header:
    """Walk the segments up to the first scan.

    Raises:
        ValueError: these bytes are not a JPEG, or end before the first scan.
    """
    if jpeg[:2] != SOI:
        raise ValueError("no JPEG: it does not begin with FF D8")
    size: Size | None = None
    huffman = False
    at, end = 2, len(jpeg)
    while at + 4 <= end:
        if jpeg[at] != 0xFF:
            raise ValueError(f"no marker where one is due, at byte {at}")
        marker = jpeg[at + 1]
        if marker == 0xFF:  # fill byte
            at += 1
            continue
        if marker in _STANDALONE:
            at += 2
            continue
        length = jpeg[at + 2] << 8 | jpeg[at + 3]
        if length < 2:
            raise ValueError(f"a segment of impossible length at byte {at}")
        if marker in _FRAME_HEADERS:
            if at + 9 > end:
                break
            size = Size(jpeg[at + 7] << 8 | jpeg[at + 8], jpeg[at + 5] << 8 | jpeg[at + 6])
        elif marker == _DHT:
            huffman = True
        elif marker == _SCAN:
            if size is None:
                raise ValueError("a scan before any frame header")
            if not size.width or not size.height:
                raise ValueError("a picture without width or height")
            return Header(size, huffman, at)
        at += 2 + length
    raise ValueError("the JPEG ends before its first scan")


def trim(data: bytes) -> bytes:
    """Cut what a driver left behind the end marker (padding of its buffer).

    Raises:
        ValueError: there is no end marker: the picture is incomplete.
    """
    if data.endswith(EOI):
        return data
    end = data.rfind(EOI)
    if end < 0:
        raise ValueError("the JPEG has no end marker: it is incomplete")
    return data[: end + 2]
