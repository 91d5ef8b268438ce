"""Small files that are replaced as a whole, and a lock for who reads, changes and writes one."""

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
#: Without locks in the file system: seconds after which a lock file that never changed counts as
#: left behind by a process that died.
STALE_AFTER = 5.0
#: Seconds between two attempts to get a lock.
_POLL = 0.01
#: What a file system says that cannot do something: NFS without lockd, some FUSE and SMB ones.
_UNSUPPORTED = frozenset(
    {errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL}
)
#: What a file system says whose disk refuses.
_DANGER = frozenset({errno.EIO, errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.ESTALE})


def write_atomically(
    path: Path | str,
    data: bytes,
    mode: int,
    *,
    owner: tuple[int, int] | None = None,
    dir_fd: int | None = None,
    sync: bool = True,
) -> None:
    """Replace a file, whole or not at all. Blocks.

    A symbolic link of that name is replaced, not followed: resolve it first where it is meant.

    Arguments:
        mode: the file's permission bits; the umask does not change them.
        owner: user and group that the file is to have; None: those of this process.
        dir_fd: the folder that a relative path starts at; None: the current one.
        sync: see that it is on the disk before it takes its name. Without, a power cut may leave
            an empty file: for what can be made anew.

    Raises:
        OSError: it cannot be written; the old file is as it was.
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
        with suppress(OSError):  # it is replaced already
            sync_folder(folder or ".", dir_fd)


@contextmanager
def locked(path: Path | str, *, dir_fd: int | None = None) -> Iterator[None]:
    """Hold a lock on a file's name: for reading, changing and writing it in one step. Blocks.

    It holds between processes and between threads. The lock is a file of its own beside it,
    ``.NAME.lock``, because the file itself is replaced. It is there as long as somebody holds it.

    Where the file system has no locks, a second file is made instead that nobody else can make
    meanwhile (``O_EXCL``). One that a crash has left behind counts for ``STALE_AFTER`` seconds.

    Arguments:
        dir_fd: the folder that a relative path starts at; None: the current one.

    Raises:
        TimeoutError: another process has held it for ``LOCK_TIMEOUT`` seconds. It is an OSError.
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
    """Write a file's contents to the disk, as far as the file system can do that.

    Raises:
        OSError: the disk refuses: what was written may be lost.
    """
    try:
        os.fsync(fd)
    except OSError as error:
        if error.errno in _DANGER:
            raise


def sync_folder(folder: Path | str, dir_fd: int | None = None) -> None:
    """Write the names in a folder to the disk, as far as the file system can do that.

    Raises:
        OSError: the disk refuses: new names may be lost.
    """
    try:
        fd = os.open(folder, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0), dir_fd=dir_fd)
    except OSError:
        return  # a folder that may not be listed, or no descriptor left: the system does it later
    try:
        sync_file(fd)
    finally:
        os.close(fd)


def _short(name: str) -> str:
    """As much of a name as leaves room for more in the 255 bytes that a name may have."""
    return os.fsdecode(os.fsencode(name)[:100])


def _set_mode(fd: int, mode: int) -> None:
    """A file system without permission bits keeps those that it gives to all files."""
    if sys.platform == "win32":  # pragma: no cover - Windows has no fchmod before Python 3.13
        return
    try:
        os.fchmod(fd, mode)
    except OSError as error:
        if error.errno not in (errno.EPERM, *_UNSUPPORTED):
            raise


@contextmanager
def _lock_file(lock: str, until: float, dir_fd: int | None) -> Iterator[bool]:
    """Have the lock on a file; False where the file system has none."""
    while True:
        fd = open_regular(lock, os.O_RDWR | os.O_CREAT, mode=0o600, dir_fd=dir_fd)
        try:
            found = os.fstat(fd)
            has_locks = _lock(fd, lock, until)
            # Who held it before has removed it: the next one may have made another already.
            if _identity(lock, dir_fd) == (found.st_ino, found.st_mtime_ns):
                try:
                    yield has_locks
                finally:
                    with suppress(OSError):
                        os.unlink(lock, dir_fd=dir_fd)
                return
        finally:
            os.close(fd)  # that lets the lock go


def _lock(fd: int, lock: str, until: float) -> bool:
    """Wait for the lock; False where the file system has none.

    Raises:
        TimeoutError: it was not to be had in time.
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
    """Have a file that nobody else can make at the same time, and remove it afterwards."""
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
