"""Checks of the disk that holds the recordings folder."""

from __future__ import annotations

import os
import re
import sys
from contextlib import suppress
from errno import EACCES, ENOSPC
from pathlib import Path

from twistedcam.errors import DiskError

#: Bytes that must stay free for the last frames of a file and its index.
ROOM = 2 * 2**20
_MAX_ON_FAT = 2**32 - 1


def free_bytes(folder: Path) -> int:
    """The bytes that can still be written there; ``sys.maxsize`` if that is unknown.

    Raises:
        OSError: the folder is gone.
    """
    disk = os.statvfs(folder)
    if not disk.f_blocks:
        return sys.maxsize  # some FUSE file systems
    return disk.f_bavail * disk.f_frsize


def is_mounted(path: Path) -> bool:
    """True if a file system, or a bind mount, is mounted at that path."""
    real = os.path.realpath(path)
    with suppress(OSError):
        os.stat(os.path.join(real, "."))  # triggers an automount
    try:
        mounts = Path("/proc/self/mountinfo").read_bytes().splitlines()
    except OSError:
        return os.path.ismount(real)
    kind = b""
    for mount in mounts:  # proc_pid_mountinfo(5): the last one hides those before it
        fields = mount.split(b" ")
        if _unescaped(fields[4]) == os.fsencode(real):
            kind = fields[fields.index(b"-") + 1]
    return kind not in (b"", b"autofs")


def largest_file(folder: Path) -> int | None:
    """The largest size of a file there in bytes: 4 GiB less 1 on FAT; else None."""
    return _MAX_ON_FAT if _file_system_of(folder) in (b"vfat", b"msdos") else None


def _file_system_of(folder: Path) -> bytes:
    """The name of the file system, as Linux has it; empty if it is unknown."""
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
    """Check that the disk of the recordings is mounted.

    Arguments:
        required: the setting ``require_mount``.

    Raises:
        DiskError: it is not.
    """
    if required is not None:
        point = folder if required == "on" else Path(required)
        if not is_mounted(point):
            raise DiskError(f"{point} is not mounted, and require_mount asks for it")


def check_folder(folder: Path) -> None:
    """Make the folder if need be, and check that a recording can begin there.

    Raises:
        DiskError: with the system's reason.
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
