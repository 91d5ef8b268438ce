"""When an AVI was made: FFmpeg reads the chunk for it, and does not write it."""

from __future__ import annotations

import time
from typing import Protocol

#: Bytes in which the headers end.
_HEADERS = 1 << 16
_NAME_AND_SIZE = 8


class _File(Protocol):
    def seek(self, offset: int, /) -> int: ...
    def read(self, size: int, /) -> bytes | None: ...
    def write(self, data: bytes, /) -> int | None: ...


def stamp(file: _File, when: float) -> None:
    """Put the time into the room that FFmpeg leaves behind the headers; nothing if there is none.

    Arguments:
        file: an AVI; its position is at its beginning or anywhere, and is not kept.
        when: seconds since the UNIX epoch; the chunk has UTC, to the second.

    Raises:
        OSError: the file cannot be read or written.
    """
    file.seek(0)
    headers = file.read(_HEADERS) or b""
    at = headers.rfind(b"JUNK", 0, max(0, headers.find(b"movi")))
    chunk = _chunk(b"IDIT", time.asctime(time.gmtime(when)).encode() + b"\n\0")
    size = int.from_bytes(headers[at + 4 : at + _NAME_AND_SIZE], "little")
    if at < 0 or size < len(chunk):
        return
    file.seek(at)
    file.write(chunk + b"JUNK" + (size - len(chunk)).to_bytes(4, "little"))


def set_rate(file: _File, rate: float) -> None:
    """Let the file be played at another rate; nothing if it has no stream of pictures.

    Arguments:
        file: an AVI; its position is not kept.
        rate: steps a second.

    Raises:
        OSError: the file cannot be read or written.
    """
    file.seek(0)
    headers = file.read(_HEADERS) or b""
    main, stream = headers.find(b"avih"), headers.find(b"strh")
    if main < 0 or headers[stream + 8 : stream + 12] != b"vids":
        return
    scale = 1_000_000
    file.seek(main + _NAME_AND_SIZE)  # dwMicroSecPerFrame
    file.write(round(scale / rate).to_bytes(4, "little"))
    file.seek(stream + _NAME_AND_SIZE + 20)  # dwScale, dwRate
    file.write(scale.to_bytes(4, "little") + round(rate * scale).to_bytes(4, "little"))


def _chunk(name: bytes, data: bytes) -> bytes:
    return name + len(data).to_bytes(4, "little") + data
