"""Writes a piece of a camera's recordings to a file."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from twistedcam.errors import DiskError, NotSupported
from twistedcam.recording.mp4.boxes import UnreadableMovie
from twistedcam.recording.mp4.fragmenter import Extent
from twistedcam.recording.mp4.whole_movie import WholeMovie
from twistedcam.recording.playback.movie_files import MovieFiles
from twistedcam.recording.playback.new_file import new_file
from twistedcam.recording.playback.piece import Piece
from twistedcam.recording.writer.disk_space import ROOM, free_bytes
from twistedcam.recording.writer.metadata_tag import Tag, utc_text
from twistedcam.recording.writer.part_file import disk_error
from twistedcam.recording.writer.segment import SegmentResult
from twistedcam.runtime.clock import boot_id, uptime

#: Bytes copied in one call.
_CHUNK = 8 << 20
#: Errors of ``copy_file_range`` that mean that it cannot be used here.
_NO_RANGES = frozenset({errno.EXDEV, errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP, errno.EBADF})


def write_export(
    files: MovieFiles,
    piece: Piece,
    path: Path,
    camera: str,
    reserve: int = 0,
    goes_on: Callable[[], bool] = lambda: True,
) -> SegmentResult:
    """Write a piece to a new MP4, and return its name, length and size. Blocks.

    Arguments:
        path: the file; if it exists, the new one gets a number.
        camera: the camera's name, for the metadata.
        reserve: bytes that have to stay free on the disk.
        goes_on: called now and then; False cancels the export.

    Raises:
        DiskError: with the system's reason.
        NotSupported: a recording is gone or broken.
    """
    open_files: list[int] = []
    try:
        with suppress(FileNotFoundError):
            _check_room(path.parent, piece.size + reserve)
        movie = _join(files, piece, open_files, path.name, camera)
        with new_file(path) as made:
            _write(made.fd, movie, open_files, goes_on)
    except UnreadableMovie as error:
        raise NotSupported(f"a recording cannot be read: {error}") from None
    except OSError as error:
        raise disk_error(path.name, error) from error
    finally:
        for fd in open_files:
            os.close(fd)
    return SegmentResult(made.name, movie.frames, movie.seconds, made.size)


def _check_room(folder: Path, size: int) -> None:
    if free_bytes(folder) < size + 2 * ROOM:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _join(
    files: MovieFiles, piece: Piece, open_files: list[int], name: str, camera: str
) -> WholeMovie:
    cuts = []
    for part in piece.parts:
        fd, is_growing = files.open(part.name)
        open_files.append(fd)
        cuts.append(part.cut(files.read(fd, is_growing)))
    tag = Tag(camera, name, 0, time.time(), boot_id(), uptime(), "export")
    texts = {"©day": utc_text(piece.start), "©cmt": str(tag)}
    return WholeMovie(cuts, piece.start, texts)


def _write(target: int, movie: WholeMovie, sources: list[int], goes_on: Callable[[], bool]) -> None:
    view = memoryview(movie.head())
    while view:
        view = view[os.write(target, view) :]
    for number, extent in movie.extents():
        if not goes_on():
            raise DiskError("the export was cancelled, because the server stops")
        _copy(sources[number], target, extent)


def _copy(source: int, target: int, extent: Extent) -> None:
    """Append a part of a file to another, inside the kernel where that is possible."""
    offset, left = extent
    by_kernel = hasattr(os, "copy_file_range")
    while left:
        if by_kernel:
            try:
                count = os.copy_file_range(source, target, min(left, _CHUNK), offset)
            except OSError as error:
                if error.errno not in _NO_RANGES:
                    raise
                by_kernel = False
                continue
        else:
            data = os.pread(source, min(left, _CHUNK), offset)
            count = os.write(target, data) if data else 0
        if not count:
            raise UnreadableMovie("it has become shorter")
        offset, left = offset + count, left - count
