"""Sample tables of MP4 and MOV files: where each encoded picture is, and when it is shown."""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from twistedcam.recording.mp4.arrays import Numbers, SampleArrays
from twistedcam.recording.mp4.boxes import (
    Box,
    UnreadableMovie,
    box_at,
    boxes,
    find_box,
    need_box,
    number_after_dates,
)
from twistedcam.recording.mp4.fragment_samples import TrackParts, add_fragment
from twistedcam.recording.mp4.sample_entry import SampleEntry, read_entry
from twistedcam.util.libraries import np

if TYPE_CHECKING:
    import numpy.typing as npt

#: Bytes of an index at most: more than 40 hours at 60 frames a second.
MAX_INDEX = 128 << 20
#: Boxes of a file at most: fragments of 0.4 s for two weeks.
_MAX_BOXES = 6_000_000
#: Bytes read at once to find the boxes of a file.
_WINDOW = 1 << 16


@dataclass(frozen=True, eq=False)
class SampleTrack:
    """One track. The arrays have one number for each sample, in the order of decoding.

    Arguments:
        kind: ``video`` or ``audio``.
        timescale: steps of time a second.
        entry: the sample entry, which tells how to decode it.
        width, height: pixels at which it is shown; 0 for audio.
        offsets: positions in the file.
        sizes: bytes.
        times: times of decoding, in steps from the start of the file.
        durations: steps.
        shifts: steps from decoding to showing.
        is_sync: True where decoding can begin.
        origin: steps to subtract from the times of showing (from the edit list).
    """

    kind: Literal["video", "audio"]
    timescale: int
    entry: SampleEntry
    width: int
    height: int
    offsets: Numbers
    sizes: Numbers
    times: Numbers
    durations: Numbers
    shifts: Numbers
    is_sync: npt.NDArray[np.bool_]
    origin: int

    @property
    def shown(self) -> Numbers:
        """The times of showing, in steps from the start of the file."""
        return self.times + self.shifts - self.origin

    def __len__(self) -> int:
        return len(self.sizes)

    def up_to(self, count: int) -> SampleTrack:
        """The first samples of the track, in a track of their own."""
        names = ("offsets", "sizes", "times", "durations", "shifts", "is_sync")
        return replace(self, **{name: getattr(self, name)[:count] for name in names})

    @property
    def end(self) -> int:
        """The end of the last sample, in steps."""
        return int(self.times[-1] + self.durations[-1]) if len(self) else 0


@dataclass(frozen=True, eq=False)
class Movie:
    """The samples of a file: its first video track, and its first audio track if there is one."""

    video: SampleTrack
    audio: SampleTrack | None = None

    @property
    def seconds(self) -> float:
        """The duration of the video."""
        return self.video.end / self.video.timescale


def read_movie(fd: int, *, is_growing: bool = False) -> Movie:
    """Read the sample tables of an open file.

    Arguments:
        is_growing: True for a file that is being written: its last fragment is left out, because
            it may be replaced.

    Raises:
        UnreadableMovie: it is no MP4 or MOV with video, or is broken.
        OSError: it cannot be read.
    """
    size = os.fstat(fd).st_size
    moov, fragments = b"", []
    try:
        for box in _top_boxes(fd, size):
            if box.kind == b"moov" and not moov:
                moov = _read_box(fd, box)
            elif box.kind == b"moof":
                fragments.append(box)
        if not moov:
            raise UnreadableMovie("it has no index of an MP4 file")
        tracks = _read_tracks(moov, size)
        if is_growing:
            del fragments[-1:]
        for each in fragments:
            add_fragment(_read_box(fd, each), each.start, tracks, size)
    except (struct.error, ValueError, IndexError, OverflowError, MemoryError) as error:
        raise UnreadableMovie(f"its index cannot be read: {error}") from None
    filled = [each for each in tracks if each.parts]
    video = next((each for each in filled if each.kind == "video"), None)
    if video is None:
        raise UnreadableMovie("it has no video")
    audio = next((each for each in filled if each.kind == "audio"), None)
    return Movie(_checked(_finished(video)), None if audio is None else _finished(audio))


