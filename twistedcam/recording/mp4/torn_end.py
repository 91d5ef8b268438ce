"""Mends the end of a fragmented MP4 or MOV whose writer was killed."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from itertools import accumulate
from typing import NamedTuple

from twistedcam.recording.mp4.boxes import Box, box_at, boxes, find_box

#: Boxes before the first fragment.
_FRONT = frozenset({b"ftyp", b"free", b"moov"})
#: Flag of tfhd: offsets count from the beginning of moof. And those of trun (ISO/IEC 14496-12,
#: 8.8.7, 8.8.8).
_BASE_IS_MOOF = 0x20000
_HAS_OFFSET, _HAS_FIRST_FLAGS, _HAS_SIZES = 0x1, 0x4, 0x200
_COLUMNS = (0x100, _HAS_SIZES, 0x400, 0x800)
#: Bytes of the header of a box.
_HEADER = 8


def mend_end(fd: int) -> None:
    """Cut off what was not written to its end, and keep each sample that was.

    FFmpeg reads nothing of a file with an incomplete header, and nothing behind the first sample
    that is incomplete, though that may be sound and pictures may be before it. A file that has not
    even a whole index is emptied. Files that are no fragmented MP4, or are whole, are not changed.
    """
    size = os.fstat(fd).st_size
    found = list(_boxes(fd, size))
    kinds = {each.kind for each in found}
    end = found[-1].end if found else 0
    torn = os.pread(fd, _HEADER, end)[4:]
    if not found and size >= _HEADER and torn != b"ftyp":
        return  # something else
    if b"moov" not in kinds:
        if kinds <= _FRONT and (torn in _FRONT or size - end < _HEADER):
            os.ftruncate(fd, 0)
        return
    if found[-1].kind == b"moof":
        if torn != b"mdat" or not _keep_samples(fd, found[-1], size):
            os.ftruncate(fd, found[-1].start)
    elif end < size:
        os.ftruncate(fd, end)


def _boxes(fd: int, size: int) -> Iterator[Box]:
    """The boxes of the file that are whole."""
    at = 0
    while at < size:
        found = box_at(os.pread(fd, 16, at), at, size - at)
        if found is None or found.kind == bytes(4):  # zeros that a file system has left
            return
        yield found
        at = found.end


class _Run(NamedTuple):
    """Samples of a fragment: the box of their track, the place of their number, their ends."""

    track: Box
    count_at: int
    ends: list[int]


def _keep_samples(fd: int, fragment: Box, size: int) -> bool:
    """Leave out the samples that are not whole; False if none is."""
    moof = os.pread(fd, fragment.end - fragment.start, fragment.start)
    runs = _runs(moof, fragment)
    if not runs:
        return True  # of another structure: it stays as it is
    last, kept = 0, set[Box]()
    for track, count_at, ends in runs:
        whole = [each for each in ends if each <= size]
        os.pwrite(fd, struct.pack(">I", len(whole)), fragment.start + count_at)
        if whole:
            last = max(last, whole[-1])
            kept.add(track)
    if not last:
        return False
    for track in {each.track for each in runs} - kept:
        os.pwrite(fd, b"free", fragment.start + track.start + 4)
    os.pwrite(fd, struct.pack(">I", last - fragment.end), fragment.end)
    os.ftruncate(fd, last)
    return True


def _runs(moof: bytes, fragment: Box) -> list[_Run]:
    """The runs of samples in the header of a fragment; none if one is of another structure."""
    found: list[_Run] = []
    for traf in boxes(moof, _HEADER, len(moof)):
        if traf.kind != b"traf":
            continue
        tfhd = find_box(moof, traf, b"tfhd")
        if tfhd is None or not struct.unpack_from(">I", moof, tfhd.body)[0] & _BASE_IS_MOOF:
            return []
        for trun in boxes(moof, traf.body, traf.end):
            if trun.kind != b"trun":
                continue
            flags, count, offset = struct.unpack_from(">IIi", moof, trun.body)
            if not flags & _HAS_OFFSET or not flags & _HAS_SIZES:
                return []
            columns = [each for each in _COLUMNS if flags & each]
            step = 4 * len(columns)
            first = trun.body + (16 if flags & _HAS_FIRST_FLAGS else 12)
            place, end = first + 4 * columns.index(_HAS_SIZES), min(trun.end, first + count * step)
            sizes = [int.from_bytes(moof[at : at + 4], "big") for at in range(place, end, step)]
            ends = [fragment.start + offset + each for each in accumulate(sizes)]
            found.append(_Run(traf, trun.body + 4, ends))
    return found
