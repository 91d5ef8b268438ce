"""Atomic replacement of small files, and a lock for reading, changing and writing one."""

from __future__ import annotations

import errno
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex

from twistedcam.runtime.regular_file import open_regular

#: Seconds to wait for a lock before giving up.
LOCK_TIMEOUT = 10.0
#: Seconds after which an unchanged lock file is removed, where the file system has no locks: its
#: process has died.
STALE_AFTER = 5.0
#: Seconds between two attempts to get a lock.
_POLL = 0.01
#: Errors of file systems that lack a function: NFS without lockd, some FUSE and SMB ones.
_UNSUPPORTED = frozenset(
    {errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL}
)
#: Errors that mean that data may be lost.
_DISK_ERRORS = frozenset({errno.EIO, errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.ESTALE})


def write_atomically(
    path: Path | str,
    data: bytes,
    mode: int,
    *,
    owner: tuple[int, int] | None = None,
    dir_fd: int | None = None,
    sync: bool = True,
) -> None:
    """Replace a file, completely or not at all. Blocks.

    A symbolic link of that name is replaced, not followed.

    Arguments:
        mode: the file's permission bits; the umask does not change them.
        owner: the new file's user and group; None: those of this process.
        dir_fd: the folder that a relative path starts at; None: the current one.
        sync: True to write it to the disk before it gets its name. Otherwise a power cut may leave
            an empty file.

    Raises:
        OSError: it cannot be written. The old file is unchanged.
    """
    folder, name = os.path.split(path)
    fresh = os.path.join(folder, f".{_short(name)}.{token_hex(6)}.new")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    fd = open_regular(fresh, flags, mode=mode & 0o700, dir_fd=dir_fd)
    try:
        with open(fd, "wb") as file:
            file.write(data)
            if owner is not None and sys.platform != "win32":
                os.fchown(fd, *owner)
            _set_mode(fd, mode)
            if sync:
                file.flush()
                sync_file(fd)
        os.replace(fresh, path, src_dir_fd=dir_fd, dst_dir_fd=dir_fd)
    except BaseException:
        with suppress(OSError):
            os.unlink(fresh, dir_fd=dir_fd)
        raise
    if sync:
        with suppress(OSError):  # the file is replaced already
            sync_folder(folder or ".", dir_fd)


@contextmanager
def locked(path: Path | str, *, dir_fd: int | None = None) -> Iterator[None]:
    """Hold a lock on a file's name, to read, change and write the file in one step. Blocks.

    It excludes other processes and other threads. The lock is on a separate file, ``.NAME.lock``,
    because the file itself is replaced. It exists while the lock is held.

    Where the file system has no locks, a second file is created instead with ``O_EXCL``. One that
    a crash has left behind is removed after ``STALE_AFTER`` seconds.

    Arguments:
        dir_fd: the folder that a relative path starts at; None: the current one.

    Raises:
        TimeoutError: another process holds it for more than ``LOCK_TIMEOUT`` seconds (an OSError).
        OSError: the lock file cannot be made or is not a regular file.
    """
    folder, name = os.path.split(path)
    lock = os.path.join(folder, f".{name}.lock")
    until = time.monotonic() + LOCK_TIMEOUT
    with _lock_file(lock, until, dir_fd) as has_locks:
        if has_locks:
            yield
        else:
            with _exclusive_file(f"{lock}ed", until, dir_fd):
                yield


def sync_file(fd: int) -> None:
    """Write a file's contents to the disk, if the file system supports that.

    Raises:
        OSError: the disk reports an error: the contents may be lost.
    """
    try:
        os.fsync(fd)
    except OSError as error:
        if error.errno in _DISK_ERRORS:
            raise


def sync_folder(folder: Path | str, dir_fd: int | None = None) -> None:
    """Write the names in a folder to the disk, if the file system supports that.

    Raises:
        OSError: the disk reports an error: new names may be lost.
    """
    try:
        fd = os.open(folder, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0), dir_fd=dir_fd)
    except OSError:
        return  # the folder may not be read, or no descriptor is left: the system writes it later
    try:
        sync_file(fd)
    finally:
        os.close(fd)


def _short(name: str) -> str:
    """Shorten a name, so that it can be extended within the 255 bytes that a name can have."""
    return os.fsdecode(os.fsencode(name)[:100])


def _set_mode(fd: int, mode: int) -> None:
    """Set permission bits, if the file system has them."""
    if sys.platform == "win32":  # pragma: no cover - Windows has no fchmod before Python 3.13
        return
    try:
        os.fchmod(fd, mode)
    except OSError as error:
        if error.errno not in (errno.EPERM, *_UNSUPPORTED):
            raise


@contextmanager
def _lock_file(lock: str, until: float, dir_fd: int | None) -> Iterator[bool]:
    """Hold the lock of a file. The value is False if the file system has no locks."""
    while True:
        fd = open_regular(lock, os.O_RDWR | os.O_CREAT, mode=0o600, dir_fd=dir_fd)
        try:
            found = os.fstat(fd)
            has_locks = _lock(fd, lock, until)
            # The previous holder has removed the file, and there may be a new one already.
            if _identity(lock, dir_fd) == (found.st_ino, found.st_mtime_ns):
                try:
                    yield has_locks
                finally:
                    with suppress(OSError):
                        os.unlink(lock, dir_fd=dir_fd)
                return
        finally:
            os.close(fd)  # this releases the lock


def _lock(fd: int, lock: str, until: float) -> bool:
    """Wait for the lock. Return False if the file system has no locks.

    Raises:
        TimeoutError: it was not available in time.
    """
    if sys.platform == "win32":  # pragma: no cover - Windows has other locks
        return False
    import fcntl

    while True:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in _UNSUPPORTED:
                return False
            if error.errno not in (errno.EWOULDBLOCK, errno.EACCES, errno.EINTR):
                raise
        else:
            return True
        _wait(lock, until)


@contextmanager
def _exclusive_file(lock: str, until: float, dir_fd: int | None) -> Iterator[None]:
    """Hold a lock by creating a file that does not exist yet; remove it afterwards."""
    seen: tuple[int, int] | None = None
    since = time.monotonic()
    while True:
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
            os.close(open_regular(lock, flags, mode=0o600, dir_fd=dir_fd))
            break
        except FileExistsError:
            found = _identity(lock, dir_fd)
            if found != seen:
                seen, since = found, time.monotonic()
            elif found is not None and time.monotonic() - since > STALE_AFTER:
                with suppress(OSError):
                    os.unlink(lock, dir_fd=dir_fd)
                continue
        _wait(lock, until)
    try:
        yield
    finally:
        with suppress(OSError):
            os.unlink(lock, dir_fd=dir_fd)


def _identity(path: str, dir_fd: int | None) -> tuple[int, int] | None:
    try:
        found = os.stat(path, dir_fd=dir_fd, follow_symlinks=False)
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_mtime_ns


def _wait(lock: str, until: float) -> None:
    if time.monotonic() > until:
        raise TimeoutError(errno.ETIMEDOUT, "another process holds its lock", lock)
    time.sleep(_POLL)
