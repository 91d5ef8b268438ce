"""Locks and hard links, with replacements for file systems that lack them.

Network file systems, FUSE and FAT may lack one or the other.
"""

from __future__ import annotations

import errno
import hashlib
import os
import socket
import sys
from contextlib import suppress
from pathlib import Path

from twisted.logger import Logger

if sys.platform != "win32":
    import fcntl

log = Logger()

#: Errors of ``flock`` if the lock is held already.
_HELD = frozenset({errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES})
#: The devices whose missing locks were logged.
_without_locks: set[int] = set()


class WriterLock:
    """A lock that marks a file as being written, until ``release`` or the end of the process.

    It is a lock of ``flock`` if the file system has locks. Otherwise it is an abstract socket
    (Linux only), which only processes of this machine see, and the log says so once.

    Arguments:
        fd: the open file. Closing it releases the lock, too.
        path: the file.

    Raises:
        BlockingIOError: another writer holds it.
    """

    def __init__(self, fd: int, path: Path) -> None:
        self._name: socket.socket | None = None
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in _HELD:
                raise BlockingIOError(error.errno, error.strerror, str(path)) from None
            self._name = _bind_name(path)
            _log_once(fd, path.parent, error)

    @property
    def is_local(self) -> bool:
        """True if only processes of this machine see it."""
        return self._name is not None

    def release(self) -> None:
        """Release what closing the file does not."""
        if self._name is not None:
            self._name.close()


def move_without_replacing(part: Path, path: Path) -> Path:
    """Move a file to its final name, or to one with a number if that exists; return the path.

    A hard link is used, because it never replaces a file. If that is impossible, the file is
    renamed.

    Raises:
        OSError: neither is possible.
    """
    number = 0
    while True:
        number += 1
        target = path if number == 1 else path.with_stem(f"{path.stem}-{number}")
        try:
            os.link(part, target)
        except FileExistsError:
            if not _is_same(part, target):  # NFS may report the link that it has just made
                continue
        except OSError:
            if target.exists():
                continue
            os.rename(part, target)
            return target
        with suppress(OSError):  # it has its name; recovery removes the old one
            os.unlink(part)
        return target


def max_name_length(folder: Path) -> int:
    """Return the most bytes of a file name in a folder: usually 255, in eCryptfs 143."""
    try:
        found = os.pathconf(folder, "PC_NAME_MAX")
    except (OSError, ValueError, AttributeError):
        return 255
    return found if found > 0 else 255


def _is_same(one: Path, two: Path) -> bool:
    try:
        return os.path.samestat(os.lstat(one), os.lstat(two))
    except OSError:
        return False


def _bind_name(path: Path) -> socket.socket | None:
    """Bind an abstract socket to a name, which excludes others; None if the system has none."""
    if sys.platform != "linux":
        return None
    digest = hashlib.sha256(os.fsencode(os.path.realpath(path))).hexdigest()
    name = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
    try:
        name.bind(f"\0twistedcam-writer-{digest[:40]}")
    except OSError as error:
        name.close()
        if error.errno == errno.EADDRINUSE:
            raise BlockingIOError(
                error.errno, "another process is writing this file", str(path)
            ) from None
        return None
    return name


def _log_once(fd: int, folder: Path, error: OSError) -> None:
    with suppress(OSError):
        device = os.fstat(fd).st_dev
        if device not in _without_locks:
            _without_locks.add(device)
            log.warn(
                "{folder}: the file system has no locks ({reason}). Let only one computer record to"
                " this folder",
                folder=str(folder),
                reason=error.strerror,
            )
