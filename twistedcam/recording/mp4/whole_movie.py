"""Joins parts of files into one MP4 with its index in front."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from twistedcam.recording.mp4.arrays import Numbers
from twistedcam.recording.mp4.boxes import make_box, make_full_box
from twistedcam.recording.mp4.fragmenter import AUDIO, VIDEO, Cut, Extent
from twistedcam.recording.mp4.init_segment import MOVIE_SCALE, make_edits, make_mvhd, make_trak
from twistedcam.recording.mp4.sample_table import SampleTrack
from twistedcam.util.libraries import np

#: Seconds from 1904 to 1970.
_EPOCH = 2_082_844_800


@dataclass
class _Column:
    """A track of the output.

    Arguments:
        starts: the times of decoding, in steps.
        end: the end of the last sample.
        chunks: number of samples in each chunk.
        delay: steps before the first sample.
    """

    track: SampleTrack
    starts: Numbers
    end: int
    sizes: Numbers
    shifts: Numbers
    is_sync: Any
    chunks: Numbers
    delay: int

    @property
    def durations(self) -> Numbers:
        return np.maximum(np.diff(np.append(self.starts, self.end)), 0)


class WholeMovie:
    """An MP4 of several parts that follow each other.

    Arguments:
        cuts: the parts, whose samples decode the same way.
        created: time of the first picture, in seconds since the UNIX epoch.
        metadata: texts by the types of their boxes, such as ``©cmt``.
    """

    def __init__(self, cuts: Sequence[Cut], created: float, metadata: dict[str, str]) -> None:
        self._cuts = cuts = _without_overlaps(cuts)
        self._created = int(created) + _EPOCH
        self._metadata = metadata
        self._video = _video(cuts)
        self._audio = _audio(cuts)
        self.frames = len(self._video.sizes)
        self.seconds = self._video.end / self._video.track.timescale
        self._data = int(self._video.sizes.sum())
        if self._audio is not None:
            self._data += int(self._audio.sizes.sum())

    def head(self) -> bytes:
        """The bytes before the data of the samples."""
        ftyp = make_box(b"ftyp", b"isom", struct.pack(">I", 0x200), b"isomiso2avc1mp41")
        mdat = (
            struct.pack(">I4s", self._data + 8, b"mdat")
            if self._data + 8 < 1 << 32
            else struct.pack(">I4sQ", 1, b"mdat", self._data + 16)
        )
        is_wide = self._data > (1 << 32) - (1 << 28)
        size = len(self._moov(0, is_wide))
        return ftyp + self._moov(len(ftyp) + size + len(mdat), is_wide) + mdat

    def extents(self) -> Iterator[tuple[int, Extent]]:
        """The places of the data in the order of the output: the number of a cut, and where."""
        for number, cut in enumerate(self._cuts):
            last: Extent | None = None
            for fragment in range(len(cut.starts) - 1):
                for each in cut.extents(fragment):
                    if last is not None and each.offset == last.offset + last.size:
                        last = Extent(last.offset, last.size + each.size)
                        continue
                    if last is not None:
                        yield number, last
                    last = each
            if last is not None:
                yield number, last

    def _moov(self, data: int, is_wide: bool) -> bytes:
        columns = [(VIDEO, self._video)]
        if self._audio is not None:
            columns.append((AUDIO, self._audio))
        offsets = self._chunk_offsets(data)
        length = round(self.seconds * MOVIE_SCALE)
        traks = []
        for id, column in columns:
            track = column.track
            tables = _tables(column, offsets[id], is_wide)
            edits = make_edits(track, length, column.delay * MOVIE_SCALE // track.timescale)
            traks.append(make_trak(id, track, length, column.end, tables, edits))
        mvhd = make_mvhd(length, len(columns) + 1, self._created)
        return make_box(b"moov", mvhd, *traks, _user_data(self._metadata))

    def _chunk_offsets(self, data: int) -> dict[int, Numbers]:
        """The positions of the chunks: in each fragment video first, then sound."""
        video = _chunk_bytes(self._video)
        if self._audio is None:
            return {VIDEO: data + np.cumsum(video) - video}
        audio = _chunk_bytes(self._audio)
        both = np.cumsum(video + audio) - video - audio + data
        return {VIDEO: both, AUDIO: both + video}


def _video(cuts: Sequence[Cut]) -> _Column:
    starts, base = [], 0
    for cut in cuts:
        video = cut.movie.video
        first, last = int(cut.starts[0]), int(cut.starts[-1])
        starts.append(video.times[first:last] - video.times[first] + base)
        base += cut.duration
    parts = [(cut.movie.video, int(cut.starts[0]), int(cut.starts[-1])) for cut in cuts]
    return _column(parts, starts, base, [np.diff(cut.starts) for cut in cuts])


def _audio(cuts: Sequence[Cut]) -> _Column | None:
    starts: list[Numbers] = []
    parts, base, end = [], 0, None
    for cut in cuts:
        audio = cut.movie.audio
        if audio is None:
            return None
        first, last = int(cut.sounds[0]), int(cut.sounds[-1])
        here = audio.times[first:last] + _audio_shift(cut, base)
        starts.append(here if end is None else np.maximum(here, end))
        if last > first:
            end = int(starts[-1][-1] + audio.durations[last - 1])
        parts.append((audio, first, last))
        base += cut.duration
    if end is None:
        return None
    return _column(parts, starts, end, [np.diff(cut.sounds) for cut in cuts])


def _audio_shift(cut: Cut, base: int) -> int:
    """Steps from the times of sound in a file to those in the output."""
    video, audio = cut.movie.video, cut.movie.audio
    assert audio is not None
    begin = base - int(video.times[int(cut.starts[0])])
    return begin * audio.timescale // video.timescale


def _without_overlaps(cuts: Sequence[Cut]) -> list[Cut]:
    """The parts without the sound that is in the part before already.

    Files end with whole frames of sound, which may be longer than the video.
    """
    made, base, end = [], 0, None
    for cut in cuts:
        audio = cut.movie.audio
        if audio is not None:
            shift = _audio_shift(cut, base)
            if end is not None:
                middles = audio.times + audio.durations // 2 + shift
                first = int(np.searchsorted(middles, end, "left"))
                cut = Cut(cut.movie, cut.starts, np.maximum(cut.sounds, first))
            if cut.sounds[-1] > cut.sounds[0]:
                last = int(cut.sounds[-1]) - 1
                end = int(audio.times[last] + audio.durations[last]) + shift
        base += cut.duration
        made.append(cut)
    return made


def _column(
    parts: list[tuple[SampleTrack, int, int]],
    starts: list[Numbers],
    end: int,
    chunks: list[Numbers],
) -> _Column:
    def gather(name: str) -> Any:
        return np.concatenate([getattr(track, name)[a:b] for track, a, b in parts])

    track, times = parts[0][0], np.concatenate(starts)
    begin = int(times[0])
    if begin < 0:  # the sound of the first picture begins before it
        track = replace(track, origin=track.origin - begin)
    return _Column(
        track,
        times - begin,
        end - begin,
        gather("sizes"),
        gather("shifts"),
        gather("is_sync"),
        np.concatenate(chunks),
        max(0, begin),
    )


def _chunk_bytes(column: _Column) -> Numbers:
    before = np.concatenate(([0], np.cumsum(column.sizes)))
    ends = np.concatenate(([0], np.cumsum(column.chunks)))
    return np.asarray(np.diff(before[ends]))


def _tables(column: _Column, offsets: Numbers, is_wide: bool) -> bytes:
    filled = column.chunks > 0
    chunks = column.chunks[filled]
    made = [_runs(b"stts", column.durations)]
    if column.shifts.any():
        made.append(_runs(b"ctts", column.shifts, 1))
    if not column.is_sync.all():
        made.append(_numbers(b"stss", np.flatnonzero(column.is_sync) + 1))
    firsts = _changes(chunks)
    rows = np.stack([firsts + 1, chunks[firsts], np.ones(len(firsts), np.int64)], 1)
    made.append(make_full_box(b"stsc", 0, 0, struct.pack(">I", len(rows)), _words(rows)))
    sizes = struct.pack(">II", 0, len(column.sizes)), _words(column.sizes)
    made.append(make_full_box(b"stsz", 0, 0, *sizes))
    places = offsets[filled]
    count = struct.pack(">I", len(places))
    if is_wide:
        made.append(make_full_box(b"co64", 0, 0, count, places.astype(">u8").tobytes()))
    else:
        made.append(make_full_box(b"stco", 0, 0, count, _words(places)))
    return b"".join(made)


def _changes(values: Numbers) -> Numbers:
    """The places at which another value begins."""
    return np.concatenate(([0], np.flatnonzero(np.diff(values)) + 1)).astype(np.int64)


def _runs(kind: bytes, values: Numbers, version: int = 0) -> bytes:
    firsts = _changes(values)
    counts = np.diff(np.append(firsts, len(values)))
    rows = np.stack([counts, values[firsts]], 1)
    return make_full_box(kind, version, 0, struct.pack(">I", len(rows)), _words(rows))


def _numbers(kind: bytes, values: Numbers) -> bytes:
    return make_full_box(kind, 0, 0, struct.pack(">I", len(values)), _words(values))


def _words(values: Numbers) -> bytes:
    return values.astype(">i8").astype(">u4", casting="unsafe").tobytes()


def _user_data(metadata: dict[str, str]) -> bytes:
    """Texts as FFmpeg and QuickTime write them."""
    if not metadata:
        return b""
    items = [
        make_box(kind.encode("latin-1"), make_box(b"data", struct.pack(">II", 1, 0), text.encode()))
        for kind, text in metadata.items()
    ]
    hdlr = make_full_box(b"hdlr", 0, 0, bytes(4), b"mdirappl", bytes(9))
    meta = make_full_box(b"meta", 0, 0, hdlr, make_box(b"ilst", *items))
    return make_box(b"udta", meta)
