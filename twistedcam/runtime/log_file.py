"""A log that any program may rotate by giving its file another name."""

from __future__ import annotations

import contextlib
import io
import os
import threading
from pathlib import Path

from twistedcam.errors import StartupError

#: Permission bits of a new log: it has addresses of viewers in it. The umask takes from them.
_MODE = 0o640


class LogFile:
    """Text that is added to a file; once that has another name, a new one is begun.

    It is looked before each line, so that nobody has to say so: the lines before are in the old
    file, all others in the new one. Several processes may write the same log. Where the new file
    cannot be had it goes on in the old one, and a line that the disk does not take is lost: a log
    is no reason to end.

    Arguments:
        path: where the log is.

    Raises:
        StartupError: it cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()  # other threads log, too
        try:
            self._file = self._open()
        except OSError as error:
            raise StartupError(f"the log {path} cannot be written: {error.strerror}") from None

    def write(self, text: str) -> None:
        """Add text: whole lines."""
        with self._lock, contextlib.suppress(OSError):
            self._follow()
            self._file.write(text.encode("utf-8", "backslashreplace"))

    def flush(self) -> None:
        """Nothing is kept back."""

    def close(self) -> None:
        """Add no more."""
        self._file.close()

    def _follow(self) -> None:
        here = os.fstat(self._file.fileno())
        with contextlib.suppress(FileNotFoundError):
            there = os.stat(self._path)
            if (here.st_dev, here.st_ino) == (there.st_dev, there.st_ino):
                return
        with contextlib.suppress(OSError):
            new = self._open()
            self._file.close()
            self._file = new

    def _open(self) -> io.FileIO:
        return open(self._path, "ab", buffering=0, opener=_open_private)


def _open_private(path: str, flags: int) -> int:
    return os.open(path, flags, _MODE)
