"""Samples in the fragments of an MP4 or MOV file (ISO/IEC 14496-12, 8.8)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Literal

from twistedcam.recording.mp4.arrays import SampleArrays
from twistedcam.recording.mp4.boxes import Box, UnreadableMovie, boxes, find_box, need_box
from twistedcam.recording.mp4.sample_entry import SampleEntry
from twistedcam.util.libraries import np

#: Flags of a track's fragment, for the fields that it has (8.8.7): the base of its positions, the
#: number of a description, and defaults in the order of ``TrackParts.defaults``.
_HAS_BASE, _HAS_DESCRIPTION, _DEFAULTS = 0x1, 0x2, (0x8, 0x10, 0x20)
#: Flags of a run of samples (8.8.8): the run has its position, and flags for its first sample;
#: each sample has its duration, size, flags, and shift.
_HAS_OFFSET, _HAS_FIRST_FLAGS = 0x1, 0x4
_DURATION, _SIZE, _FLAGS, _SHIFT = 0x100, 0x200, 0x400, 0x800
#: The flag of a sample at which no decoder can begin.
_NOT_SYNC = 0x10000


@dataclass
class TrackParts:
    """A track as it is read: its description, and its samples in parts."""

    id: int
    kind: Literal["video", "audio"]
    timescale: int
    entry: SampleEntry
    width: int
    height: int
    origin: int
    #: Defaults of fragments: duration, size, flags.
    defaults: tuple[int, int, int]
    parts: list[SampleArrays]


def add_fragment(moof: bytes, position: int, tracks: list[TrackParts], size: int) -> None:
    """Add the samples of a fragment to its tracks."""
    top = next(boxes(moof, 0, len(moof)))
    for traf in boxes(moof, top.body, top.end):
        if traf.kind != b"traf":
            continue
        tfhd = need_box(moof, traf, b"tfhd")
        flags, id = struct.unpack_from(">II", moof, tfhd.body)
        track = next((each for each in tracks if each.id == id), None)
        if track is None:
            continue
        at, base = tfhd.body + 8, position
        if flags & _HAS_BASE:
            (base,) = struct.unpack_from(">Q", moof, at)
            at += 8
        at += 4 if flags & _HAS_DESCRIPTION else 0
        defaults = list(track.defaults)
        for place, bit in enumerate(_DEFAULTS):
            if flags & bit:
                (defaults[place],) = struct.unpack_from(">I", moof, at)
                at += 4
        time = track.parts[-1].end if track.parts else 0
        tfdt = find_box(moof, traf, b"tfdt")
        if tfdt is not None:
            form = ">Q" if moof[tfdt.body] == 1 else ">I"
            (time,) = struct.unpack_from(form, moof, tfdt.body + 4)
        for trun in boxes(moof, traf.body, traf.end):
            if trun.kind == b"trun":
                time = _add_run(moof, trun, track, defaults, base, time, size)


def _add_run(
    moof: bytes, trun: Box, track: TrackParts, defaults: list[int], base: int, time: int, size: int
) -> int:
    """Add the samples of a run; return the time of its end."""
    flags, count = struct.unpack_from(">II", moof, trun.body)
    flags &= 0xFFFFFF
    at, offset, first_flags = trun.body + 8, 0, None
    if flags & _HAS_OFFSET:
        (offset,) = struct.unpack_from(">i", moof, at)
        at += 4
    if flags & _HAS_FIRST_FLAGS:
        (first_flags,) = struct.unpack_from(">I", moof, at)
        at += 4
    present = [bit for bit in (_DURATION, _SIZE, _FLAGS, _SHIFT) if flags & bit]
    if not count:
        return time
    if not present and count > size:
        raise UnreadableMovie("it has more samples than bytes")
    rows = np.frombuffer(moof, ">u4", count * len(present), at).reshape(count, len(present))
    columns = {bit: rows[:, place].astype(np.int64) for place, bit in enumerate(present)}
    durations = columns.get(_DURATION, np.full(count, defaults[0], np.int64))
    sizes = columns.get(_SIZE, np.full(count, defaults[1], np.int64))
    sample_flags = columns.get(_FLAGS, np.full(count, defaults[2], np.int64))
    if first_flags is not None:
        sample_flags[0] = first_flags
    shifts = columns.get(_SHIFT, np.zeros(count, np.int64))
    shifts = shifts.astype(np.uint32).view(np.int32).astype(np.int64)
    offsets = base + offset + np.cumsum(sizes) - sizes
    if int((offsets + sizes).max()) > size:
        return time  # cut short, or still being written
    times = time + np.cumsum(durations) - durations
    is_sync = (sample_flags & _NOT_SYNC) == 0
    track.parts.append(SampleArrays(offsets, sizes, times, durations, shifts, is_sync))
    return track.parts[-1].end
