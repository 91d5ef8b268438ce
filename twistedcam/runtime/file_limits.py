"""The limit on open files of this process."""

from __future__ import annotations

import errno
import os

#: Files that ``check_reserve`` keeps free for new connections and recordings.
RESERVE = 64


def raise_file_limit() -> int | None:
    """Raise the limit on open files to the hard limit; return it, or None if there is none.

    Each viewer needs a file. The soft limit is often 1,024 because of programs that use select(2),
    which the reactor does not.
    """
    try:
        import resource
    except ImportError:  # pragma: no cover - Windows has no such limit
        return None
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        except (OSError, ValueError):  # pragma: no cover - macOS has a limit below "unlimited"
            return soft
    return hard


def file_limit() -> int | None:
    """Return the number of files that this process may have open, or None for no limit."""
    try:
        import resource
    except ImportError:  # pragma: no cover - Windows has no such limit
        return None
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return None if soft == resource.RLIM_INFINITY else soft


def check_reserve(fd: int) -> int:
    """Return a file that was just opened, if ``RESERVE`` others can still be opened.

    A new file gets the lowest free number, so a high number means that most are in use.

    Raises:
        OSError: EMFILE: too few are left. The file is closed.
    """
    most = file_limit()
    if most is not None and fd >= most - min(RESERVE, most // 4):
        os.close(fd)
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
    return fd