def _finished(track: TrackParts) -> SampleTrack:
    columns = [np.concatenate(column) for column in zip(*track.parts, strict=True)]
    return SampleTrack(
        kind=track.kind,
        timescale=track.timescale,
        entry=track.entry,
        width=track.width,
        height=track.height,
        origin=track.origin,
        **SampleArrays(*columns)._asdict(),
    )


def _checked(video: SampleTrack) -> SampleTrack:
    if not video.is_sync.any():
        raise UnreadableMovie("it has no key frame")
    if (np.diff(video.times) < 0).any():
        raise UnreadableMovie("its times go backwards")
    return video


def _top_boxes(fd: int, size: int) -> list[Box]:
    """The boxes of a file. Small ones are found with few calls of the system."""
    found, at = [], 0
    window, start = b"", 0
    while at + 8 <= size:
        if not start <= at <= start + len(window) - 16:
            window, start = os.pread(fd, _WINDOW if at == 0 else 4096, at), at
        box = box_at(window[at - start : at - start + 16], at, size - at)
        if box is None:
            break  # cut short by a crash, or still being written
        found.append(box)
        if len(found) > _MAX_BOXES:
            raise UnreadableMovie("it has too many boxes")
        at = box.end
    return found


def _read_box(fd: int, box: Box) -> bytes:
    if box.end - box.start > MAX_INDEX:
        raise UnreadableMovie("its index is too large")
    return os.pread(fd, box.end - box.start, box.start)


def _read_tracks(moov: bytes, size: int) -> list[TrackParts]:
    top = next(boxes(moov, 0, len(moov)))
    defaults = {}
    mvex = find_box(moov, top, b"mvex")
    for each in boxes(moov, mvex.body, mvex.end) if mvex is not None else ():
        if each.kind == b"trex":
            track, _, *values = struct.unpack_from(">5I", moov, each.body + 4)
            defaults[track] = tuple(values)
    movie_scale = number_after_dates(moov, need_box(moov, top, b"mvhd"))
    tracks = []
    for trak in boxes(moov, top.body, top.end):
        if trak.kind == b"trak":
            track = _read_track(moov, trak, movie_scale, defaults, size)
            if track is not None:
                tracks.append(track)
    return tracks


def _read_track(
    moov: bytes, trak: Box, movie_scale: int, defaults: dict[int, Any], size: int
) -> TrackParts | None:
    handler = need_box(moov, trak, b"mdia", b"hdlr")
    kinds: dict[bytes, Literal["video", "audio"]] = {b"vide": "video", b"soun": "audio"}
    kind = kinds.get(moov[handler.body + 8 : handler.body + 12])
    stbl = find_box(moov, trak, b"mdia", b"minf", b"stbl")
    if kind is None or stbl is None:
        return None
    tkhd = need_box(moov, trak, b"tkhd")
    id = number_after_dates(moov, tkhd)
    width, height = (each >> 16 for each in struct.unpack_from(">II", moov, tkhd.end - 8))
    mdhd = need_box(moov, trak, b"mdia", b"mdhd")
    timescale = number_after_dates(moov, mdhd)
    if not timescale:
        raise UnreadableMovie("it has no timescale")
    stsd = need_box(moov, stbl, b"stsd")
    entry = read_entry(moov, stsd, kind)
    delay, origin = _read_edits(moov, trak, movie_scale, timescale)
    track = TrackParts(
        id, kind, timescale, entry, width, height, origin, defaults.get(id, (0, 0, 0)), []
    )
    samples = _read_samples(moov, stbl, delay, size)
    if samples is not None:
        track.parts.append(samples)
    return track


def _read_edits(moov: bytes, trak: Box, movie_scale: int, timescale: int) -> tuple[int, int]:
    """The steps before the first sample, and the time of the first sample that is shown."""
    elst = find_box(moov, trak, b"edts", b"elst")
    if elst is None:
        return 0, 0
    version = moov[elst.body]
    (count,) = struct.unpack_from(">I", moov, elst.body + 4)
    step, form = (20, ">Qq") if version == 1 else (12, ">Ii")
    delay = 0
    for number in range(min(count, 16)):
        length, start = struct.unpack_from(form, moov, elst.body + 8 + number * step)
        if start >= 0:
            return delay, int(start)
        delay += length * timescale // max(1, movie_scale)
    return delay, 0


