"""Checks before the start that the server can write its recordings and its log."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from twistedcam.errors import StartupError


def make_folder(folder: Path) -> None:
    """Create the folder for recordings if it does not exist, and check that it is writable.

    Raises:
        StartupError: it cannot be created or is not writable.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _no_folder(folder, error.strerror) from None
    if not os.access(folder, os.W_OK | os.X_OK):
        raise _no_folder(folder, "read-only, or no permission")


def check_folder(folder: Path) -> None:
    """Check that ``make_folder`` would succeed, without creating anything.

    Raises:
        StartupError: it would fail.
    """
    try:
        existing = next(each for each in (folder, *folder.parents) if each.exists())
        _try_file(existing)
    except OSError as error:
        raise _no_folder(folder, error.strerror) from None


def check_log(path: Path) -> None:
    """Check that a log can be written, without creating it.

    Raises:
        StartupError: it cannot be written.
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
    """Create and remove a temporary file, which has no name if the system supports that."""
    tempfile.TemporaryFile(dir=folder).close()


def _no_folder(folder: Path, reason: str | None) -> StartupError:
    return StartupError(f"the folder for recordings {folder} cannot be written: {reason}")
