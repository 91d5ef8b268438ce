"""The recordings folder's disk."""

from __future__ import annotations

import os
import re
import sys
from contextlib import suppress
from errno import EACCES, ENOSPC
from pathlib import Path

from twistedcam.errors import DiskError

#: Bytes on the disk that are left for a file's last frames and its index.
ROOM = 2 * 2**20
_MOST_ON_FAT = 2**32 - 1


def free_bytes(folder: Path) -> int:
    """What a program may still write there; very much if the file system does not say.

    Raises:
        OSError: the folder is gone.
    """
    disk = os.statvfs(folder)
    if not disk.f_blocks:
        return sys.maxsize  # some FUSE ones
    return disk.f_bavail * disk.f_frsize


def is_mounted(path: Path) -> bool:
    """Whether a file system is mounted at that path; a bind mount counts, too."""
    real = os.path.realpath(path)
    with suppress(OSError):
        os.stat(os.path.join(real, "."))  # what is mounted at its first use is mounted now
    try:
        mounts = Path("/proc/self/mountinfo").read_bytes().splitlines()
    except OSError:
        return os.path.ismount(real)
    kind = b""
    for mount in mounts:  # proc_pid_mountinfo(5): the last one covers those before it
        fields = mount.split(b" ")
        if _unescaped(fields[4]) == os.fsencode(real):
            kind = fields[fields.index(b"-") + 1]
    return kind not in (b"", b"autofs")


def largest_file(folder: Path) -> int | None:
    """How many bytes one file may have there: 4 GiB less 1 on FAT; None: no limit is known."""
    return _MOST_ON_FAT if _file_system_of(folder) in (b"vfat", b"msdos") else None


def _file_system_of(folder: Path) -> bytes:
    """The kind of file system, as Linux calls it; empty where that is not known."""
    with suppress(OSError, ValueError, IndexError):
        device = os.stat(folder).st_dev
        wanted = f"{os.major(device)}:{os.minor(device)}".encode()
        for mount in Path("/proc/self/mountinfo").read_bytes().splitlines():
            fields = mount.split(b" ")
            if fields[2] == wanted:
                return fields[fields.index(b"-") + 1]
    return b""


def _unescaped(path: bytes) -> bytes:
    return re.sub(rb"\\([0-7]{3})", lambda found: bytes([int(found[1], 8)]), path)


def check_mount(folder: Path, required: str | None) -> None:
    """See that the disk is there that recordings are to go to.

    Arguments:
        folder: where recordings go.
        required: the setting ``require_mount``.

    Raises:
        DiskError: nothing is mounted there.
    """
    if required is not None:
        point = folder if required == "on" else Path(required)
        if not is_mounted(point):
            raise DiskError(f"{point} is not mounted, and require_mount asks for it")


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
