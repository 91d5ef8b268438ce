"""The places that a server writes to: whether it can, found out before anything begins."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from twistedcam.errors import StartupError


def make_folder(folder: Path) -> None:
    """Make the folder for recordings, if it is not there, and see that it can be written.

    Raises:
        StartupError: it cannot be had.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _no_folder(folder, error.strerror) from None
    if not os.access(folder, os.W_OK | os.X_OK):
        raise _not_writable(folder)


def check_folder(folder: Path) -> None:
    """See whether ``make_folder`` would do, and leave nothing behind.

    Raises:
        StartupError: it would not.
    """
    try:
        there = next(each for each in (folder, *folder.parents) if each.exists())
        _try_file(there)
    except OSError as error:
        raise _no_folder(folder, error.strerror) from None


def check_log(path: Path) -> None:
    """See whether a log can be written there, and leave nothing behind.

    Raises:
        StartupError: it cannot.
    """
    real = Path(os.path.realpath(path))
    try:
        if real.exists():
            open(real, "ab").close()
        else:
            _try_file(real.parent)
    except OSError as error:
        raise StartupError(f"the log {path} cannot be written: {error.strerror}") from None


def _try_file(folder: Path) -> None:
    """Have a file there that has no name, where the system can do that, and is gone at once."""
    tempfile.TemporaryFile(dir=folder).close()


def _no_folder(folder: Path, reason: str | None) -> StartupError:
    return StartupError(f"no folder for recordings, {folder}: {reason}")


def _not_writable(folder: Path) -> StartupError:
    return StartupError(f"the folder for recordings, {folder}, cannot be written")
