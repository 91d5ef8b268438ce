"""A sans-IO decoder of ``multipart/x-mixed-replace`` streams.

It relies on the data rather than on the headers: many cameras announce a boundary that they do not
send, or a wrong length.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

#: The most bytes of a part's headers, and of its body.
MAX_HEAD = 16 * 1024
MAX_BODY = 32 * 1024 * 1024

#: The most lines between two parts.
_MAX_LINES = 10_000
_SOI = b"\xff\xd8"
_EOI = b"\xff\xd9"
#: The first bytes of other formats: PNG, WebP, BMP, GIF.
_OTHER_IMAGES = (b"\x89PNG", b"RIFF", b"BM", b"GIF8")
_HEADER_LINE = re.compile(rb"([A-Za-z][A-Za-z0-9_-]*)\s*:(.*)")
#: The beginning of the boundary after a part whose length is right.
_BOUNDARY_START = re.compile(rb"(?:\r?\n){0,2}--")
_BOUNDARY_START_SIZE = 6
#: A marker in a scan, other than stuffed bytes, restarts and fill bytes.
_MARKER = re.compile(rb"\xff[^\x00\x01\xd0-\xd7\xff]")
_STANDALONE = frozenset((0x01, *range(0xD0, 0xD9)))
_SOS = 0xDA
#: The most bytes of other data that may precede a JPEG.
_PREFIX = 64
#: A shorter boundary may occur inside a picture by chance.
_LONG_BOUNDARY = 4


@dataclass(frozen=True)
class Part:
    """A part; the names of its headers are in lower case."""

    headers: dict[str, str]
    body: bytes


class MultipartDecoder:
    """Decodes parts, and returns each as soon as its last byte has arrived.

    The boundary is the first line that begins with ``--``. The first part, or all, may have none. A
    JPEG ends after its ``Content-Length`` if that is right, else with its end marker (FF D9), or at
    the next boundary. Lines may end with LF only. Bytes between two parts are skipped. The result
    does not depend on how the data was split.

    Arguments:
        boundary: the boundary of the content type; needed only if it is sent without ``--``.
    """

    def __init__(self, boundary: str = "") -> None:
        self._declared = boundary.strip("\"' ").strip("-").encode("latin-1", "replace")
        #: The pattern of the boundary that the camera sends; None before the first.
        self._boundary: re.Pattern[bytes] | None = None
        self._data = bytearray()
        #: The headers of the current part, once the beginning of its body is known.
        self._headers: dict[str, str] | None = None
        # State of the header:
        self._lines: dict[str, str] = {}
        self._has_boundary = False
        self._head_size = self._skipped = self._skipped_lines = 0
        self._has_parts = False
        # State of the body:
        self._is_jpeg: bool | None = None
        self._length = 0
        self._end_finder = JpegEndFinder()
        self._boundary_from = 0
        # Facts about this camera:
        self._length_fits = False
        self._lacks_eoi = False
        self._last_size = 0

    def feed(self, data: bytes) -> Iterator[Part]:
        """Yield the parts that ``data`` completes.

        Raises:
            ValueError: a part is too long, or there is no part.
        """
        self._data += data
        while True:
            if self._headers is None and not self._read_head():
                return
            body = self._read_body()
            if body is None:
                return
            yield self._part(body)

    def finish(self) -> Iterator[Part]:
        """Yield the part that the end of the stream completes, if there is one."""
        if self._headers is None or not self._data:
            return
        length = self._length or len(self._data)
        if len(self._data) >= length:
            yield self._part(self._take(length))

    def _part(self, body: bytes) -> Part:
        assert self._headers is not None
        headers, self._headers = self._headers, None
        self._has_parts = True
        self._last_size = len(body)
        self._lines, self._has_boundary = {}, False
        self._head_size = self._skipped = self._skipped_lines = 0
        return Part(headers, body)

    # The header: everything before the body.

    def _read_head(self) -> bool:
        """Read up to the beginning of the body; return True if it was found."""
        while True:
            end = self._data.find(b"\n")
            if self._may_begin_bare():
                start = self._data.find(b"\xff\xd8\xff", 0, end if end >= 0 else len(self._data))
                if start >= 0:
                    self._skip(start)
                    return self._begin_body()
            if end < 0:
                self._check_head_size(len(self._data))
                return False
            line = bytes(self._data[:end]).rstrip()
            if not line and (self._lines or self._has_boundary):
                follows = bytes(self._data[end + 1 : end + 2])
                if not follows:
                    return False
                self._skip(end + 1)
                if self._lines or not follows.isalpha():
                    return self._begin_body()
                continue  # an empty line between boundary and headers
            self._skip(end + 1)
            self._read_line(line)

    def _may_begin_bare(self) -> bool:
        """Return True if a JPEG may begin here without an empty line before it.

        If the camera sends boundaries, a boundary must come first: it may append a second, smaller
        picture to each.
        """
        return self._boundary is None or self._has_boundary

    def _read_line(self, line: bytes) -> None:
        if self._is_boundary(line):
            self._has_boundary = True
            self._lines = {}
            self._head_size = 0
        elif header := _HEADER_LINE.fullmatch(line):
            name, value = header[1].decode("latin-1"), header[2].decode("latin-1")
            self._lines[name.lower()] = value.strip()

    def _is_boundary(self, line: bytes) -> bool:
        # Padding of the previous picture may precede it on the same line.
        if self._boundary is not None and self._boundary.search(b"\n" + line + b"\n"):
            return True
        if line.startswith(b"--"):
            self._boundary = _boundary_pattern(line)
            return True
        return bool(self._declared) and line == self._declared

    def _skip(self, count: int) -> None:
        self._check_head_size(count)
        if self._lines or self._has_boundary:
            self._head_size += count
        else:
            self._skipped += count
            self._skipped_lines += 1
        del self._data[:count]

    def _check_head_size(self, more: int) -> None:
        if self._lines or self._has_boundary:
            if self._head_size + more > MAX_HEAD:
                raise ValueError("the headers of a part are too long")
            return
        limit = MAX_BODY if self._has_parts else MAX_HEAD
        if self._skipped + more > limit or self._skipped_lines > _MAX_LINES:
            raise ValueError("there is no part")

    # The body.

    def _begin_body(self) -> bool:
        self._headers = self._lines
        found = re.match(r"\d{1,9}(?!\d)", self._headers.get("content-length", ""))
        length = int(found[0]) if found else 0
        self._length = length if length <= MAX_BODY else 0
        self._is_jpeg = None
        self._end_finder = JpegEndFinder()
        self._boundary_from = 0
        return True

    def _read_body(self) -> bytes | None:
        if self._is_jpeg is None and not self._detect_format():
            return None
        body = self._read_jpeg() if self._is_jpeg else self._read_other()
        if body is None:
            self._check_body_size()
        return body

    def _read_jpeg(self) -> bytes | None:
        size, length = len(self._data), self._length
        if length and self._length_fits and length <= 4 * self._last_size:
            if size < length:
                return None
            if self._lacks_eoi or self._data[length - 2 : length] == _EOI:
                return self._take(length)
        end = self._find_end()
        if length and (end is None or end > length):
            fits = self._is_boundary_at(length) if size >= length else None
            if fits is None:
                return None
            self._learn(fits)
            if fits:
                return self._take(length)
        elif end is not None:
            self._learn(end == length)
        return None if end is None else self._take_to(end)

    def _learn(self, length_fits: bool) -> None:
        """Note whether this camera's lengths are right; if so, pictures need not be searched."""
        self._length_fits = length_fits
        self._lacks_eoi = length_fits and self._data[self._length - 2 : self._length] != _EOI

    def _read_other(self) -> bytes | None:
        """Return the body of a part that is no JPEG: by its length, or up to the next boundary."""
        if self._length:
            enough = len(self._data) >= self._length
            fits = self._is_boundary_at(self._length) if enough else None
            if fits is None:
                return None
            if fits:
                return self._take(self._length)
        end = self._find_boundary()
        return None if end is None else self._take_to(end)

    def _detect_format(self) -> bool:
        """Find the beginning and the format of the picture; return False if more data is needed."""
        start = 0
        while start < len(self._data) and self._data[start] in b"\r\n":
            start += 1
        del self._data[:start]
        if len(self._data) < 2:
            return False
        if self._data.startswith(_SOI):
            self._is_jpeg = True
        elif self._data.startswith(_OTHER_IMAGES):
            self._is_jpeg = False
        else:
            at = self._data.find(b"\xff\xd8\xff", 0, _PREFIX + 3)
            end = self._find_boundary()
            if at < 0 and end is None and len(self._data) < _PREFIX + 3:
                return False
            self._is_jpeg = at >= 0 and (end is None or at < end)
            if self._is_jpeg:
                del self._data[:at]
                self._boundary_from = 0
        return True

    def _find_end(self) -> int | None:
        """Return the end of the JPEG: after its end marker, or before the next boundary."""
        ends = self._end_finder.find(self._data), self._find_boundary()
        return min((end for end in ends if end is not None), default=None)

    def _find_boundary(self) -> int | None:
        if self._boundary is None:
            return None
        found = self._boundary.search(self._data, self._boundary_from)
        if found is not None:
            return found.start()
        self._boundary_from = max(0, len(self._data) - MAX_HEAD)
        return None

    def _is_boundary_at(self, at: int) -> bool | None:
        """Return True if a boundary follows there; None if more data is needed."""
        follows = bytes(self._data[at : at + _BOUNDARY_START_SIZE])
        if _BOUNDARY_START.match(follows):
            return True
        if len(follows) < _BOUNDARY_START_SIZE and not follows.strip(b"\r\n-"):
            return None
        return False

    def _check_body_size(self) -> None:
        if len(self._data) > MAX_BODY + _BOUNDARY_START_SIZE:
            raise ValueError("a part is too long")

    def _take_to(self, end: int) -> bytes:
        """Return the body up to ``end``, without the line end and dashes before a boundary."""
        body = self._take(end)
        if body.endswith(_EOI):
            return body
        return body.rstrip(b"-").removesuffix(b"\n").removesuffix(b"\r")

    def _take(self, count: int) -> bytes:
        taken = bytes(self._data[:count])
        del self._data[:count]
        return taken


