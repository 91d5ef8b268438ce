"""Which part of a file a request is to get.

``twisted.web.static`` sends parts, and believes what it is told of them: it fails at a suffix that
is longer than the file, and sends a file once for each range that a header has. So it is told of
nothing but one range in its plainest form.
"""

from __future__ import annotations

import math
import re

from twisted.web.http import datetimeToString

from twistedcam.servers.http.connection.request import HttpRequest

_ONE = re.compile(r"bytes=[ \t]*(\d{0,18})-(\d{0,18})[ \t]*", re.ASCII | re.IGNORECASE)


def normalize_range(header: str, size: int) -> str | None:
    """A ``Range`` as one that any reader of it gets right; None: the whole file is to be sent.

    That is the answer to what is no range, and to several at once (RFC 9110, 14.2): no player
    asks for those, and each may be the whole file.

    Arguments:
        size: the file's, in bytes.
    """
    found = _ONE.fullmatch(header)
    if found is None:
        return None
    first, last = found.groups()
    if first:
        return f"bytes={first}-{last}" if not last or int(first) <= int(last) else None
    # The last bytes of it; more than it has means all (RFC 9110, 14.1.2).
    return f"bytes=-{min(int(last), size)}" if last else None


def normalize_range_header(request: HttpRequest, size: int, changed: float) -> None:
    """Leave in a request the range that it is to be answered with, or none.

    Arguments:
        size: the file's, in bytes.
        changed: when the file was changed last, in UNIX seconds.
    """
    headers = request.requestHeaders
    # Of another file than the one that the client has a part of it needs all (RFC 9110, 13.1.5).
    condition = request.getHeader("If-Range")
    is_same = condition is None or condition.encode() == datetimeToString(math.ceil(changed))
    asked = request.getHeader("Range") if is_same and request.method == b"GET" else None
    wanted = None if asked is None else normalize_range(asked, size)
    if wanted is None:
        headers.removeHeader(b"Range")
    else:
        headers.setRawHeaders(b"Range", [wanted.encode()])
