"""The fragments of an MP4 or MOV that is being written, and the index for all of it at its end.

The bytes have the structure that FFmpeg calls ``hybrid_fragmented``: an index without samples and
fragments behind it, so that the unfinished file can be read; at the end an ``mdat`` around all of
it, and one index (ISO/IEC 14496-12). Both come from an index of FFmpeg, which has the descriptions
of the tracks, and the metadata.
"""

from __future__ import annotations

import struct
import sys
from array import array
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from twistedcam.recording.mp4.boxes import (
    Box,
    boxes,
    find_box,
    make_box,
    make_full_box,
    need_box,
    number_after_dates,
)
from twistedcam.recording.mp4.fragmenter import AUDIO, NOT_SYNC, SYNC, VIDEO

#: Bytes of a fragment besides data and samples: moof and mfhd; traf, tfhd, tfdt and the head of
#: trun; and those of each sample: duration, size, flags, shift.
_MOOF, _TRAF, _ROW = 24, 64, 16
#: moof and mfhd; traf with tfhd (default-base-is-moof), tfdt (version 1) and the head of trun.
_MOOF_HEAD = struct.Struct(">I4sI4sII")
_TRAF_HEAD = struct.Struct(">I4sI4sIII4sIQI4sIIi")
#: The first number that 32 bits cannot hold.
_WIDE = 1 << 32
_PARENTS = frozenset({b"mdia", b"minf"})
#: Packets of AAC depend on the one before them (10.1): what FFmpeg writes, too.
_ROLL_GROUP = make_full_box(b"sgpd", 1, 0, struct.pack(">4sIIh", b"roll", 2, 1, -1))


class Sample(NamedTuple):
    """An encoded picture or a packet of sound as it is in the file.

    Arguments:
        start: time of decoding, in steps of its track.
        shift: steps from decoding to showing; not negative.
    """

    data: bytes
    start: int
    shift: int = 0
    is_keyframe: bool = True


class SampleRun(NamedTuple):
    """Samples of one track that follow each other, and the end of the last one, in steps."""

    track: int
    samples: Sequence[Sample]
    end: int