class JpegEndFinder:
    """Finds the end of a JPEG whose data arrives in parts (ITU-T T.81, annex B)."""

    def __init__(self) -> None:
        self._at = len(_SOI)
        self._in_scan = False

    def find(self, data: bytearray) -> int | None:
        """Return the offset after the end marker, or of the next picture; None if not found yet."""
        while True:
            if self._in_scan:
                found = _MARKER.search(data, self._at)
                if found is None:
                    self._at = max(self._at, len(data) - 1)
                    return None
                self._at = found.start()
            if self._at + 2 > len(data):
                return None
            first, code = data[self._at], data[self._at + 1]
            if first != 0xFF or (code == 0 and not self._in_scan):  # corrupt: search for the end
                self._in_scan = True
                continue
            if code == _EOI[1]:
                return self._at + 2
            if code == _SOI[1] and self._in_scan:  # the next picture: there is no end marker
                return self._at
            if code == 0xFF:
                self._at += 1
            elif code in _STANDALONE:
                self._at += 2
            elif self._at + 4 > len(data):
                return None
            else:
                length = data[self._at + 2] << 8 | data[self._at + 3]
                self._at += 2 + length
                self._in_scan = code == _SOS


def _boundary_pattern(line: bytes) -> re.Pattern[bytes]:
    """Return the pattern that finds the boundary in a body."""
    name = line.removeprefix(b"--")
    name = name.removesuffix(b"--") or name
    if len(name) >= _LONG_BOUNDARY:
        return re.compile(rb"--" + re.escape(name))
    return re.compile(rb"\r?\n--" + re.escape(name) + rb"(?:--)?[ \t]*\r?\n")


def boundary_of(content_type: str) -> str | None:
    """Return the boundary of a content type; None if it is not multipart."""
    if not content_type.strip().lower().startswith("multipart/"):
        return None
    found = re.search(r"""boundary\s*=\s*("[^"]*"|'[^']*'|[^;\s]+)""", content_type, re.IGNORECASE)
    return found[1] if found else ""
