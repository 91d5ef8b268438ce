"""What the system allows this process."""

from __future__ import annotations

import errno
import os

#: Files that no picture on its way may take: for those who knock, and for recordings.
KEPT_BACK = 64


def raise_file_limit() -> int | None:
    """Allow as many open files as the system lets this user have; the number, or None.

    A viewer takes a file. The soft limit is often 1,024 for the sake of programs that use
    select(2); the reactor does not.
    """
    try:
        import resource
    except ImportError:  # pragma: no cover - Windows has no such limit
        return None
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        except (OSError, ValueError):  # pragma: no cover - macOS says "unlimited" and means less
            return soft
    return hard


def file_limit() -> int | None:
    """How many files this process may have open now; None: as many as it likes."""
    try:
        import resource
    except ImportError:  # pragma: no cover - Windows has no such limit
        return None
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return None if soft == resource.RLIM_INFINITY else soft


def spare(fd: int) -> int:
    """The file, if there are enough others left; to be called with one that was just opened.

    A new file has the lowest number that is free, so a high number says that most are taken.

    Raises:
        OSError: EMFILE; it is closed again.
    """
    most = file_limit()
    if most is not None and fd >= most - min(KEPT_BACK, most // 4):
        os.close(fd)
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
    return fd
