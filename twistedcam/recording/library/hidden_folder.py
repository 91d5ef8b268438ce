"""The folder of this program's own files inside the recordings folder."""

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

#: The hidden folder: the index and the thumbnails, which can be made anew at any time, and the
#: settings that were saved (twistedcam.core.saved_settings).
HIDDEN = ".twistedcam"
THUMBNAILS = "thumbnails"
#: Holds the id of the installation, as hexadecimal digits. It is written when the folder is made:
#: a folder without it was made by a version that knew no id.
INSTALLATION = "installation"
#: Bytes that a file's name may have.
_MOST_BYTES = 255
_OPEN_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK


class HiddenFolder:
    """Reads and writes files there, and nowhere else. All methods block.

    Whoever can write the recordings folder can put a symbolic link, a FIFO or a device in the place
    of this folder or of anything in it. None is followed or opened: such a name counts as one that
    cannot be read or written. The folder is made with mode 0700, its files with 0600.

    Arguments:
        folder: where the recordings are.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / HIDDEN

    def read(self, name: str, most: int, *, within: str | None = None) -> tuple[bytes, int]:
        """A file's bytes, and when it was changed last, in nanoseconds since the UNIX epoch.

        Arguments:
            most: bytes that it may have.
            within: a folder in the hidden one.

        Raises:
            OSError: it cannot be read, is longer, is no regular file, or has another name too: a
                hard link may be a file from anywhere.
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
        """The id of the installation, or None if there is none yet.

        It is an empty text for a folder of a version that knew no id.
        """
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
        """Replace a file, whole or not at all.

        Arguments:
            sync: whether it must be there after a power cut.

        Raises:
            OSError: it cannot be written.
        """
        with self._opened(within, make=True) as dir_fd:
            write_atomically(name, data, 0o600, dir_fd=dir_fd, sync=sync)

    def remove(self, name: str, *, within: str | None = None) -> None:
        """Remove a file; nothing happens if there is none.

        Raises:
            OSError: it cannot be removed.
        """
        with suppress(FileNotFoundError), self._opened(within) as dir_fd:
            os.unlink(name, dir_fd=dir_fd)

    @contextmanager
    def changing(self, name: str) -> Iterator[None]:
        """Hold the lock on a file's name: for reading, changing and writing it.

        Raises:
            OSError: the lock cannot be had.
        """
        with self._opened(None, make=True) as dir_fd, locked(name, dir_fd=dir_fd):
            yield

    @contextmanager
    def _opened(self, within: str | None, make: bool = False) -> Iterator[int]:
        """The descriptor of the folder, or of one in it."""
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
    """What a recording's thumbnail is called in its folder.

    Arguments:
        recording: the file's name.
    """
    name = f"{recording}.jpg"
    if len(os.fsencode(name)) <= _MOST_BYTES:
        return name
    return f"{sha256(os.fsencode(recording)).hexdigest()}.jpg"


def _open_folder(path: Path | str, dir_fd: int | None, make: bool) -> int:
    is_new = False
    if make:
        with suppress(FileExistsError):
            os.mkdir(path, 0o700, dir_fd=dir_fd)
            is_new = dir_fd is None
    fd = os.open(path, _OPEN_FOLDER, dir_fd=dir_fd)
    if is_new:
        with suppress(OSError):
            write_atomically(
                INSTALLATION, f"{secrets.token_hex(4)}\n".encode(), 0o600, dir_fd=fd, sync=False
            )
    return fd
