"""The parts of a JPEG that RTP carries (RFC 2435), and the reasons why it cannot carry others."""

from __future__ import annotations

from typing import NamedTuple

from twistedcam.errors import NotSupported
from twistedcam.media.jpeg import STANDARD_TABLES, read_header

#: Pixels on a side at most: the header has its eighth in a byte.
MAX_SIDE = 2040
_SOF0, _DHT, _SOS, _DQT = 0xC0, 0xC4, 0xDA, 0xDB
#: The types of pictures by the sampling factors of luma (section 4.1).
_TYPES = {0x21: 0, 0x22: 1}


def _split_tables(segment: bytes) -> dict[int, bytes]:
    """Return the Huffman tables of a DHT segment's content by class and number."""
    tables: dict[int, bytes] = {}
    at = 0
    while at + 17 <= len(segment):
        end = at + 17 + sum(segment[at + 1 : at + 17])
        tables[segment[at]] = segment[at + 1 : end]
        at = end
    return tables


_STANDARD = _split_tables(STANDARD_TABLES[4:])


class JpegParts(NamedTuple):
    """The parts of a JPEG that RFC 2435 sends.

    Arguments:
        kind: the type, without restart markers.
        width, height: pixels.
        restart_interval: MCUs between two restart markers, or 0.
        tables: the quantization tables of luma and chroma, in zigzag order.
        precisions: a bit for each table: 1 if its numbers have 16 bits.
        scan_at: the offset of the coded picture.
    """

    kind: int
    width: int
    height: int
    restart_interval: int
    tables: bytes
    precisions: int
    scan_at: int


def read_parts(data: bytes) -> JpegParts:
    """Read the parts of a JPEG that RFC 2435 sends.

    Raises:
        NotSupported: RTP cannot carry this JPEG; the message says why.
        ValueError: it is no JPEG.
    """
    header = read_header(data)
    width, height = header.size
    sof = header.frame_at
    if data[sof + 1] != _SOF0:
        raise NotSupported("RTP carries only baseline JPEG, and this one is progressive or unusual")
    if data[sof + 9] != 3:
        raise NotSupported("RTP carries no grey JPEG, only one with three components")
    if width % 8 or height % 8 or max(width, height) > MAX_SIDE:
        raise NotSupported(
            f"RTP cannot carry a JPEG of {width}x{height}: its sides have to be multiples of 8, "
            f"{MAX_SIDE} at most"
        )
    components = data[sof + 10 : sof + 19]
    luma, blue, red = (components[at : at + 3] for at in (0, 3, 6))
    if luma[1] not in _TYPES or blue[1] != 0x11 or red[1] != 0x11:
        raise NotSupported("RTP carries JPEG with 4:2:0 or 4:2:2 chroma only")
    quantization, huffman = _read_tables(data, header.scan_at)
    if any(_STANDARD.get(key) != table for key, table in huffman.items()):
        raise NotSupported("RTP carries JPEG with the standard Huffman tables only")
    try:
        tables = quantization[luma[2]], quantization[blue[2]]
        is_equal = quantization[red[2]] == tables[1]
    except KeyError:
        raise ValueError("the JPEG lacks a quantization table") from None
    if not is_equal:
        raise NotSupported("RTP carries JPEG with one quantization table for both chroma only")
    scan = data[header.scan_at + 4 : header.scan_at + 11]
    if scan[:1] != b"\3" or scan[2:7:2] != bytes((0x00, 0x11, 0x11)):
        raise NotSupported("RTP carries JPEG in one scan with the usual tables only")
    precisions = sum((len(table) > 64) << number for number, table in enumerate(tables))
    length = data[header.scan_at + 2] << 8 | data[header.scan_at + 3]
    return JpegParts(
        _TYPES[luma[1]],
        width,
        height,
        header.restart_interval,
        b"".join(tables),
        precisions,
        header.scan_at + 2 + length,
    )


def _read_tables(data: bytes, scan_at: int) -> tuple[dict[int, bytes], dict[int, bytes]]:
    """Return the quantization tables by number, and the Huffman tables by class and number."""
    quantization: dict[int, bytes] = {}
    huffman: dict[int, bytes] = {}
    at = 2
    while at < scan_at:
        marker = data[at + 1]
        if marker == 0xFF:  # fill byte
            at += 1
            continue
        if marker == 0x01 or 0xD0 <= marker <= 0xD8:  # without a length
            at += 2
            continue
        end = at + 2 + (data[at + 2] << 8 | data[at + 3])
        if marker == _DHT:
            huffman |= _split_tables(data[at + 4 : end])
        elif marker == _DQT:
            each = at + 4
            while each < end:
                size = 128 if data[each] >> 4 else 64
                quantization[data[each] & 15] = data[each + 1 : each + 1 + size]
                each += 1 + size
        at = end
    return quantization, huffman
