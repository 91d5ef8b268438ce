"""Opening of regular files only, in folders that other programs can write to.

Opening a FIFO may block, opening a device may have any effect, and a symbolic link may lead to any
file of the system.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

#: Do not follow a symbolic link, do not block, do not pass the file to child processes.
_FLAGS = (
    getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_NOCTTY", 0)
    | getattr(os, "O_CLOEXEC", 0)
)


def open_regular(
    path: Path | str, flags: int = os.O_RDONLY, *, mode: int = 0o666, dir_fd: int | None = None
) -> int:
    """Open a regular file; return its descriptor. Links in the path of its folder are followed.

    Arguments:
        flags: as for ``os.open``.
        mode: the permission bits of a new file, less the umask.
        dir_fd: the folder that a relative path starts at; None: the current one.

    Raises:
        OSError: it cannot be opened; ``EINVAL``: it is not a regular file.
    """
    if not flags & os.O_CREAT:
        # Opening a device can have an effect: rewind a tape, start a watchdog.
        _check(os.stat(path, dir_fd=dir_fd, follow_symlinks=False), path)
    fd = os.open(path, flags | _FLAGS, mode, dir_fd=dir_fd)
    try:
        _check(os.fstat(fd), path)
    except OSError:
        os.close(fd)
        raise
    return fd


def is_regular(path: Path | str, *, dir_fd: int | None = None) -> bool:
    """Return True if the path is a regular file, and not a symbolic link to one."""
    try:
        return stat.S_ISREG(os.stat(path, dir_fd=dir_fd, follow_symlinks=False).st_mode)
    except (OSError, ValueError):  # such as a name that is too long, or has a NUL
        return False


def _check(found: os.stat_result, path: Path | str) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EINVAL, "not a regular file", str(path))
