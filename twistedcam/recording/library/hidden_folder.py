"""The hidden folder for this program's own files in the recordings folder."""

from __future__ import annotations

import errno
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path

from twistedcam.runtime.atomic_file import locked, write_atomically
from twistedcam.runtime.regular_file import open_regular

#: The hidden folder. It has the index and the thumbnails, which can be made again, and saved
#: settings (twistedcam.core.saved_settings).
HIDDEN = ".twistedcam"
THUMBNAILS = "thumbnails"
#: The file with the id of the installation, as hexadecimal digits. It is written with the folder: a
#: folder without it was made by an older version.
INSTALLATION = "installation"
#: Bytes of a file that is moved to another folder, at most.
MAX_MOVED = 4 << 20
#: Bytes of a file's name at most.
_MAX_BYTES = 255


class HiddenFolder:
    """Reads and writes files in the hidden folder. All methods block.

    Anybody who can write the recordings folder can replace this folder, or anything in it, by a
    symbolic link, a FIFO or a device. None is followed or opened: it counts as unreadable. The
    folder gets mode 0700, its files 0600.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / HIDDEN

    def read(self, name: str, most: int, *, within: str | None = None) -> tuple[bytes, int]:
        """A file's contents, and its last change in nanoseconds since the UNIX epoch.

        Arguments:
            most: bytes at most.
            within: a folder in the hidden one.

        Raises:
            OSError: it cannot be read, is larger, is no regular file, or has several names: a hard
                link can be a file from anywhere.
        """
        with self._opened(within) as dir_fd:
            fd = open_regular(name, dir_fd=dir_fd)
        with open(fd, "rb") as file:
            found = os.fstat(fd)
            if found.st_nlink > 1:
                raise OSError(errno.EMLINK, "it has several names", name)
            data = file.read(most + 1)
        if len(data) > most:
            raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), name)
        return data, found.st_mtime_ns

    def installation(self) -> str | None:
        """The id of the installation; None without a folder, empty for one of an older version."""
        if not self.path.is_dir():
            return None
        with suppress(OSError):
            text = self.read(INSTALLATION, 64)[0].decode("ascii", "replace").strip()
            if re.fullmatch("[0-9a-f]{4,32}", text):
                return text
        return ""

    def write(
        self, name: str, data: bytes, *, within: str | None = None, sync: bool = False
    ) -> None:
        """Replace a file atomically.

        Arguments:
            sync: True if it must survive a power cut.

        Raises:
            OSError: it cannot be written.
        """
        with self._opened(within, make=True) as dir_fd:
            write_atomically(name, data, 0o600, dir_fd=dir_fd, sync=sync)

    def make(self, name: str) -> Path:
        """Make the folder and an empty file, if they do not exist; return the file's path.

        For a library that opens the file by its path, which must not be replaced meanwhile.

        Raises:
            OSError: it cannot be made, is no regular file, or has several names.
        """
        with self._opened(None, make=True) as dir_fd:
            fd = open_regular(name, os.O_RDWR | os.O_CREAT, mode=0o600, dir_fd=dir_fd)
        try:
            if os.fstat(fd).st_nlink > 1:
                raise OSError(errno.EMLINK, "it has several names", name)
        finally:
            os.close(fd)
        return self.path / name

    def remove(self, name: str, *, within: str | None = None) -> None:
        """Remove a file, if it exists.

        Raises:
            OSError: it cannot be removed.
        """
        with suppress(FileNotFoundError), self._opened(within) as dir_fd:
            os.unlink(name, dir_fd=dir_fd)

    def move(self, name: str, other: HiddenFolder) -> None:
        """Move a file to another hidden folder, if it exists here and not there.

        Raises:
            OSError: it cannot be read or written; it is still here.
        """
        try:
            data = self.read(name, MAX_MOVED)[0]
        except FileNotFoundError:
            return
        with other.changing(name):
            if os.path.lexists(other.path / name):
                return
            other.write(name, data, sync=True)
        self.remove(name)

    @contextmanager
    def changing(self, name: str) -> Iterator[None]:
        """Hold the lock of a file, to read, change and write it.

        Raises:
            OSError: the lock is not available.
        """
        with self._opened(None, make=True) as dir_fd, locked(name, dir_fd=dir_fd):
            yield

    @contextmanager
    def _opened(self, within: str | None, make: bool = False) -> Iterator[int]:
        """The descriptor of the folder, or of a folder in it."""
        fd = _open_folder(self.path, None, make)
        try:
            if within is not None:
                inner = _open_folder(within, fd, make)
                os.close(fd)
                fd = inner
            yield fd
        finally:
            os.close(fd)


def thumbnail_name(recording: str) -> str:
    """The file name of a recording's thumbnail."""
    name = f"{recording}.jpg"
    if len(os.fsencode(name)) <= _MAX_BYTES:
        return name
    return f"{sha256(os.fsencode(recording)).hexdigest()}.jpg"


def _open_folder(path: Path | str, dir_fd: int | None, make: bool) -> int:
    is_new = False
    if make:
        with suppress(FileExistsError):
            os.mkdir(path, 0o700, dir_fd=dir_fd)
            is_new = dir_fd is None
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
    fd = os.open(path, flags, dir_fd=dir_fd)
    if is_new:
        with suppress(OSError):
            write_atomically(
                INSTALLATION, f"{secrets.token_hex(4)}\n".encode(), 0o600, dir_fd=fd, sync=False
            )
    return fd
