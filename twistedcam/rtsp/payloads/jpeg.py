"""JPEG in RTP (RFC 2435)."""

from __future__ import annotations

import struct
from functools import lru_cache

from twistedcam.media.jpeg import EOI, SOI, STANDARD_TABLES
from twistedcam.rtsp.payloads.jpeg_parts import read_parts
from twistedcam.rtsp.payloads.unit import MAX_UNIT, AccessUnit

#: Quantization tables for quality 50, in zigzag order (RFC 2435, appendix A).
_LUMA = (
    *(16, 11, 12, 14, 12, 10, 16, 14, 13, 14, 18, 17, 16, 19, 24, 40),
    *(26, 24, 22, 22, 24, 49, 35, 37, 29, 40, 58, 51, 61, 60, 57, 51),
    *(56, 55, 64, 72, 92, 78, 64, 68, 87, 69, 55, 56, 80, 109, 81, 87),
    *(95, 98, 103, 104, 103, 62, 77, 113, 121, 112, 100, 120, 92, 101, 103, 99),
)
_CHROMA = (
    *(17, 18, 18, 24, 21, 24, 47, 26, 26, 47, 99, 66, 56, 66, 99, 99),
    *((99,) * 48),
)
#: Types with restart markers are these plus 64.
_RESTART_TYPES = range(64, 128)
#: Qualities of which the packets have the tables.
_FIRST_DYNAMIC = 128
_MAIN = struct.Struct("!IBBBB")
#: Added to the type if the scan has restart markers (RFC 2435, 3.1.3).
_RESTARTS = 64
#: The quality of a picture whose tables are in its first packet (4.2).
_OWN_TABLES = 255
#: First and last piece of an interval, and no count: the picture is put together first (3.1.7).
_WHOLE = 0xFFFF


class JpegDepacketizer:
    """Makes JPEG files of packets.

    Arguments:
        size: (width, height) in pixels by the session description; the packets of a picture with a
            side of more than 2,040 pixels do not say its size.
    """

    def __init__(self, size: tuple[int, int] | None = None) -> None:
        self._size = size
        self._timestamp: int | None = None
        self._pieces: list[bytes] = []
        self._length = 0
        self._front = b""
        self._fault = ""
        #: The last tables of each quality of 128 to 254: later pictures may leave them out.
        self._tables: dict[int, bytes] = {}

    def push(self, payload: bytes, timestamp: int, marker: bool) -> tuple[AccessUnit, ...]:
        """Take the payload of the next packet; return the picture that is complete now, if any.

        Arguments:
            timestamp, marker: of the packet.
        """
        done: tuple[AccessUnit, ...] = ()
        if timestamp != self._timestamp:
            if self._pieces or self._fault:  # the packet with the marker is missing
                done = self._finish("a picture has no end")
            self._timestamp = timestamp
        try:
            self._take(payload)
        except (ValueError, struct.error) as error:
            self._fault = self._fault or str(error)
        return (*done, *self._finish("")) if marker else done

    def lost(self) -> None:
        """Note that packets are missing before the next one: the pieces' offsets show it, too."""

    def _take(self, payload: bytes) -> None:
        if len(payload) < 8:
            raise ValueError("a JPEG packet is cut")
        offset, kind, quality, width, height = _MAIN.unpack_from(payload)
        offset &= 0xFFFFFF
        at, interval = 8, 0
        if kind in _RESTART_TYPES:
            interval = struct.unpack_from("!H", payload, at)[0]
            at += 4
        if offset == 0:
            if self._pieces:
                raise ValueError("a picture begins in the middle of another")
            self._fault = ""
            tables = b""
            if quality >= _FIRST_DYNAMIC:
                tables, at = self._read_tables(payload, at, quality)
            elif 0 < quality < 100:
                tables = _tables_of(quality)
            else:
                raise ValueError(f"a JPEG packet has the unknown quality {quality}")
            self._front = self._headers(kind & 0x3F, width, height, interval, tables)
        elif not self._pieces and not self._fault:
            raise ValueError("a picture has no beginning")
        if offset != self._length and not self._fault:
            raise ValueError("a piece of a picture is missing")
        piece = payload[at:]
        self._length += len(piece)
        if self._length > MAX_UNIT:
            raise ValueError(f"a picture is larger than {MAX_UNIT >> 20} MiB")
        if not self._fault:
            self._pieces.append(piece)

    def _read_tables(self, payload: bytes, at: int, quality: int) -> tuple[bytes, int]:
        """Return the quantization tables of a picture, and where its data begins."""
        _, precision, length = struct.unpack_from("!BBH", payload, at)
        at += 4
        tables = payload[at : at + length]
        if len(tables) < length:
            raise ValueError("a JPEG packet is cut")
        if not length:
            found = self._tables.get(quality)
            if found is None:
                raise ValueError("a picture has no quantization tables")
            return found, at
        segments, start, number = [], 0, 0
        while start < length and number < 2:
            size = 128 if precision >> number & 1 else 64
            table = tables[start : start + size]
            if len(table) < size:
                raise ValueError("a quantization table is cut")
            segments.append(_table(number, table))
            start, number = start + size, number + 1
        if len(segments) == 1:  # one for both
            first = tables[:start]
            segments.append(_table(1, first))
        made = b"".join(segments)
        if quality < 255:  # 255: the next picture may have others
            self._tables[quality] = made
        return made, at + length

    def _headers(self, kind: int, width: int, height: int, interval: int, tables: bytes) -> bytes:
        """Return the bytes of the JPEG file before its scan."""
        if kind not in (0, 1):
            raise ValueError(f"a JPEG packet has the unknown type {kind}")
        pixels = (width * 8, height * 8)
        if self._size is not None and (not all(pixels) or _is_rounded(pixels, self._size)):
            pixels = self._size
        if not all(pixels):
            raise ValueError("a picture has no size")
        restart = b"\xff\xdd\0\4" + interval.to_bytes(2, "big") if interval else b""
        sampling = 0x21 if kind == 0 else 0x22
        frame = struct.pack("!BHHB", 8, pixels[1], pixels[0], 3)
        frame += bytes((1, sampling, 0, 2, 0x11, 1, 3, 0x11, 1))
        return b"".join(
            [
                *(SOI, tables, restart, b"\xff\xc0\0\x11", frame, STANDARD_TABLES),
                b"\xff\xda\0\x0c\3\1\0\2\x11\3\x11\0\x3f\0",
            ]
        )

    def _finish(self, fault: str) -> tuple[AccessUnit, ...]:
        """Return the picture, or its fault."""
        pieces, timestamp = self._pieces, self._timestamp
        fault = self._fault or fault
        self._pieces, self._length, self._fault = [], 0, ""
        assert timestamp is not None
        if fault:
            return (AccessUnit(timestamp, b"", False, fault),)
        if not pieces:
            return ()
        end = b"" if pieces[-1].endswith(EOI) else EOI
        return (AccessUnit(timestamp, b"".join([self._front, *pieces, end])),)


