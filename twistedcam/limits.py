"""What the system allows this process."""

from __future__ import annotations


def raise_file_limit() -> int | None:
    """Allow as many open files as the system lets this user have; the number, or None.

    A viewer takes a file. The soft limit is often 1,024 for the sake of programs that use
    select(2); the reactor does not.
    """
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return None
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        except (OSError, ValueError):  # macOS says "unlimited" and means less
            return soft
    return hard


def file_limit() -> int | None:
    """How many files this process may have open now; None: as many as it likes."""
    try:
        import resource
    except ImportError:
        return None
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return None if soft == resource.RLIM_INFINITY else soft
