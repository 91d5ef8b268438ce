"""Plans a piece of a camera's recordings, so that its size is known before it is read."""

from __future__ import annotations

import hashlib
import os
import struct
from collections.abc import Sequence
from typing import Any

from twistedcam.errors import NotSupported
from twistedcam.recording.library.probe import LibraryEntry
from twistedcam.recording.mp4.arrays import Numbers
from twistedcam.recording.mp4.boxes import UnreadableMovie
from twistedcam.recording.mp4.fragmenter import Cut, MovieLayout, next_key_frame, sizes_of
from twistedcam.recording.mp4.init_segment import (
    MAX_REFERENCE,
    MAX_REFERENCES,
    MAX_STEPS,
    init_segment,
    segment_index,
)
from twistedcam.recording.mp4.sample_table import Movie
from twistedcam.recording.playback.movie_files import MovieFiles
from twistedcam.recording.playback.piece import Piece, PieceParts
from twistedcam.util.escaped_name import file_name, show_name
from twistedcam.util.libraries import np

#: Files up to which the index has each fragment; above, it has each file, so that not all of them
#: have to be read before the first byte.
_FINE_FILES = 24
#: Numbers of a layout, and the largest one that is believed.
_NUMBERS, _MAX_NUMBER = len(MovieLayout._fields), 1 << 60
#: The numbers of a recording from the index, in a row of a table.
_ROW = [
    *(("start", "f8"), ("seconds", "f8"), ("frame", "f8"), ("complete", "i8")),
    ("layout", "i8", _NUMBERS),
]
_PACKED = struct.Struct(f"=dddq{_NUMBERS}q")
#: Rows that are kept: about 200 bytes each.
_MAX_ROWS = 200_000
#: Recordings that are looked at together.
_BLOCK = 4096
#: Seconds of a frame if the file does not tell.
_USUAL_FRAME = 0.05


class NotPlayable(NotSupported):
    """A recording cannot be copied from.

    Arguments:
        recording: its name, to download it.
    """

    def __init__(self, message: str, recording: str) -> None:
        super().__init__(message)
        self.recording = recording


def plan_piece(
    files: MovieFiles, entries: Sequence[LibraryEntry], start: float, end: float
) -> Piece:
    """Plan a piece from the key frame at or before ``start``. Blocks.

    Whole files are not opened: their numbers are in the library's index. Only for key frames alone
    each one is.

    Arguments:
        entries: the recordings to play, in order (``TimeIndex.entries_from``).

    Raises:
        NotPlayable: the first of them cannot be copied from.
    """
    planner = _Planner(files, start, end)
    at = 0
    while at < len(entries):
        count = planner.add_whole(entries, at)
        if not count and not planner.add(entries[at]):
            break
        at += count or 1
    return planner.finish()


