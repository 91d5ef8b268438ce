"""The ``Range`` header of a request for a part of a file."""

from __future__ import annotations

import re

_RANGE = re.compile(r"bytes=[ \t]*(\d{0,18})-(\d{0,18})[ \t]*", re.ASCII | re.IGNORECASE)


def normalize_range(header: str, size: int) -> str | None:
    """Return a ``Range`` in its plainest form, or None if the whole file is to be sent.

    The whole file is sent for an invalid range and for several ranges (RFC 9110, 14.2): players do
    not use several, and each could be the whole file. ``twisted.web.static`` would send the file
    once for each, and fails at a suffix that is longer than the file.

    Arguments:
        size: bytes of the file.
    """
    found = _RANGE.fullmatch(header)
    if found is None:
        return None
    first, last = found.groups()
    if first:
        return f"bytes={first}-{last}" if not last or int(first) <= int(last) else None
    # A suffix that is longer than the file means the whole file (RFC 9110, 14.1.2).
    return f"bytes=-{min(int(last), size)}" if last else None
