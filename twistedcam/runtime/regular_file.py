"""Files that others can put things in the place of: opened only where they are regular files.

A FIFO makes who opens it wait for its other end, a device does what it likes, and a symbolic link
leads to any file of the system. So none of these is opened, and what was judged is what is read.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

#: Never through a symbolic link, never waiting, never kept by a child process.
_FLAGS = (
    getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_NOCTTY", 0)
    | getattr(os, "O_CLOEXEC", 0)
)


def open_regular(
    path: Path | str, flags: int = os.O_RDONLY, *, mode: int = 0o666, dir_fd: int | None = None
) -> int:
    """Open a regular file; its descriptor. Links in the folders before its name are followed.

    Arguments:
        flags: as for ``os.open``.
        mode: the permission bits of a file that is made, less the umask.
        dir_fd: the folder that a relative path starts at; None: the current one.

    Raises:
        OSError: it cannot be opened; with ``EINVAL``: it is no regular file.
    """
    if not flags & os.O_CREAT:
        # Opening a device can already do something: rewind a tape, arm a watchdog.
        _check(os.stat(path, dir_fd=dir_fd, follow_symlinks=False), path)
    fd = os.open(path, flags | _FLAGS, mode, dir_fd=dir_fd)
    try:
        _check(os.fstat(fd), path)
    except OSError:
        os.close(fd)
        raise
    return fd


def is_regular(path: Path | str, *, dir_fd: int | None = None) -> bool:
    """Whether there is a regular file of that name; a symbolic link is none."""
    try:
        return stat.S_ISREG(os.stat(path, dir_fd=dir_fd, follow_symlinks=False).st_mode)
    except (OSError, ValueError):  # such as a name that is too long, or has a NUL
        return False


def _check(found: os.stat_result, path: Path | str) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EINVAL, "not a regular file", str(path))
