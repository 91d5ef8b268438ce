"""Opens recordings to copy from, also those that are being written."""

from __future__ import annotations

import os
from collections import OrderedDict
from dataclasses import replace
from pathlib import Path
from threading import Lock

from twistedcam.recording.library.probe import LibraryEntry
from twistedcam.recording.mp4.boxes import UnreadableMovie
from twistedcam.recording.mp4.matroska import read_samples
from twistedcam.recording.mp4.sample_table import Movie
from twistedcam.recording.writer.part_file import part_of
from twistedcam.runtime.regular_file import open_regular
from twistedcam.util.libraries import np

#: Samples of all tables that are kept in memory: 48 bytes each.
_MAX_SAMPLES = 500_000

#: Device, file number, size and time of change: those of an open file.
_Identity = tuple[int, int, int, int]


class MovieFiles:
    """The files of the recordings folder with their sample tables.

    All methods block; any thread can call them.

    Arguments:
        only_keys: True to have no samples but key frames.
    """

    def __init__(self, folder: Path, only_keys: bool = False) -> None:
        self._folder = folder
        self.only_keys = only_keys
        self._lock = Lock()
        self._kept: OrderedDict[_Identity, Movie] = OrderedDict()
        #: The rows of recordings in the planner's table, by the ids of their objects.
        self.rows: dict[int, tuple[LibraryEntry, bytes]] = {}

    def open(self, name: str) -> tuple[int, bool]:
        """Open a recording; return its descriptor, and True if it is being written.

        Raises:
            OSError: there is none of that name.
        """
        path = self._folder / name
        try:
            return open_regular(path), False
        except FileNotFoundError:
            pass
        try:
            return open_regular(part_of(path)), True
        except FileNotFoundError:
            return open_regular(path), False  # it has got its name meanwhile

    def read(self, fd: int, is_growing: bool) -> Movie:
        """The sample table of an open file.

        Raises:
            UnreadableMovie: it cannot be copied from.
            OSError: it cannot be read.
        """
        if is_growing:
            movie = read_samples(fd, is_growing=True)
            return _only_key_frames(movie, is_growing=True) if self.only_keys else movie
        found = os.fstat(fd)
        identity = found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns
        with self._lock:
            if identity in self._kept:
                self._kept.move_to_end(identity)
                return self._kept[identity]
        movie = read_samples(fd)
        if self.only_keys:
            movie = _only_key_frames(movie)
        with self._lock:
            self._kept[identity] = movie
            total = sum(map(_samples, self._kept.values()))
            while total > _MAX_SAMPLES and len(self._kept) > 1:
                total -= _samples(self._kept.popitem(last=False)[1])
        return movie

    def read_named(self, name: str) -> Movie:
        """The sample table of a recording; raises as ``open`` and ``read`` do."""
        fd, is_growing = self.open(name)
        try:
            return self.read(fd, is_growing)
        finally:
            os.close(fd)


def _samples(movie: Movie) -> int:
    return len(movie.video) + (0 if movie.audio is None else len(movie.audio))


def _only_key_frames(movie: Movie, *, is_growing: bool = False) -> Movie:
    """The key frames of a film, each shown until the next one; without sound.

    Arguments:
        is_growing: True for a file that is being written: the last one is left out, because its end
            is not known yet.

    Raises:
        UnreadableMovie: nothing would be left.
    """
    video = movie.video
    places = np.flatnonzero(video.is_sync)
    times = video.times[places]
    durations = np.diff(np.append(times, video.end))
    if is_growing:
        places, times, durations = places[:-1], times[:-1], durations[:-1]
    if not len(places):
        raise UnreadableMovie("it has only begun")
    chosen = {name: getattr(video, name)[places] for name in ("offsets", "sizes", "shifts")}
    track = replace(
        video, times=times, durations=durations, is_sync=video.is_sync[places], **chosen
    )
    return Movie(track)