class GrowingMovie:
    """An MP4 or MOV that gets longer.

    Arguments:
        index: an ``ftyp`` and a ``moov`` without samples, whose tracks are ``VIDEO`` and perhaps
            ``AUDIO``, and perhaps other boxes, which are left out.
    """

    def __init__(self, index: bytes) -> None:
        found = {each.kind: each for each in boxes(index, 0, len(index))}
        ftyp, moov = found[b"ftyp"], found[b"moov"]
        self._moov = index[moov.start : moov.end]
        self._ftyp = index[ftyp.start : ftyp.end]
        self._tables = {VIDEO: _Table(), AUDIO: _Table()}
        self._fragments = 0

    def timescale(self, track: int) -> int:
        """Steps a second of a track."""
        moov = self._moov
        for trak in boxes(moov, 8, len(moov)):
            if (
                trak.kind == b"trak"
                and number_after_dates(moov, need_box(moov, trak, b"tkhd")) == track
            ):
                return number_after_dates(moov, need_box(moov, trak, b"mdia", b"mdhd"))
        raise KeyError(track)

    @property
    def head(self) -> bytes:
        """The bytes before the first fragment.

        Two boxes in it give room for the header of an ``mdat``, of 8 or of 16 bytes. What such an
        ``mdat`` contains is a fragmented file again.
        """
        return b"".join([self._ftyp, make_box(b"free"), make_box(b"free", self._ftyp), self._moov])

    def render(self, runs: Sequence[SampleRun]) -> bytes:
        """The next fragment, if it had these samples."""
        return b"".join(_fragment(self._fragments + 1, runs))

    def add(self, runs: Sequence[SampleRun], position: int) -> bytes:
        """The next fragment.

        Arguments:
            runs: one of each of its tracks, none of them empty.
            position: that of the fragment in the file.
        """
        self._fragments += 1
        parts = _fragment(self._fragments, runs)
        at = position + len(parts[0])
        for run in runs:
            at += self._tables[run.track].add(run, at)
        return b"".join(parts)

    def finish(self, size: int) -> tuple[bytes, int, bytes]:
        """The end of the file, and the change that makes it one movie.

        Arguments:
            size: bytes of the file so far.

        Returns:
            The index, to append first: until the change is made, players ignore it. And a position
            in the file, and the bytes to write there.
        """
        place = len(self._ftyp) + 8
        if size - place < _WIDE:
            return self._index(), place, struct.pack(">I4s", size - place, b"mdat")
        place -= 8
        return self._index(), place, struct.pack(">I4sQ", 1, b"mdat", size - place)

    def _index(self) -> bytes:
        moov = self._moov
        top = next(boxes(moov, 0, len(moov)))
        mvhd = need_box(moov, top, b"mvhd")
        scale = number_after_dates(moov, mvhd)
        traks, longest = [], 0
        for trak in boxes(moov, top.body, top.end):
            if trak.kind != b"trak":
                continue
            tkhd, mdhd = need_box(moov, trak, b"tkhd"), need_box(moov, trak, b"mdia", b"mdhd")
            table = self._tables[number_after_dates(moov, tkhd)]
            length = -(-table.end * scale // number_after_dates(moov, mdhd))
            traks.append(make_box(b"trak", *self._trak(trak, table, length)))
            longest = max(longest, length)
        others = [
            moov[each.start : each.end]
            for each in boxes(moov, top.body, top.end)
            if each.kind not in (b"mvhd", b"trak", b"mvex")
        ]
        return make_box(b"moov", _with_duration(moov, mvhd, 1, longest), *traks, *others)

    def _trak(self, parent: Box, table: _Table, length: int) -> Iterator[bytes]:
        """The boxes of a track, with its durations and the tables of its samples."""
        moov = self._moov
        for each in boxes(moov, parent.body, parent.end):
            if each.kind in _PARENTS:
                yield make_box(each.kind, *self._trak(each, table, length))
            elif each.kind == b"tkhd":
                yield _with_duration(moov, each, 2, length)
            elif each.kind == b"mdhd":
                yield _with_duration(moov, each, 1, table.end)
            elif each.kind == b"stbl":
                stsd = need_box(moov, each, b"stsd")
                is_aac = find_box(moov[: stsd.end], Box(b"", 0, stsd.body + 8, stsd.end), b"mp4a")
                made = table.boxes(has_roll=is_aac is not None)
                yield make_box(b"stbl", moov[stsd.start : stsd.end], *made)
            else:
                yield moov[each.start : each.end]


class _Table:
    """The samples of a track, in few bytes each: a recording may have millions."""

    def __init__(self) -> None:
        self.end = 0
        self._start = 0
        self._sizes = array("I")
        self._durations = _Runs()
        self._shifts = _Runs()
        self._syncs = array("I")
        self._chunks = array("Q")
        self._chunk_lengths = _Runs()

    def add(self, run: SampleRun, position: int) -> int:
        """Add samples that are at a position in the file; return their bytes."""
        size = 0
        for data, start, shift, is_keyframe in run.samples:
            if self._sizes:
                self._durations.add(start - self._start)
                self._start = start
            self._sizes.append(len(data))
            self._shifts.add(shift)
            if is_keyframe:
                self._syncs.append(len(self._sizes))
            size += len(data)
        self.end = run.end
        self._chunks.append(position)
        self._chunk_lengths.add(len(run.samples))
        return size

    def boxes(self, has_roll: bool) -> Iterator[bytes]:
        """The boxes of the sample table but for the description.

        Arguments:
            has_roll: True if each sample needs the one before it.
        """
        count = len(self._sizes)
        durations = self._durations.copy()
        if count:
            durations.add(self.end - self._start)
        yield make_full_box(b"stts", 0, 0, durations.rows())
        if len(self._syncs) < count:
            yield make_full_box(b"stss", 0, 0, _counted(self._syncs))
        if any(self._shifts.values):
            yield make_full_box(b"ctts", 0, 0, self._shifts.rows())
        yield make_full_box(b"stsc", 0, 0, _chunk_rows(self._chunk_lengths))
        yield make_full_box(b"stsz", 0, 0, bytes(4), _counted(self._sizes))
        if self._chunks and self._chunks[-1] >= _WIDE:
            yield make_full_box(b"co64", 0, 0, _counted(self._chunks))
        else:
            yield make_full_box(b"stco", 0, 0, _counted(array("I", self._chunks)))
        if has_roll and count:
            yield _ROLL_GROUP
            yield make_full_box(b"sbgp", 0, 0, struct.pack(">4sIII", b"roll", 1, count, 1))


class _Runs:
    """Numbers that are often the same as the one before."""

    def __init__(self) -> None:
        self.counts = array("I")
        self.values = array("I")

    def add(self, value: int) -> None:
        if self.values and self.values[-1] == value:
            self.counts[-1] += 1
        else:
            self.counts.append(1)
            self.values.append(value)

    def copy(self) -> _Runs:
        made = _Runs()
        made.counts, made.values = self.counts[:], self.values[:]
        return made

    def rows(self) -> bytes:
        """The number of runs, and count and value of each."""
        both = array("I", bytes(8 * len(self.values)))
        both[::2], both[1::2] = self.counts, self.values
        return struct.pack(">I", len(self.values)) + _big_endian(both)


def _chunk_rows(lengths: _Runs) -> bytes:
    """The first chunk of each run of chunks, their samples, and the number of the description."""
    rows, first = array("I"), 1
    for count, samples in zip(lengths.counts, lengths.values, strict=True):
        rows.extend((first, samples, 1))
        first += count
    return struct.pack(">I", len(lengths.values)) + _big_endian(rows)


def _counted(numbers: array[int]) -> bytes:
    return struct.pack(">I", len(numbers)) + _big_endian(numbers)


def _big_endian(numbers: array[int]) -> bytes:
    if sys.byteorder == "little":
        numbers = numbers[:]
        numbers.byteswap()
    return numbers.tobytes()


def _fragment(number: int, runs: Sequence[SampleRun]) -> list[bytes]:
    """A fragment: all of it up to its data, and the data."""
    moof_size = _MOOF + sum([_TRAF + _ROW * len(run.samples) for run in runs])
    heads = [_MOOF_HEAD.pack(moof_size, b"moof", 16, b"mfhd", 0, number)]
    data: list[bytes] = []
    offset = moof_size + 8
    for track, samples, end in runs:
        rows, size = array("I"), 0
        starts = [each.start for each in samples[1:]]
        starts.append(end)
        for (coded, start, shift, is_keyframe), after in zip(samples, starts, strict=True):
            rows.extend((after - start, len(coded), SYNC if is_keyframe else NOT_SYNC, shift))
            size += len(coded)
            data.append(coded)
        rows_size = _ROW * len(samples)
        heads.append(
            _TRAF_HEAD.pack(
                *(_TRAF + rows_size, b"traf"),
                *(16, b"tfhd", 0x20000, track),
                *(20, b"tfdt", 0x0100_0000, samples[0].start),
                *(20 + rows_size, b"trun", 0x0100_0F01, len(samples), offset),
            )
        )
        heads.append(_big_endian(rows))
        offset += size
    heads.append(struct.pack(">I4s", offset - moof_size, b"mdat"))
    return [b"".join(heads), *data]


def _with_duration(moov: bytes, header: Box, fields: int, duration: int) -> bytes:
    """A header with another duration; it has 64 bits where 32 are too few (8.2.2, 8.3.2, 8.4.2).

    Arguments:
        fields: number of the fields of 32 bits between its dates and its duration.
    """
    flags = int.from_bytes(moov[header.body + 1 : header.body + 4], "big")
    form = f">{{0}}{{0}}{4 * fields}s{{0}}"
    is_wide = moov[header.body] == 1
    old = struct.Struct(form.format("Q" if is_wide else "I"))
    created, changed, between, _ = old.unpack_from(moov, header.body + 4)
    rest = moov[header.body + 4 + old.size : header.end]
    version = 1 if is_wide or duration >= _WIDE - 1 else 0  # all bits set: it is unknown
    made = struct.pack(form.format("Q" if version else "I"), created, changed, between, duration)
    return make_full_box(header.kind, version, flags, made, rest)
