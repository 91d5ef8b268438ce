"""Opens recordings to copy from, also those that are being written."""

from __future__ import annotations

import os
from collections import OrderedDict
from pathlib import Path
from threading import Lock

from twistedcam.recording.mp4.matroska import read_samples
from twistedcam.recording.mp4.sample_table import Movie
from twistedcam.recording.writer.part_file import part_of
from twistedcam.runtime.regular_file import open_regular

#: Samples of all tables that are kept in memory: 48 bytes each.
_MAX_SAMPLES = 500_000

#: Device, file number, size and time of change: those of an open file.
_Identity = tuple[int, int, int, int]


class MovieFiles:
    """The files of the recordings folder with their sample tables.

    All methods block; any thread can call them.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = Lock()
        self._kept: OrderedDict[_Identity, Movie] = OrderedDict()

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
            return read_samples(fd, is_growing=True)
        found = os.fstat(fd)
        identity = found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns
        with self._lock:
            if identity in self._kept:
                self._kept.move_to_end(identity)
                return self._kept[identity]
        movie = read_samples(fd)
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
