"""HTTP responses of cameras, which are read by what they contain where their headers are wrong."""

from __future__ import annotations

import http.client
import re

_MAX_LINE = 8192
_STATUS = re.compile(rb"(HTTP/[0-9.]+|ICY|RTSP/[0-9.]+)[ \t]+([1-5][0-9]{2})(?:[ \t]+([^\r\n]*))?")
_HEX = b"0123456789abcdefABCDEF \t"


class LenientHTTPResponse(http.client.HTTPResponse):
    """A response of a camera whose header may be wrong.

    - There may be no header (as in HTTP/0.9), or a status line that begins with ``ICY``.
    - A multipart response has no length, and may not be chunked although its header says so.
    - A picture on a connection that is closed after it may be longer than its length.
    """

    trusts_length = True

    def begin(self) -> None:
        """Read the header."""
        while self.fp.peek(1)[:1] in (b"\r", b"\n"):
            self.fp.read(1)
        if self.fp.peek(1)[:1] in (b"-", b"\xff"):
            self._begin_without_head()
            return
        super().begin()
        kind = self.headers.get("Content-Type", "").strip().lower()
        is_stream = kind.startswith("multipart/")
        if self.chunked and self.fp.peek(1)[:1] not in _HEX:
            self.chunked, self.chunk_left = False, None
            del self.headers["Transfer-Encoding"]
            self._forget_length()
        elif (
            is_stream
            or not self.trusts_length
            or (kind.startswith("image/") and self.will_close and self.length)
        ):
            self._forget_length()

    def _begin_without_head(self) -> None:
        self.headers = self.msg = http.client.HTTPMessage()
        self.code = self.status = 200
        self.reason, self.version = "", 9
        self.chunked, self.chunk_left = False, None
        self._forget_length()

    def _forget_length(self) -> None:
        if not self.chunked:
            del self.headers["Content-Length"]
            self.length = None
            self.will_close = True

    def _read_status(self) -> tuple[str, int, str]:
        line = self.fp.readline(_MAX_LINE)
        if not line:
            raise http.client.RemoteDisconnected("it closed the connection without a response")
        found = _STATUS.match(line)
        if found is None:
            raise http.client.BadStatusLine("its response has no HTTP status line")
        version = "HTTP/1.1" if found[1] == b"HTTP/1.1" else "HTTP/1.0"
        return version, int(found[2]), (found[3] or b"").decode("latin-1").strip()


class UnmeasuredHTTPResponse(LenientHTTPResponse):
    """A response of a camera that says too small lengths: it ends with its connection."""

    trusts_length = False
