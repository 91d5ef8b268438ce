"""What is found out about a film: its head, and its first picture."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import av
import av.error

from twistedcam.media.jpeg import MOST_PIXELS
from twistedcam.recording.media_worker.source import (
    MOST_BYTES,
    FilmFile,
    NotAFilm,
    as_text,
    open_film,
)

#: Pixels of a thumbnail's longer side.
LONG_SIDE = 320
_QUALITY = 75
_MICROSECONDS = 1_000_000
#: What a recording says of itself, by names in small letters; letters of each that are looked at.
_SAID = ("comment", "date", "creation_time")
_MOST_LETTERS = 1024


@dataclass(frozen=True)
class Head:
    """What a film's container says.

    Arguments:
        said: of its metadata what recordings have: ``comment``, ``date``, ``creation_time``.
        seconds: how long it plays; None if that cannot be told.
        codec: FFmpeg's name of it; None if there is no video in it.
        width, height: pixels.
    """

    said: dict[str, str] = field(default_factory=dict)
    seconds: float | None = None
    codec: str | None = None
    width: int = 0
    height: int = 0


def read_head(fd: int, limit: float) -> Head:
    """The head of a film.

    Arguments:
        limit: seconds that it may take.

    Raises:
        NotAFilm: it cannot be read.
    """
    with _opened(fd, limit) as container:
        metadata = {key.lower(): value for key, value in container.metadata.items()}
        said = {key: as_text(metadata[key])[:_MOST_LETTERS] for key in _SAID if key in metadata}
        stream = container.streams.video[0] if container.streams.video else None
        duration = container.duration
        if duration is None and stream is not None and stream.duration is not None:
            duration = float(stream.duration * stream.time_base) * _MICROSECONDS
        seconds = None if duration is None or duration < 0 else round(duration / _MICROSECONDS, 3)
        if stream is None:
            return Head(said, seconds)
        return Head(said, seconds, stream.codec_context.name, stream.width, stream.height)


def first_picture(fd: int, limit: float) -> bytes:
    """A small JPEG of a film's first picture.

    Arguments:
        limit: seconds that it may take.

    Raises:
        NotAFilm: it cannot be read, or has no picture, or one that is too large.
    """
    with _opened(fd, limit) as container:
        if not container.streams.video:
            raise NotAFilm("it has no picture in it")
        stream = container.streams.video[0]
        _check_size(stream.width, stream.height)
        context = stream.codec_context
        context.thread_count = 1  # each thread takes memory, and there is one picture to decode
        # The picture may be of another size. FFmpeg counts it with its padding.
        context.options = {"max_pixels": str(MOST_PIXELS + MOST_PIXELS // 10)}
        frame = next(container.decode(stream), None)
        if frame is None:
            raise NotAFilm("it has no picture in it")
        _check_size(frame.width, frame.height)
        return _encode(frame)


@contextmanager
def _opened(fd: int, limit: float) -> Iterator[Any]:
    file = FilmFile(fd, MOST_BYTES, time.monotonic() + limit)
    try:
        with open_film(file) as container:
            yield container
    except NotAFilm as error:
        raise file.problem or error from None
    except MemoryError:
        raise NotAFilm("it takes more memory than it may have") from None
    except (av.error.FFmpegError, OSError, ValueError, IndexError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise file.problem or NotAFilm(f"it cannot be read: {why}") from None


def _check_size(width: int, height: int) -> None:
    if width * height > MOST_PIXELS:
        raise NotAFilm(f"its pictures of {width}x{height} are larger than {MOST_PIXELS:,} pixels")


def _encode(frame: Any) -> bytes:
    import simplejpeg  # only where a picture is wanted: it brings numpy

    scale = min(1.0, LONG_SIDE / max(frame.width, frame.height))
    width, height = max(2, round(frame.width * scale)), max(2, round(frame.height * scale))
    small = frame.reformat(width, height, "rgb24", interpolation="AREA").to_ndarray()
    encoded = simplejpeg.encode_jpeg(small, _QUALITY, "RGB", "420")
    return bytes(encoded)
