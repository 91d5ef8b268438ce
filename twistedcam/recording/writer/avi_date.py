"""Date and rate of an AVI, which FFmpeg reads but does not write."""

from __future__ import annotations

import time
from io import BytesIO, FileIO

#: Bytes that hold the headers.
_HEADERS = 1 << 16
_NAME_AND_SIZE = 8


def write_date(file: BytesIO | FileIO, when: float) -> None:
    """Write the date (chunk IDIT) into the padding behind the headers, if there is any.

    Arguments:
        file: an AVI; its position changes.
        when: seconds since the UNIX epoch; written in UTC, to the second.

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


def write_rate(file: BytesIO | FileIO, rate: float) -> None:
    """Change the rate at which the file is played, if it has a video stream.

    Arguments:
        file: an AVI; its position changes.
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
