"""A log file that other programs can rotate by renaming it."""

from __future__ import annotations

import contextlib
import io
import os
import threading
from pathlib import Path

from twistedcam.errors import StartupError

#: Permission bits of a new log, less the umask: it contains addresses of viewers.
_MODE = 0o640


class LogFile:
    """A file that text is appended to. After it was renamed, a new one is created.

    The path is checked before each write, so that no signal is needed. Several processes may write
    the same log. If the new file cannot be opened, the old one is used further. A line that cannot
    be written is lost.

    Raises:
        StartupError: the file cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()  # other threads log, too
        try:
            self._file = self._open()
        except OSError as error:
            raise StartupError(f"the log {path} cannot be written: {error.strerror}") from None

    def write(self, text: str) -> None:
        """Append text: complete lines."""
        with self._lock, contextlib.suppress(OSError):
            self._follow()
            self._file.write(text.encode("utf-8", "backslashreplace"))

    def flush(self) -> None:
        """Do nothing: the file is not buffered."""

    def close(self) -> None:
        """Close the file."""
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
