"""A piece of a camera's recordings as one MP4: its parts, and its bytes."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, overload

from twistedcam.recording.mp4.arrays import Numbers
from twistedcam.recording.mp4.boxes import UnreadableMovie
from twistedcam.recording.mp4.fragmenter import Cut, Extent, MovieLayout, sizes_of
from twistedcam.recording.mp4.sample_table import Movie
from twistedcam.recording.playback.movie_files import MovieFiles
from twistedcam.util.libraries import np

#: Bytes read at once.
CHUNK = 1 << 18
#: Bytes between parts of a fragment that are read in one call with them.
_NEAR = 1 << 16


class PiecePart(NamedTuple):
    """A recording, or a part of one, in a piece.

    Arguments:
        name: the file's name.
        start: time of its first picture, in seconds since the UNIX epoch.
        gap: seconds before it without a recording.
        since, until: where it is cut, in seconds from the start of the file; None if it is not.
        layout: the numbers of its fragments.
        base: time of its first picture in the piece, in steps of the video.
        offset: its position in the fragments of the piece.
        sequence: number of fragments before it.
    """

    name: str
    start: float
    gap: float
    since: float | None
    until: float | None
    layout: MovieLayout
    base: int
    offset: int
    sequence: int

    def cut(self, movie: Movie) -> Cut:
        """The fragments of this part.

        Raises:
            UnreadableMovie: the file is not as it was when the piece was planned.
        """
        cut = Cut.of(movie, self.since, self.until)
        if cut.layout != self.layout:
            cut = cut.beginning(self.layout)  # it was being written, and has grown since
        if cut.layout != self.layout:
            raise UnreadableMovie("it has changed")
        return cut


class PieceParts(Sequence[PiecePart]):
    """The parts of a piece, each made when it is asked for: there can be many thousand.

    Arguments:
        names: the files' names.
        starts, gaps: see ``PiecePart``.
        layouts: the numbers of the layouts, one row for each part.
        cuts: ``since`` and ``until`` of the parts that are no whole files, by number.
    """

    def __init__(
        self,
        names: Sequence[str],
        starts: Numbers,
        gaps: Numbers,
        layouts: Numbers,
        cuts: dict[int, tuple[float | None, float | None]],
    ) -> None:
        self.names = names
        self.layouts = layouts
        self._starts = starts
        self._gaps = gaps
        self._cuts = cuts
        #: The ends of the parts: in the bytes of all fragments, in steps, and in fragments.
        self._ends = np.cumsum(sizes_of(layouts))
        self._times = np.cumsum(layouts[:, 6])
        self._sequences = np.cumsum(layouts[:, 1])

    def __len__(self) -> int:
        return len(self.names)

    @overload
    def __getitem__(self, number: int) -> PiecePart: ...

    @overload
    def __getitem__(self, number: slice) -> Sequence[PiecePart]: ...

    def __getitem__(self, number: int | slice) -> PiecePart | Sequence[PiecePart]:
        if isinstance(number, slice):
            return [self[each] for each in range(*number.indices(len(self)))]
        if number < 0:
            number += len(self)
        if not 0 <= number < len(self):
            raise IndexError(number)
        before = number - 1
        return PiecePart(
            self.names[number],
            float(self._starts[number]),
            float(self._gaps[number]),
            *self._cuts.get(number, (None, None)),
            MovieLayout(*self.layouts[number].tolist()),
            int(self._times[before]) if number else 0,
            int(self._ends[before]) if number else 0,
            int(self._sequences[before]) if number else 0,
        )

    @property
    def size(self) -> int:
        """The bytes of all fragments."""
        return int(self._ends[-1])

    @property
    def duration(self) -> int:
        """The steps of the whole."""
        return int(self._times[-1])

    @property
    def gaps(self) -> list[tuple[float, float]]:
        """The cuts: where in the piece, in seconds, and how many seconds are missing there."""
        places = np.flatnonzero(self._gaps[1:])
        seconds = self._times[places] / self.layouts[0, 7]
        return list(zip(seconds.tolist(), self._gaps[places + 1].tolist(), strict=True))

    def at(self, offset: int) -> int:
        """The number of the part with a byte of the fragments."""
        return int(np.searchsorted(self._ends, offset, "right"))


@dataclass(frozen=True)
class Piece:
    """A piece of a camera's recordings.

    Arguments:
        parts: its files.
        head: the bytes before the first fragment.
        size: bytes of the whole.
        end: time of the end of its last picture, in seconds since the UNIX epoch.
        init_size: bytes of the head before the index of fragments.
        tag: a text that differs for pieces with different bytes.
        split: why it ends before the time that was asked for, and the time from which on it could
            go on; None if nothing was left out.
        next: the time from which on more is recorded; None if it is unknown or nothing follows.
        only_keys: True if it has no frames but key frames, and no sound.
    """

    parts: PieceParts
    head: bytes
    size: int
    end: float
    init_size: int
    tag: str
    split: tuple[str, float] | None = None
    next: float | None = None
    only_keys: bool = False

    @property
    def start(self) -> float:
        """The time of its first picture, in seconds since the UNIX epoch."""
        return self.parts[0].start

    @property
    def seconds(self) -> float:
        """The time that it plays."""
        return self.parts.duration / self.parts[0].layout.timescale

    @property
    def gaps(self) -> list[tuple[float, float]]:
        """The cuts: where in the piece, in seconds, and how many seconds are missing there."""
        return self.parts.gaps


def read_piece(files: MovieFiles, piece: Piece, first: int, last: int) -> Iterator[bytes]:
    """The bytes of a piece in parts of some 256 KB. Blocks; closes its files when it is closed.

    Arguments:
        first, last: the first byte, and the one after the last.

    Raises:
        UnreadableMovie, OSError: a file is gone, or is not as it was when the piece was planned.
    """
    if first < len(piece.head):
        yield piece.head[first:last]
    first, last = max(0, first - len(piece.head)), last - len(piece.head)
    number = piece.parts.at(first)
    while number < len(piece.parts) and first < last:
        part = piece.parts[number]
        end = min(last, part.offset + part.layout.size)
        yield from _read_part(files, part, first - part.offset, end - part.offset)
        first, number = end, number + 1


def _read_part(files: MovieFiles, part: PiecePart, first: int, last: int) -> Iterator[bytes]:
    fd, is_growing = files.open(part.name)
    try:
        cut = part.cut(files.read(fd, is_growing))
        ends = np.cumsum(cut.sizes)
        number = int(np.searchsorted(ends, first, "right"))
        while first < last:
            begin = int(ends[number - 1]) if number else 0
            head = cut.head(number, part.sequence + number + 1, part.base)
            end = min(last, int(ends[number]))
            yield from _read_fragment(fd, head, cut.extents(number), first - begin, end - begin)
            first, number = end, number + 1
    finally:
        os.close(fd)


def _read_fragment(
    fd: int, head: bytes, extents: list[Extent], first: int, last: int
) -> Iterator[bytes]:
    buffer = bytearray(head[first:last])
    at = len(head)
    for extent in _joined(extents):
        for data in _read_extent(fd, extent, first - at, last - at):
            buffer += data
            if len(buffer) >= CHUNK:
                yield bytes(buffer)
                buffer.clear()
        at += sum(each.size for each in extent)
        if at >= last:
            break
    if buffer:
        yield bytes(buffer)


def _joined(extents: list[Extent]) -> Iterator[list[Extent]]:
    """Small extents that are near each other together, to be read in one call."""
    group: list[Extent] = []
    for each in extents:
        begin = group[0].offset if group else each.offset
        if group and not (
            0 <= each.offset - group[-1].offset - group[-1].size <= _NEAR
            and each.offset + each.size - begin <= CHUNK
        ):
            yield group
            group = []
        group.append(each)
    if group:
        yield group


def _read_extent(fd: int, group: list[Extent], first: int, last: int) -> Iterator[bytes]:
    """The bytes of extents from ``first`` to ``last`` of them."""
    if len(group) == 1:
        (offset, size) = group[0]
        at, end = max(0, first), min(size, last)
        while at < end:
            yield _read_exactly(fd, offset + at, min(CHUNK, end - at))
            at += CHUNK
        return
    base = group[0].offset
    data = _read_exactly(fd, base, group[-1].offset + group[-1].size - base)
    joined = b"".join(data[each.offset - base :][: each.size] for each in group)
    yield joined[max(0, first) : max(0, last)]


def _read_exactly(fd: int, offset: int, size: int) -> bytes:
    data = os.pread(fd, size, offset)
    while len(data) < size:
        more = os.pread(fd, size - len(data), offset + len(data))
        if not more:
            raise UnreadableMovie("it has become shorter")
        data += more
    return data
