"""A film as FFmpeg is given it: the formats that recordings have, and no more of it than needed."""

from __future__ import annotations

import os
import time
from typing import Any

import av

#: The demuxers of the files that are listed as recordings (recording/probe.py). All others are
#: refused: a playlist names further files to open, and some formats open themselves for ever.
FORMATS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi"
#: Bytes that are read of a film for its head or its first picture. The index of a day-long MP4 has
#: some 40 MB; a file that would need more is broken, or has no end.
MOST_BYTES = 128 << 20
_OPTIONS = {"format_whitelist": FORMATS, "protocol_whitelist": "none"}
_BUFFER = 1 << 16


class NotAFilm(ValueError):
    """A file that cannot be read as a film; the message says why, without the file's name."""


class FilmFile:
    """An open file for FFmpeg to read. It has a position of its own.

    Arguments:
        fd: the open file; it is not closed.
        most: bytes that may be read, however often the same ones; None: any number.
        deadline: when reading ends, by ``time.monotonic()``; None: never.

    ``problem`` is why no more is read; None while there is none.
    """

    def __init__(self, fd: int, most: int | None, deadline: float | None = None) -> None:
        self._fd = fd
        self._left = most
        self._deadline = deadline
        self._at = 0
        self.problem: NotAFilm | None = None

    def read(self, size: int = -1) -> bytes:
        """Some bytes from where it is; none at the end, or when no more may be read.

        FFmpeg makes the best of what it has got. Of an error it would not tell which it was.
        """
        if self._deadline is not None and time.monotonic() > self._deadline:
            self.problem = NotAFilm("it takes too long to read")
        elif self._left is not None and self._left <= 0:
            self.problem = NotAFilm(f"it is not found in the {MOST_BYTES >> 20} MiB that are read")
        if self.problem is not None:
            return b""
        data = os.pread(self._fd, max(0, size), self._at)
        self._at += len(data)
        if self._left is not None:
            self._left -= len(data)
        return data

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Be there next."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at}.get(whence)
        if base is None:
            base = os.fstat(self._fd).st_size
        self._at = max(0, base + offset)
        return self._at

    def tell(self) -> int:
        """Where it is."""
        return self._at

    def seekable(self) -> bool:
        """It is a regular file."""
        return True


def open_film(file: FilmFile) -> Any:
    """The film as PyAV's container.

    Raises:
        av.error.FFmpegError, ValueError, IndexError: it is none that can be read.
    """
    try:
        return av.open(file, options=_OPTIONS, buffer_size=_BUFFER, metadata_errors="replace")
    except TypeError:  # PyAV 19 has no such option, and replaces of its own accord
        return av.open(file, options=_OPTIONS, buffer_size=_BUFFER)


def as_text(said: str) -> str:
    """Metadata with a replacement character for each byte that is no UTF-8.

    PyAV 19 gives a surrogate for it, which can be neither sent nor written.
    """
    return said.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
