"""The recordings folder's disk."""

from __future__ import annotations

import os
import sys
from errno import EACCES, ENOSPC
from pathlib import Path

from twistedcam.errors import DiskError

#: Bytes on the disk that are left for a file's last frames and its index.
ROOM = 2 * 2**20


def free_bytes(folder: Path) -> int:
    """What a program may still write there; very much if the file system does not say.

    Raises:
        OSError: the folder is gone.
    """
    disk = os.statvfs(folder)
    if not disk.f_blocks:
        return sys.maxsize  # some FUSE ones
    return disk.f_bavail * disk.f_frsize


def check_folder(folder: Path) -> None:
    """See that a recording can be begun there.

    Raises:
        DiskError: it cannot; with the system's reason.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if os.statvfs(folder).f_flag & os.ST_RDONLY:
            raise DiskError(f"{folder}: Read-only file system")
        if not os.access(folder, os.W_OK | os.X_OK):
            raise DiskError(f"{folder}: {os.strerror(EACCES)}")
        free = free_bytes(folder)
    except OSError as error:
        raise DiskError(f"{folder}: {error.strerror}") from error
    if free < 2 * ROOM:
        raise DiskError(f"{folder}: {os.strerror(ENOSPC)}: {free // 1000} kB free; make room")
