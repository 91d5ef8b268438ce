"""A file that is made of recordings, and gets its name when it is complete."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from twistedcam.errors import BadArgument, DiskError
from twistedcam.recording.writer.file_names import reserve, reserve_free_name
from twistedcam.recording.writer.part_file import whole_of
from twistedcam.runtime.atomic_file import sync_file, sync_folder
from twistedcam.runtime.file_system import move_without_replacing

#: The ending of files that are made of recordings.
SUFFIX = ".mp4"


@dataclass
class NewFile:
    """A file that is being written.

    Arguments:
        fd: its descriptor, open for reading and writing.
        name: its name when it is complete, which may have a number; empty before.
        size: its bytes when it is complete.
    """

    fd: int
    name: str = ""
    size: int = 0


def reserve_path(folder: Path, camera: str, start: float, name: str | None) -> Path:
    """Reserve the name of a new file until ``release_name``, and return its path.

    Arguments:
        name: the name; None for ``CAMERA_DATE_TIME.mp4`` with the time ``start``.

    Raises:
        BadArgument: a recording has that name.
        DiskError: the folder cannot be read.
    """
    try:
        if name is None:
            return folder / reserve_free_name(folder, camera, start, SUFFIX)
        if reserve(folder, name):
            return folder / name
    except OSError as error:
        raise DiskError(f"{folder}: {error.strerror or error}") from error
    raise BadArgument(f"there is a recording {name!r} already")


@contextmanager
def new_file(path: Path) -> Iterator[NewFile]:
    """Open a new file to write it in the block. Blocks.

    The file is hidden until the block has ended and the file is synced; after an error in the block
    it is removed. After a crash it is removed at the next start: what it is made of is still there.

    Arguments:
        path: the file; if it exists, the new one gets a number.

    Raises:
        OSError: it cannot be written.
    """
    hidden = whole_of(path)
    with open(hidden, "x+b", buffering=0) as target:
        made = NewFile(target.fileno())
        try:
            yield made
            sync_file(made.fd)
            made.size = os.fstat(made.fd).st_size
            made.name = move_without_replacing(hidden, path).name
        except BaseException:
            hidden.unlink(missing_ok=True)
            raise
    sync_folder(path.parent)
