"""A piece of a camera's recordings as one MP4: planned first, so that its size is known."""

from __future__ import annotations

import hashlib
import os
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from twistedcam.errors import NotSupported
from twistedcam.recording.library.probe import LibraryEntry
from twistedcam.recording.mp4.boxes import UnreadableMovie
from twistedcam.recording.mp4.fragmenter import Cut, Extent, MovieLayout
from twistedcam.recording.mp4.init_segment import (
    MAX_REFERENCE,
    MAX_REFERENCES,
    init_segment,
    segment_index,
)
from twistedcam.recording.mp4.sample_table import Movie
from twistedcam.recording.playback.movie_files import MovieFiles
from twistedcam.util.escaped_name import file_name, show_name
from twistedcam.util.libraries import np

#: Files up to which the index has each fragment; above, it has each file, so that not all of them
#: have to be read before the first byte.
_FINE_FILES = 24
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
        if cut.layout != self.layout and len(cut.starts) > self.layout.fragments:
            # It was being written, and has grown since.
            places = slice(0, self.layout.fragments + 1)
            cut = Cut(movie, cut.starts[places], cut.sounds[places])
        if cut.layout != self.layout:
            raise UnreadableMovie("it has changed")
        return cut


class NotPlayable(NotSupported):
    """A recording cannot be copied from.

    Arguments:
        recording: its name, to download it.
    """

    def __init__(self, message: str, recording: str) -> None:
        super().__init__(message)
        self.recording = recording


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
    """

    parts: tuple[PiecePart, ...]
    head: bytes
    size: int
    end: float
    init_size: int
    tag: str
    split: tuple[str, float] | None = None

    @property
    def start(self) -> float:
        """The time of its first picture, in seconds since the UNIX epoch."""
        return self.parts[0].start

    @property
    def seconds(self) -> float:
        """The time that it plays."""
        last = self.parts[-1]
        return (last.base + last.layout.duration) / last.layout.timescale

    @property
    def gaps(self) -> list[tuple[float, float]]:
        """The cuts: where in the piece, in seconds, and how many seconds are missing there."""
        return [
            (part.base / part.layout.timescale, part.gap) for part in self.parts[1:] if part.gap
        ]


def plan_piece(
    files: MovieFiles, entries: Sequence[LibraryEntry], start: float, end: float
) -> Piece:
    """Plan a piece from the key frame at or before ``start``. Blocks.

    Whole files are not opened: their numbers are in the library's index.

    Arguments:
        entries: the recordings to play, in order (``TimeIndex.entries_from``).

    Raises:
        NotPlayable: the first of them cannot be copied from.
    """
    planner = _Planner(files, start, end)
    for entry in entries:
        if not planner.add(entry):
            break
    return planner.finish()


class _Planner:
    """Adds one recording after the other."""

    def __init__(self, files: MovieFiles, start: float, end: float) -> None:
        self._files = files
        self._start = start
        self._stop = end
        self._parts: list[PiecePart] = []
        self._end = 0.0
        self._split: tuple[str, float] | None = None
        self._refused = self._refused_name = ""

    def add(self, entry: LibraryEntry) -> bool:
        """Add a recording; return False if no other can follow."""
        before = self._parts[-1] if self._parts else None
        until = entry.start + (entry.seconds or 0)
        since = self._start - entry.start if before is None and entry.start < self._start else None
        stop = self._stop - entry.start if until > self._stop else None
        name = file_name(entry.recording)
        shift = 0.0
        try:
            if entry.complete and since is None and stop is None and entry.layout is not None:
                layout = _layout(entry.layout)
            elif entry.complete and entry.layout is None:
                raise UnreadableMovie(f"it is {entry.codec} in {os.path.splitext(name)[1][1:]}")
            else:
                cut = Cut.of(self._files.read_named(name), since, stop)
                layout, shift = cut.layout, cut.since
        except FileNotFoundError:
            return True  # deleted meanwhile
        except (UnreadableMovie, OSError) as error:
            reason = getattr(error, "strerror", None) or error
            self._refused = f"{entry.recording} cannot be played with others: {reason}"
            self._refused_name = entry.recording
            return self._end_before(entry.start)
        if before is not None and layout.identity != before.layout.identity:
            self._refused = f"{entry.recording} has another codec, size or sound"
            return self._end_before(entry.start)
        start = entry.start + shift
        gap = max(0.0, start - self._end) if before is not None else 0.0
        frame = 1 / entry.fps if entry.fps else 0.05
        self._parts.append(
            PiecePart(
                name,
                start,
                gap if gap >= frame - 0.001 else 0.0,
                since,
                stop,
                layout,
                before.base + before.layout.duration if before else 0,
                before.offset + before.layout.size if before else 0,
                before.sequence + before.layout.fragments if before else 0,
            )
        )
        self._end = start + layout.seconds
        return True

    def _end_before(self, time: float) -> bool:
        self._split = self._refused, time
        return False

    def finish(self) -> Piece:
        if not self._parts:
            if not self._refused_name:
                raise NotSupported("the recording has been deleted")
            raise NotPlayable(f"{self._refused}: download the file", self._refused_name)
        last = self._parts[-1]
        parts = tuple(self._parts)
        movie = self._first_readable(parts)
        head = init_segment(movie, last.base + last.layout.duration)
        init_size = len(head)
        references = self._references(parts)
        if 0 < len(references) <= MAX_REFERENCES and max(references)[0] <= MAX_REFERENCE:
            head += segment_index(last.layout.timescale, references)
        size = len(head) + last.offset + last.layout.size
        return Piece(parts, head, size, self._end, init_size, _tag(head, parts), self._split)

    def _first_readable(self, parts: Sequence[PiecePart]) -> Movie:
        try:
            return self._files.read_named(parts[0].name)
        except (UnreadableMovie, OSError) as error:
            reason = getattr(error, "strerror", None) or error
            name = show_name(parts[0].name)
            raise NotPlayable(f"{name} cannot be read: {reason}", name) from error

    def _references(self, parts: Sequence[PiecePart]) -> list[tuple[int, int]]:
        if len(parts) > _FINE_FILES:
            return [(part.layout.size, part.layout.duration) for part in parts]
        found: list[tuple[int, int]] = []
        try:
            for part in parts:
                cut = part.cut(self._files.read_named(part.name))
                sizes, durations = cut.sizes.tolist(), cut.durations.tolist()
                found += zip(sizes, durations, strict=True)
        except (UnreadableMovie, OSError):
            return []  # the piece ends there when it is read
        return found


def _layout(numbers: Sequence[int]) -> MovieLayout:
    """The layout in the index, which somebody else may have written.

    Raises:
        UnreadableMovie: it is invalid.
    """
    if len(numbers) == len(MovieLayout._fields) and min(numbers) >= 0 and max(numbers) < 1 << 60:
        layout = MovieLayout(*numbers)
        if layout.timescale and layout.fragments:
            return layout
    raise UnreadableMovie("its entry in the index is invalid")


def _tag(head: bytes, parts: Sequence[PiecePart]) -> str:
    digest = hashlib.sha256(head)
    names = "/".join(f"{part.name}/{part.since}/{part.layout.data_bytes}" for part in parts)
    digest.update(names.encode("utf-8", "surrogateescape"))
    return digest.hexdigest()[:24]


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
    offsets = [part.offset for part in piece.parts]
    number = max(0, bisect_right(offsets, first) - 1)
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
