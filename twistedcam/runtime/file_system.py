"""What not every file system can do: locks and hard links.

Network file systems, FUSE and FAT lack one or the other. A recording does not need any of them, so
each function here does the best that the file system can do.
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

#: What ``flock`` says to who comes second.
_HELD = frozenset({errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES})
#: The devices whose lack of locks was logged.
_without_locks: set[int] = set()


class WriterLock:
    """Says that somebody writes a file, as long as the process lives and ``release`` is not called.

    It is ``flock``'s lock where the file system has locks. Where it has none, it is a name in the
    kernel of this machine (an abstract socket, Linux only), and the log says so once.

    Arguments:
        fd: the open file. The lock ends with it.
        path: the file.

    Raises:
        BlockingIOError: somebody else has it.
    """

    def __init__(self, fd: int, path: Path) -> None:
        self._name: socket.socket | None = None
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in _HELD:
                raise BlockingIOError(error.errno, error.strerror, str(path)) from None
            self._name = _take_name(path)
            _tell_once(fd, path.parent, error)

    @property
    def is_local(self) -> bool:
        """Whether only processes of this machine see it."""
        return self._name is not None

    def release(self) -> None:
        """End what does not end with the file."""
        if self._name is not None:
            self._name.close()


def give_name(part: Path, path: Path) -> Path:
    """Move a file to its final name, over no other file; where it is then.

    By a hard link, which never replaces a file. If there is none to be had, for whatever reason,
    the file is renamed.

    Raises:
        OSError: neither could be done.
    """
    number = 0
    while True:
        number += 1
        target = path if number == 1 else path.with_stem(f"{path.stem}-{number}")
        try:
            os.link(part, target)
        except FileExistsError:
            if not _is_same(part, target):  # NFS may say so of a link that it has just made
                continue
        except OSError:
            if target.exists():
                continue
            os.rename(part, target)
            return target
        with suppress(OSError):  # it has its name; recovery removes the second one
            os.unlink(part)
        return target


def longest_name(folder: Path) -> int:
    """How many bytes a file's name may have there: 255 nearly everywhere, 143 in eCryptfs."""
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


def _take_name(path: Path) -> socket.socket | None:
    """A socket of a name that nobody else on this machine can have meanwhile; None: none there."""
    if sys.platform != "linux":
        return None
    digest = hashlib.sha256(os.fsencode(os.path.realpath(path))).hexdigest()
    name = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
    try:
        name.bind(f"\0twistedcam-writer-{digest[:40]}")
    except OSError as error:
        name.close()
        if error.errno == errno.EADDRINUSE:
            raise BlockingIOError(error.errno, "it is being written", str(path)) from None
        return None
    return name


def _tell_once(fd: int, folder: Path, error: OSError) -> None:
    with suppress(OSError):
        device = os.fstat(fd).st_dev
        if device not in _without_locks:
            _without_locks.add(device)
            log.warn(
                "{folder}: the file system has no locks ({reason}): recordings are written without."
                " Let only one computer record to this folder",
                folder=str(folder),
                reason=error.strerror,
            )
