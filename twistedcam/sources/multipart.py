"""Parts of a ``multipart/x-mixed-replace`` stream, without any input or output."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

#: Most bytes of a part's headers, and of its body.
MAX_HEAD = 16 * 1024
MAX_BODY = 32 * 1024 * 1024

_HEAD_END = re.compile(rb"\r?\n\r?\n")


@dataclass(frozen=True)
class Part:
    """One part; the names of its headers are in lower case."""

    headers: dict[str, str]
    body: bytes


class MultipartDecoder:
    """Takes bytes as they come and gives whole parts.

    Cameras are not strict: the dashes before a boundary may be part of its name or not, lines may
    end in LF alone, and a length may be said or not. Where none is said, a part ends at the next
    boundary.

    Arguments:
        boundary: as the content type has it.
    """

    def __init__(self, boundary: str) -> None:
        self._boundary = boundary.strip('" ').strip("-").encode("latin-1", "replace")
        self._data = bytearray()
        self._searched = 0
        self._headers: dict[str, str] | None = None

    def feed(self, data: bytes) -> Iterator[Part]:
        """The parts that ``data`` completes.

        Raises:
            ValueError: a part is longer than the limits.
        """
        self._data += data
        while True:
            if self._headers is None and not self._read_head():
                return
            body = self._read_body()
            if body is None:
                return
            assert self._headers is not None
            headers, self._headers = self._headers, None
            yield Part(headers, body)

    def _read_head(self) -> bool:
        start = self._data.find(self._boundary)
        end = None if start < 0 else _HEAD_END.search(self._data, start)
        if end is None:
            if len(self._data) > MAX_HEAD:
                raise ValueError("no part begins where one should")
            return False
        lines = bytes(self._data[start : end.start()]).decode("latin-1").splitlines()[1:]
        pairs = (line.partition(":") for line in lines)
        self._headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
        self._take(end.end())
        return True

    def _read_body(self) -> bytes | None:
        assert self._headers is not None
        said = self._headers.get("content-length", "")
        if said.isdigit() and int(said) > 0:
            length = int(said)
            if length > MAX_BODY:
                raise ValueError(f"a part of {length} bytes is too long")
            return self._take(length) if len(self._data) >= length else None
        mark = b"--" + self._boundary
        end = self._data.find(mark, max(0, self._searched - len(mark)))
        if end < 0:
            if len(self._data) > MAX_BODY:
                raise ValueError("a part without an end")
            self._searched = len(self._data)
            return None
        return self._take(end).rstrip(b"-").removesuffix(b"\n").removesuffix(b"\r")

    def _take(self, count: int) -> bytes:
        taken = bytes(self._data[:count])
        del self._data[:count]
        self._searched = 0
        return taken


def boundary_of(content_type: str) -> str | None:
    """The boundary that a content type says, or None if it is no multipart."""
    if not content_type.lower().startswith("multipart/"):
        return None
    found = re.search(r'boundary=("[^"]*"|[^;\s]+)', content_type, re.IGNORECASE)
    return found[1] if found else ""