class _Planner:
    """Adds recordings one after the other, and those that are whole together."""

    def __init__(self, files: MovieFiles, start: float, end: float) -> None:
        self._files = files
        self._start = start
        self._stop = end
        self._names: list[str] = []
        #: The starts, gaps and layouts of recordings that were added together.
        self._columns: list[tuple[Any, Any, Numbers]] = []
        self._cuts: dict[int, tuple[float | None, float | None]] = {}
        self._identity: int | None = None
        #: The end of the last one, and the seconds of its frames.
        self._end, self._frame = 0.0, 0.0
        self._split: tuple[str, float] | None = None
        self._refused = self._refused_name = ""

    def add_whole(self, entries: Sequence[LibraryEntry], at: int) -> int:
        """Add the recordings from ``at`` on that are whole and can follow each other.

        Returns:
            Their number; the next one has to be added alone.
        """
        if self._files.only_keys:
            return 0  # the layouts in the index are those with all frames
        if not self._names and entries[at].start < self._start:
            return 0  # it begins within this one
        some = entries[at : at + _BLOCK]
        kept = self._files.rows
        rows = b"".join([(kept.get(id(each)) or self._keep_row(each))[1] for each in some])
        table = np.frombuffer(rows, _ROW)
        starts, frames, layouts = table["start"], table["frame"], table["layout"]
        ends = starts + table["seconds"]
        identity = int(layouts[0, 0]) if self._identity is None else self._identity
        is_whole = (table["complete"] > 0) & (ends <= self._stop)
        is_whole &= (layouts[:, 0] == identity) & (layouts[:, 1] > 0) & (layouts[:, 7] > 0)
        overlaps = self._before(starts, ends) - starts
        is_whole &= overlaps < np.maximum(frames, np.append(self._frame, frames[:-1]))
        count = len(some) if is_whole.all() else int(np.argmin(is_whole))
        if count:
            self._append(some[:count], starts[:count], frames[:count], layouts[:count])
        return count

    def _keep_row(self, entry: LibraryEntry) -> tuple[LibraryEntry, bytes]:
        """Pack a row and keep it, with its recording, so that no other object has the same id."""
        if len(self._files.rows) >= _MAX_ROWS:
            self._files.rows.clear()
        made = self._files.rows[id(entry)] = entry, _pack(entry)
        return made

    def add(self, entry: LibraryEntry) -> bool:
        """Add a recording; return False if no other can follow."""
        until = entry.start + (entry.seconds or 0)
        since = self._start - entry.start if not self._names and entry.start < self._start else None
        stop = self._stop - entry.start if until > self._stop else None
        name = file_name(entry.recording)
        shift = 0.0
        try:
            overlap = self._end - entry.start if self._names else 0.0
            if overlap >= max(self._frame, _frame(entry)):
                # The clock was set back, and this one begins before the end of the one that was
                # recorded later. What comes after that is shown, and nothing twice.
                since = next_key_frame(self._files.read_named(name), overlap)
                if since is None:
                    return True
            is_whole = since is None and stop is None and not self._files.only_keys
            if entry.complete and is_whole and entry.layout is not None:
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
        if self._identity not in (None, layout.identity):
            self._refused = f"{entry.recording} has another codec, size or sound"
            return self._end_before(entry.start)
        if since is not None or stop is not None:
            self._cuts[len(self._names)] = since, stop
        starts, frames = np.array([entry.start + shift]), np.array([_frame(entry)])
        self._append([entry], starts, frames, np.array([layout], np.int64))
        return True

    def _append(
        self, entries: Sequence[LibraryEntry], starts: Any, frames: Any, layouts: Numbers
    ) -> None:
        ends = starts + layouts[:, 6] / layouts[:, 7]
        gaps = np.maximum(0, starts - self._before(starts, ends))
        gaps[gaps < frames - 0.001] = 0
        self._columns.append((starts, gaps, layouts))
        self._names += [file_name(each.recording) for each in entries]
        self._identity = int(layouts[0, 0])
        self._end, self._frame = float(ends[-1]), float(frames[-1])

    def _before(self, starts: Any, ends: Any) -> Any:
        """The ends of what is before each of some recordings."""
        return np.append(self._end if self._names else starts[0], ends[:-1])

    def _end_before(self, time: float) -> bool:
        self._split = self._refused, time
        return False

    def finish(self) -> Piece:
        """The piece.

        Raises:
            NotPlayable, NotSupported: it would be empty.
        """
        if not self._names:
            if not self._refused_name:
                raise NotSupported("the recording has been deleted")
            raise NotPlayable(f"{self._refused}: download the file", self._refused_name)
        starts, gaps, layouts = (np.concatenate(each) for each in zip(*self._columns, strict=True))
        parts = PieceParts(self._names, starts, gaps, layouts, self._cuts)
        movie = self._first_readable(parts)
        head = init_segment(movie, parts.duration)
        init_size = len(head)
        references = self._references(parts)
        if (
            0 < len(references) <= MAX_REFERENCES
            and references[:, 0].max() <= MAX_REFERENCE
            and references[:, 1].max() <= MAX_STEPS
        ):
            head += segment_index(parts[0].layout.timescale, references)
        size = len(head) + parts.size
        return Piece(
            parts,
            head,
            size,
            self._end,
            init_size,
            self._tag(head, parts),
            self._split,
            None,
            self._files.only_keys,
        )

    def _first_readable(self, parts: PieceParts) -> Movie:
        try:
            return self._files.read_named(parts.names[0])
        except (UnreadableMovie, OSError) as error:
            reason = getattr(error, "strerror", None) or error
            name = show_name(parts.names[0])
            raise NotPlayable(f"{name} cannot be read: {reason}", name) from error

    def _references(self, parts: PieceParts) -> Numbers:
        if len(parts) > _FINE_FILES:
            return np.stack([sizes_of(parts.layouts), parts.layouts[:, 6]], 1)
        found: list[Numbers] = []
        try:
            for part in parts:
                cut = part.cut(self._files.read_named(part.name))
                found.append(np.stack([cut.sizes, cut.durations], 1))
        except (UnreadableMovie, OSError):
            return np.zeros((0, 2), np.int64)  # the piece ends there when it is read
        return np.concatenate(found)

    def _tag(self, head: bytes, parts: PieceParts) -> str:
        digest = hashlib.sha256(head)
        digest.update("/".join(parts.names).encode("utf-8", "surrogateescape"))
        digest.update(parts.layouts.tobytes())
        digest.update(repr(sorted(self._cuts.items())).encode())
        return digest.hexdigest()[:24]


def _frame(entry: LibraryEntry) -> float:
    return 1 / entry.fps if entry.fps else _USUAL_FRAME


def _pack(entry: LibraryEntry) -> bytes:
    """The row of a recording; its layout is zeros if there is none that is valid."""
    times = entry.start, entry.seconds or 0.0, _frame(entry), entry.complete
    layout = entry.layout
    if layout is None or len(layout) != _NUMBERS or max(layout) >= _MAX_NUMBER or min(layout) < 0:
        layout = (0,) * _NUMBERS
    return _PACKED.pack(*times, *layout)


def _layout(numbers: Sequence[int]) -> MovieLayout:
    """The layout in the index, which somebody else may have written.

    Raises:
        UnreadableMovie: it is invalid.
    """
    if len(numbers) == _NUMBERS and min(numbers) >= 0 and max(numbers) < _MAX_NUMBER:
        layout = MovieLayout(*numbers)
        if layout.timescale and layout.fragments:
            return layout
    raise UnreadableMovie("its entry in the index is invalid")
