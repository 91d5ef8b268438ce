"""Boxes of MP4 files: found in bytes, and made."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from twistedcam.errors import TwistedcamError


class UnreadableMovie(TwistedcamError):
    """A file that is no MP4, or one with a structure that cannot be copied from.

    The message says why, without the file's name.
    """


class Box(NamedTuple):
    """A box: its type, and where it begins, its contents begin, and it ends."""

    kind: bytes
    start: int
    body: int
    end: int


def box_at(head: bytes, start: int, left: int) -> Box | None:
    """The box that begins with these bytes; None if it is incomplete or invalid.

    Arguments:
        head: at least 8 bytes, and 16 for a box with a 64-bit length.
        start: its position, for the result.
        left: bytes from there to the end of what contains it.
    """
    if len(head) < 8:
        return None
    length, kind = struct.unpack_from(">I4s", head)
    header = 8
    if length == 1:
        if len(head) < 16:
            return None
        (length,) = struct.unpack_from(">Q", head, 8)
        header = 16
    elif length == 0:
        length = left
    if not header <= length <= left:
        return None
    return Box(kind, start, start + header, start + length)


def boxes(data: bytes, start: int, end: int) -> Iterator[Box]:
    """The boxes one after the other in a part of some bytes."""
    while start + 8 <= end:
        found = box_at(data[start : start + 16], start, end - start)
        if found is None:
            return
        yield found
        start = found.end


def find_box(data: bytes, inside: Box, *path: bytes) -> Box | None:
    """The first box at a path of types inside another box, or None."""
    found: Box | None = inside
    for kind in path:
        if found is None:
            return None
        found = next(
            (each for each in boxes(data, found.body, found.end) if each.kind == kind), None
        )
    return found


def need_box(data: bytes, inside: Box, *path: bytes) -> Box:
    """The first box at a path.

    Raises:
        UnreadableMovie: there is none.
    """
    found = find_box(data, inside, *path)
    if found is None:
        raise UnreadableMovie(f"it has no box {b'/'.join(path).decode('latin-1')}")
    return found


def number_after_dates(data: bytes, header: Box) -> int:
    """The number behind the dates of a header.

    It is the track's id in ``tkhd``, and the steps a second in ``mvhd`` and ``mdhd``. The dates of
    version 1 have 64 bits each (ISO/IEC 14496-12, 8.2.2, 8.3.2, 8.4.2).

    Raises:
        struct.error: the header is cut.
    """
    at = header.body + (20 if data[header.body] == 1 else 12)
    number: int = struct.unpack_from(">I", data, at)[0]
    return number


def make_box(kind: bytes, *contents: bytes) -> bytes:
    """A box with these contents."""
    body = b"".join(contents)
    return struct.pack(">I4s", len(body) + 8, kind) + body


def make_full_box(kind: bytes, version: int, flags: int, *contents: bytes) -> bytes:
    """A box with a version and flags."""
    return make_box(kind, struct.pack(">I", version << 24 | flags), *contents)
