"""Reads and changes the segments of JPEGs without decoding them (ITU-T T.81, annex B)."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

SOI = b"\xff\xd8"
EOI = b"\xff\xd9"

#: Frame headers (SOF0–SOF15), without DHT, JPG and DAC in the same range.
_FRAME_HEADERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
#: Segments at most: 32 MB of empty ones would take seconds and block all else.
_MAX_STEPS = 10_000
#: Pixels at most: a kilobyte can claim 4,000 million, and a decoder allocates memory for all.
MAX_PIXELS = 100_000_000
_DHT, _SOI, _SCAN, _DRI, _APP1 = 0xC4, 0xD8, 0xDA, 0xDD, 0xE1
_STANDALONE = frozenset(range(0xD0, 0xD8)) | {0x01, _SOI}
#: Segments that are read; others, such as comments and quantization tables, are skipped.
_READ = _FRAME_HEADERS | {_DHT, _DRI, _APP1, _SCAN}
#: EXIF's tag Orientation, and the type of its value.
_ORIENTATION, _SHORT = 0x0112, 3
#: Horizontal and vertical sampling factors as a byte: 1 to 4 each (table B.2).
_SAMPLING = frozenset(h << 4 | v for h in range(1, 5) for v in range(1, 5))
RESTARTS = [bytes((0xFF, 0xD0 + number)) for number in range(8)]
#: Bytes searched at once. Other threads, the reactor's too, wait meanwhile.
_PIECE = 256 * 1024
#: A marker in a scan: no stuffed byte, no restart and no fill byte.
_MARKER = re.compile(rb"\xff[^\x00\x01\xd0-\xd7\xff]")


class Size(NamedTuple):
    """Width and height in pixels."""

    width: int
    height: int


class Header(NamedTuple):
    """The segments before the first scan."""

    size: Size
    has_huffman_tables: bool
    #: Offset of the first start-of-scan marker.
    scan_at: int
    #: Offset of the last start marker; not 0 if there are several.
    start: int = 0
    #: Offset of the frame header (SOF).
    frame_at: int = 0
    #: MCUs between two restart markers; 0 without restart markers.
    restart_interval: int = 0
    #: Offset of EXIF's orientation if it is not 1; else 0.
    orientation_at: int = 0
    #: EXIF's orientation, 1 (upright) to 8.
    orientation: int = 1


def read_header(jpeg: bytes) -> Header:
    """Read the segments up to the first scan.

    A start marker between two segments begins another picture: the one before was cut off.

    Raises:
        ValueError: the data is no JPEG, ends before the first scan, has too many pixels or
            segments, or sampling factors that do not exist.
    """
    if jpeg[:2] != SOI:
        raise ValueError("no JPEG: it does not begin with FF D8")
    start = frame_at = restart = orientation_at = 0
    huffman = False
    at, end = 2, len(jpeg)
    for _ in range(_MAX_STEPS):
        if at + 4 > end:
            raise ValueError("the JPEG ends before its first scan")
        if jpeg[at] != 0xFF:
            raise ValueError(f"a marker is missing at byte {at}")
        marker = jpeg[at + 1]
        if marker == 0xFF:  # fill byte
            at += 1
            continue
        if marker in _STANDALONE:
            if marker == _SOI:
                start, frame_at, restart, orientation_at, huffman = at, 0, 0, 0, False
            at += 2
            continue
        length = jpeg[at + 2] << 8 | jpeg[at + 3]
        if length < 2:
            raise ValueError(f"a segment of impossible length at byte {at}")
        if marker not in _READ:
            pass
        elif marker in _FRAME_HEADERS:
            if at + 10 > end:
                raise ValueError("the JPEG ends before its first scan")
            if frame_at:
                raise ValueError("the JPEG has two frame headers")
            frame_at = at
        elif marker == _DHT:
            huffman = True
        elif marker == _DRI:
            restart = jpeg[at + 4] << 8 | jpeg[at + 5] if at + 6 <= end else 0
        elif marker == _APP1:
            orientation_at = orientation_at or _find_orientation(jpeg, at + 4, at + 2 + length)
        elif marker == _SCAN:
            if not frame_at:
                raise ValueError("a scan before any frame header")
            size = _read_size(jpeg, frame_at)
            turned = jpeg[orientation_at] if orientation_at else 1
            return Header(size, huffman, at, start, frame_at, restart, orientation_at, turned)
        at += 2 + length
    raise ValueError("the JPEG has more segments than any picture")


def _read_size(jpeg: bytes, at: int) -> Size:
    """The size in a frame header, which is checked."""
    size = Size(jpeg[at + 7] << 8 | jpeg[at + 8], jpeg[at + 5] << 8 | jpeg[at + 6])
    if not size.width or not size.height:
        raise ValueError("a picture without width or height")
    if size.width * size.height > MAX_PIXELS:
        raise ValueError(
            f"a picture of {size.width}x{size.height}: it can have {MAX_PIXELS:,} pixels at most"
        )
    components = jpeg[at + 9]
    if not 1 <= components <= 4 or (jpeg[at + 2] << 8 | jpeg[at + 3]) < 8 + 3 * components:
        raise ValueError("the JPEG's frame header has an impossible length")
    if not set(jpeg[at + 11 : at + 10 + 3 * components : 3]) <= _SAMPLING:
        raise ValueError("the JPEG's sampling factors are not from 1 to 4")
    return size


def _find_orientation(jpeg: bytes, at: int, end: int) -> int:
    """The offset of EXIF's orientation in the contents of an APP1 segment.

    It is a SHORT in the first directory (EXIF 2.3, section 4.6.4). 0 if there is none, or none from
    2 to 8.
    """
    if jpeg[at : at + 6] != b"Exif\0\0":
        return 0
    tiff = at + 6
    order: Literal["little", "big"] = "little" if jpeg[tiff : tiff + 2] == b"II" else "big"
    directory = tiff + int.from_bytes(jpeg[tiff + 4 : tiff + 8], order)
    end = min(end, len(jpeg))
    if directory + 2 > end:
        return 0
    count = int.from_bytes(jpeg[directory : directory + 2], order)
    for entry in range(directory + 2, min(directory + 2 + 12 * count, end - 11), 12):
        if int.from_bytes(jpeg[entry : entry + 2], order) == _ORIENTATION:
            kind = int.from_bytes(jpeg[entry + 2 : entry + 4], order)
            value = int.from_bytes(jpeg[entry + 8 : entry + 10], order)
            if kind != _SHORT or not 2 <= value <= 8:
                return 0
            return entry + 8 if order == "little" else entry + 9
    return 0


def without_orientation(data: bytes) -> bytes:
    """The JPEG with all EXIF orientations set to 1 (upright)."""
    while at := read_header(data).orientation_at:
        data = data[:at] + b"\1" + data[at + 1 :]
    return data


def has_arithmetic_codes(data: bytes, header: Header) -> bool:
    """True if its scans are arithmetic-coded, so that it needs no Huffman tables."""
    return data[header.frame_at + 1] >= 0xC9


def unusual_kind(data: bytes, header: Header) -> str:
    """The kind of a JPEG that few programs can show; else an empty text.

    All programs can show baseline, extended and progressive JPEGs with Huffman codes and 8 bits.
    """
    marker, bits = data[header.frame_at + 1], data[header.frame_at + 4]
    if bits == 8 and marker <= 0xC2:
        return ""
    words = [] if bits == 8 else [f"{bits}-bit"]
    if marker in (0xC5, 0xC6, 0xC7, 0xCD, 0xCE, 0xCF):
        words.append("hierarchical")
    if marker in (0xC3, 0xC7, 0xCB, 0xCF):
        words.append("lossless")
    if has_arithmetic_codes(data, header):
        words.append("arithmetic-coded")
    return " ".join(words)


def trim(data: bytes, scan_at: int = 0) -> bytes:
    """Cut off what follows the end marker, such as padding of a driver's buffer.

    Arguments:
        scan_at: offset of the first scan: a preview before it has end markers of its own.

    Raises:
        ValueError: there is no end marker: the picture is incomplete.
    """
    if data.endswith(EOI):
        return data
    high = len(data)
    while high > scan_at + 1:
        low = max(scan_at, high - _PIECE)
        end = data.rfind(EOI, low, high)
        if end >= 0:
            return data[: end + 2]
        high = low + 1 if low > scan_at else 0  # the marker may lie across two pieces
    raise ValueError("the JPEG has no end marker: it is incomplete")


def first_end(data: bytes, scan_at: int) -> int | None:
    """The offset of the first end marker, or None. Takes about a millisecond for 500 kB.

    Raises:
        ValueError: there are too many segments.
    """
    at = scan_at
    for _ in range(_MAX_STEPS):
        found = _next_marker(data, at)
        if found is None:
            return None
        at = found
        if data.startswith(EOI, at):
            return at
        at += 2 + (data[at + 2] << 8 | data[at + 3]) if at + 4 <= len(data) else 2
    raise ValueError("the JPEG has more segments than any picture")


def _next_marker(data: bytes, at: int) -> int | None:
    """The offset of the next marker in a scan, or None."""
    while at < len(data):
        found = _MARKER.search(data, at, at + _PIECE)
        if found is not None:
            return found.start()
        at += _PIECE - 1  # a marker may lie across two pieces
    return None


def count_restarts(data: bytes, scan_at: int, most: int) -> int:
    """The number of restart markers; counting ends soon after ``most``."""
    count = 0
    for low in range(scan_at, len(data), _PIECE):
        high = low + _PIECE + 1
        count += sum(data.count(marker, low, high) for marker in RESTARTS)
        if count > most:
            break
    return count


def with_huffman_tables(data: bytes, header: Header) -> bytes:
    """The JPEG with the standard Huffman tables, which cameras omit from Motion-JPEG."""
    return data[: header.scan_at] + STANDARD_TABLES + data[header.scan_at :]


def _table(kind: int, lengths: bytes, symbols: str) -> bytes:
    return bytes([kind]) + lengths + bytes.fromhex(symbols)


_TABLES = (
    # ITU-T T.81, annex K.3: the number of codes of 1 to 16 bits, and their symbols.
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

#: A DHT segment with the four tables.
STANDARD_TABLES = b"\xff\xc4" + (2 + sum(map(len, _TABLES))).to_bytes(2, "big") + b"".join(_TABLES)