def _table(moov: bytes, stbl: Box, kind: bytes, columns: int) -> Numbers | None:
    """A table of 32-bit numbers with a count before it; one row for each entry."""
    box = find_box(moov, stbl, kind)
    if box is None:
        return None
    (count,) = struct.unpack_from(">I", moov, box.body + 4)
    flat = np.frombuffer(moov, ">u4", count * columns, box.body + 8)
    return flat.reshape(count, columns).astype(np.int64)


def _read_samples(moov: bytes, stbl: Box, delay: int, size: int) -> SampleArrays | None:
    sizes = _read_sizes(moov, stbl, size)
    count = len(sizes)
    if not count:
        return None
    runs = _table(moov, stbl, b"stts", 2)
    if runs is None or int(runs[:, 0].sum()) != count:
        raise UnreadableMovie("its times are not those of its samples")
    durations = np.repeat(runs[:, 1], runs[:, 0])
    times = np.cumsum(durations) - durations + delay
    shifts = np.zeros(count, np.int64)
    composed = _table(moov, stbl, b"ctts", 2)
    if composed is not None:
        if int(composed[:, 0].sum()) != count:
            raise UnreadableMovie("its times are not those of its samples")
        signed = composed[:, 1].astype(np.uint32).view(np.int32).astype(np.int64)
        shifts = np.repeat(signed, composed[:, 0])
    is_sync = np.ones(count, np.bool_)
    syncs = _table(moov, stbl, b"stss", 1)
    if syncs is not None:
        is_sync[:] = False
        is_sync[syncs[:, 0] - 1] = True
    offsets = _read_offsets(moov, stbl, sizes)
    if int((offsets + sizes).max()) > size:
        raise UnreadableMovie("it is shorter than its index says")
    return SampleArrays(offsets, sizes, times, durations, shifts, is_sync)


def _read_sizes(moov: bytes, stbl: Box, size: int) -> Numbers:
    stsz = need_box(moov, stbl, b"stsz")
    each, count = struct.unpack_from(">II", moov, stsz.body + 4)
    if each:
        if count * each > size:
            raise UnreadableMovie("it is shorter than its index says")
        return np.full(count, each, np.int64)
    return np.frombuffer(moov, ">u4", count, stsz.body + 12).astype(np.int64)


def _read_offsets(moov: bytes, stbl: Box, sizes: Numbers) -> Numbers:
    """The position of each sample: that of its chunk, and the samples before it in there."""
    wide = find_box(moov, stbl, b"co64")
    box = wide or need_box(moov, stbl, b"stco")
    (count,) = struct.unpack_from(">I", moov, box.body + 4)
    kind = ">u8" if wide is not None else ">u4"
    chunks = np.frombuffer(moov, kind, count, box.body + 8).astype(np.int64)
    runs = _table(moov, stbl, b"stsc", 3)
    if runs is None or not len(runs) or not len(chunks):
        raise UnreadableMovie("its samples are nowhere")
    firsts = runs[:, 0] - 1
    lengths = np.diff(np.append(firsts, len(chunks)))
    if (lengths < 0).any() or int(lengths.sum()) > len(chunks):
        raise UnreadableMovie("its chunks are out of order")
    per_chunk = np.repeat(runs[:, 1], lengths)
    if int(per_chunk.sum()) != len(sizes):
        raise UnreadableMovie("its chunks are not those of its samples")
    before = np.cumsum(sizes) - sizes
    first_samples = np.cumsum(per_chunk) - per_chunk
    filled = per_chunk > 0
    starts = (chunks - before[np.minimum(first_samples, len(sizes) - 1)])[filled]
    offsets: Numbers = np.repeat(starts, per_chunk[filled]) + before
    return offsets
