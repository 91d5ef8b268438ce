"""What can be learned of a JPEG without decoding it.

Marker layout after ITU-T T.81, annex B.
"""

from __future__ import annotations

import re
from typing import NamedTuple

SOI = b"\xff\xd8"
EOI = b"\xff\xd9"

#: Frame headers (SOF0–SOF15) but for DHT, JPG and DAC, which share the range.
_FRAME_HEADERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
#: Steps from segment to segment: 32 MB of them, of nothing, would take seconds, and all wait.
_MOST_STEPS = 10_000
#: Pixels of a picture: a kilobyte can claim thousands of millions, and decoding makes room for all.
MOST_PIXELS = 100_000_000
_STANDALONE = frozenset(range(0xD0, 0xD8)) | {0x01}
_DHT = 0xC4
#: In a scan: what is no stuffed byte, no restart and no fill byte.
_MARKER = re.compile(rb"\xff[^\x00\x01\xd0-\xd7\xff]")
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
        ValueError: these bytes are not a JPEG, end before the first scan, or have too many pixels
            or segments.
    """
    if jpeg[:2] != SOI:
        raise ValueError("no JPEG: it does not begin with FF D8")
    size: Size | None = None
    huffman = False
    at, end = 2, len(jpeg)
    for _ in range(_MOST_STEPS):
        if at + 4 > end:
            raise ValueError("the JPEG ends before its first scan")
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
                raise ValueError("the JPEG ends before its first scan")
            size = Size(jpeg[at + 7] << 8 | jpeg[at + 8], jpeg[at + 5] << 8 | jpeg[at + 6])
        elif marker == _DHT:
            huffman = True
        elif marker == _SCAN:
            if size is None:
                raise ValueError("a scan before any frame header")
            if not size.width or not size.height:
                raise ValueError("a picture without width or height")
            if size.width * size.height > MOST_PIXELS:
                raise ValueError(
                    f"a picture of {size.width}x{size.height}: it can have {MOST_PIXELS:,} pixels"
                )
            return Header(size, huffman, at)
        at += 2 + length
    raise ValueError("the JPEG has more segments than any picture")


def trim(data: bytes, scan_at: int = 0) -> bytes:
    """Cut what a driver left behind the end marker (padding of its buffer).

    Arguments:
        scan_at: where the first scan begins: a preview before it has end markers of its own.

    Raises:
        ValueError: there is no end marker: the picture is incomplete.
    """
    if data.endswith(EOI):
        return data
    end = data.rfind(EOI, scan_at)
    if end < 0:
        raise ValueError("the JPEG has no end marker: it is incomplete")
    return data[: end + 2]


def first_end(data: bytes, scan_at: int) -> int | None:
    """Where the first end marker is, in bytes from the beginning; None if there is none.

    It looks through the whole picture, which takes about a millisecond for 500 kB.

    Arguments:
        scan_at: where the first scan begins.

    Raises:
        ValueError: there are too many segments.
    """
    at = scan_at
    for _ in range(_MOST_STEPS):
        found = _MARKER.search(data, at)
        if found is None:
            return None
        at = found.start()
        if data.startswith(EOI, at):
            return at
        at += 2 + (data[at + 2] << 8 | data[at + 3]) if at + 4 <= len(data) else 2
    raise ValueError("the JPEG has more segments than any picture")


def with_huffman_tables(data: bytes, header: Header) -> bytes:
    """The JPEG with the standard tables in it, which cameras leave out of Motion-JPEG.

    Arguments:
        header: what read_header gave for these bytes.
    """
    return data[: header.scan_at] + STANDARD_TABLES + data[header.scan_at :]


def _table(kind: int, lengths: bytes, symbols: str) -> bytes:
    return bytes([kind]) + lengths + bytes.fromhex(symbols)


_TABLES = (
    # ITU-T T.81, annex K.3: how many codes there are of 1 to 16 bits, and what they stand for.
    _table(0x00, bytes((0, 1, 5, 1, 1, 1, 1, 1, 1, *[0] * 7)), "000102030405060708090a0b"),
    _table(
        0x10,
        bytes((0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 125)),
        "0102030004110512213141061351610722711432"
        "8191a1082342b1c11552d1f02433627282090a16"
        "1718191a25262728292a3435363738393a434445"
        "464748494a535455565758595a63646566676869"
        "6a737475767778797a838485868788898a929394"
        "95969798999aa2a3a4a5a6a7a8a9aab2b3b4b5b6"
        "b7b8b9bac2c3c4c5c6c7c8c9cad2d3d4d5d6d7d8"
        "d9dae1e2e3e4e5e6e7e8e9eaf1f2f3f4f5f6f7f8"
        "f9fa",
    ),
    _table(0x01, bytes((0, 3, *[1] * 9, *[0] * 5)), "000102030405060708090a0b"),
    _table(
        0x11,
        bytes((0, 2, 1, 2, 4, 4, 3, 4, 7, 5, 4, 4, 0, 1, 2, 119)),
        "0001020311040521310612415107617113223281"
        "08144291a1b1c109233352f0156272d10a162434"
        "e125f11718191a262728292a35363738393a4344"
        "45464748494a535455565758595a636465666768"
        "696a737475767778797a82838485868788898a92"
        "939495969798999aa2a3a4a5a6a7a8a9aab2b3b4"
        "b5b6b7b8b9bac2c3c4c5c6c7c8c9cad2d3d4d5d6"
        "d7d8d9dae2e3e4e5e6e7e8e9eaf2f3f4f5f6f7f8"
        "f9fa",
    ),
)

#: A whole DHT segment with the four tables.
STANDARD_TABLES = b"\xff\xc4" + (2 + sum(map(len, _TABLES))).to_bytes(2, "big") + b"".join(_TABLES)