def _is_rounded(rounded: tuple[int, int], size: tuple[int, int]) -> bool:
    """True if the packets' size is the other one, rounded to whole blocks."""
    return all(0 <= a - b < 16 for a, b in zip(rounded, size, strict=True))


def _table(number: int, values: bytes) -> bytes:
    """A segment with one quantization table, of 64 values of one byte or two."""
    precision = 0x10 if len(values) == 128 else 0
    head = b"\xff\xdb" + (len(values) + 3).to_bytes(2, "big")
    return head + bytes((precision | number,)) + values


@lru_cache(maxsize=16)
def _tables_of(quality: int) -> bytes:
    """The quantization tables of a quality of 1 to 99 (RFC 2435, appendix A)."""
    scale = 5000 // quality if quality < 50 else 200 - quality * 2
    made = []
    for number, table in enumerate((_LUMA, _CHROMA)):
        values = bytes(min(max((value * scale + 50) // 100, 1), 255) for value in table)
        made.append(_table(number, values))
    return b"".join(made)


def packetize(data: bytes, limit: int) -> list[bytes]:
    """Return the payloads of the RTP packets of a JPEG.

    Arguments:
        data: the JPEG from its start to its end marker.
        limit: bytes of a payload at most.

    Raises:
        NotSupported: RTP cannot carry this JPEG; the message says why.
        ValueError: it is no JPEG.
    """
    parts = read_parts(data)
    kind, restarts = parts.kind, b""
    if parts.restart_interval:
        kind += _RESTARTS
        restarts = parts.restart_interval.to_bytes(2, "big") + _WHOLE.to_bytes(2, "big")
    size = bytes((kind, _OWN_TABLES, parts.width // 8, parts.height // 8))
    head = bytes((0, parts.precisions)) + len(parts.tables).to_bytes(2, "big")
    head = restarts + head + parts.tables
    at, end = parts.scan_at, len(data)
    if data.endswith(EOI):
        end -= 2
    start = at
    payloads = []
    while at < end:
        room = max(1, limit - 8 - len(head))
        offset = (at - start).to_bytes(4, "big")  # the first byte is for the type: 0
        payloads.append(b"".join((offset, size, head, data[at : min(at + room, end)])))
        at += room
        head = restarts
    return payloads
