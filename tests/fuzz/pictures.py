"""JPEG checks: any bytes are refused with a sentence, or made whole; what is whole stays so."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import simplejpeg

from tests.support.fakes import TINY_JPEG
from twistedcam.media import jpeg
from twistedcam.media.jpeg_repair import repair_jpeg
from twistedcam.sources.multipart import MultipartDecoder

#: Pixels beyond which no decoder is asked: it would be what takes the time.
MAXIMUM = 512 * 512


def check(data: bytes) -> None:
    """The first byte says which side of it is looked at."""
    if data[:1] == b"m":
        check_parts(data[1:])
    else:
        check_picture(data[1:])


def check_picture(data: bytes) -> None:
    """A picture as a camera gave it."""
    try:
        size = jpeg.read_header(data).size
        if size.width * size.height > MAXIMUM:
            return
        whole = repair_jpeg(data)
    except ValueError as error:
        assert str(error).isprintable()
        return
    assert whole.jpeg.startswith(jpeg.SOI)
    assert whole.jpeg.endswith(jpeg.EOI)
    assert whole.header.size == size
    again = repair_jpeg(whole.jpeg)
    assert again.jpeg == whole.jpeg, "a repaired picture is not changed again"
    assert not again.is_repaired
    if whole.is_repaired and not data.endswith(jpeg.EOI):
        try:
            simplejpeg.decode_jpeg(whole.jpeg, "GRAY")
        except ValueError:
            assert jpeg.EOI in data, "only pictures that can be decoded are repaired"


def check_parts(data: bytes) -> None:
    """A multipart stream, cut in two ways."""
    assert parts(data, len(data) or 1) == parts(data, 7)


def parts(data: bytes, step: int) -> list[tuple[tuple[tuple[str, str], ...], bytes]]:
    """Each part's headers and body; what came before an error counts."""
    decoder, found = MultipartDecoder("x"), []
    try:
        for start in range(0, len(data), step):
            for part in decoder.feed(data[start : start + step]):
                found.append((tuple(part.headers.items()), part.body))
    except ValueError as error:
        assert str(error).isprintable()
    return found


def seeds() -> Iterator[bytes]:
    """A small picture, whole and spoiled; a stream of parts."""
    for data in (
        TINY_JPEG,
        TINY_JPEG[:-2],
        TINY_JPEG + bytes(20),
        TINY_JPEG[:-20],
        TINY_JPEG.replace(jpeg.STANDARD_TABLES, b""),
    ):
        yield b"p" + data
    head = partial(b"--x\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n".__mod__, 9)()
    yield b"m" + (head + b"123456789\r\n") * 3 + b"--x\nA: b\n\n123\n--x--"
