"""Reads the header and the first picture of video files."""

from __future__ import annotations

import errno
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from twistedcam.media.jpeg import MAX_PIXELS
from twistedcam.util.libraries import av

#: Demuxers of the files that are listed as recordings (``library.probe``). All others are refused:
#: a playlist names further files, and some formats open themselves endlessly.
FORMATS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi"
#: Bytes read for a header or a first picture at most. The index of a day-long MP4 has about 40 MB;
#: a file that needs more is broken, or endless.
MAX_BYTES = 128 << 20
#: Pixels of a thumbnail's longer side.
LONG_SIDE = 320
_OPTIONS = {"format_whitelist": FORMATS, "protocol_whitelist": "none"}
_BUFFER = 1 << 16
_QUALITY = 75
_MICROSECONDS = 1_000_000
#: FFmpeg's flag for decoders that give a picture before the next one comes.
LOW_DELAY = 1 << 19
#: Metadata that is read, by names in small letters, and letters of each at most.
_METADATA = ("comment", "date", "creation_time")
_MAX_LETTERS = 1024


class UnreadableVideo(ValueError):
    """A file that cannot be read as a video; the message says why, without the file's name.

    Arguments:
        why: the message.
        is_temporary: True if the file may be readable later: the disk was slow, or has failed.
    """

    def __init__(self, why: str, *, is_temporary: bool = False) -> None:
        super().__init__(why)
        self.is_temporary = is_temporary


class VideoFile:
    """An open file for FFmpeg, with a position of its own.

    Arguments:
        fd: the open file; it is not closed.
        most: bytes that can be read, the same ones counted again; None for no limit.
        deadline: end of reading, by ``time.monotonic()``; None for never.

    ``problem`` is why no more is read, or None.
    """

    def __init__(self, fd: int, most: int | None, deadline: float | None = None) -> None:
        self._fd = fd
        self._left = most
        self._deadline = deadline
        self._at = 0
        self.problem: UnreadableVideo | None = None

    def read(self, size: int = -1) -> bytes:
        """The next bytes; none at the end, or when no more can be read.

        An error would be lost in FFmpeg, so it is kept in ``problem``.

        Raises:
            OSError: of the disk.
        """
        if self._deadline is not None and time.monotonic() > self._deadline:
            self.problem = UnreadableVideo("it takes too long to read", is_temporary=True)
        elif self._left is not None and self._left <= 0:
            limit = MAX_BYTES >> 20
            self.problem = UnreadableVideo(f"it is not found in the {limit} MiB that are read")
        if self.problem is not None:
            return b""
        try:
            data = os.pread(self._fd, max(0, size), self._at)
        except OSError as error:
            why = f"it cannot be read: {error.strerror or error}"
            self.problem = UnreadableVideo(why, is_temporary=True)
            raise  # it must not be taken for the end of the file
        self._at += len(data)
        if self._left is not None:
            self._left -= len(data)
        return data

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at}.get(whence)
        if base is None:
            base = os.fstat(self._fd).st_size
        self._at = max(0, base + offset)
        return self._at

    def tell(self) -> int:
        return self._at

    def seekable(self) -> bool:
        return True


#: FFmpeg's names of the formats whose packets are copied for playback.
_COPIED = re.compile("mp4|matroska")


@contextmanager
def open_video(file: VideoFile) -> Iterator[Any]:
    """The file as PyAV's container. Errors while it is open become UnreadableVideo."""
    try:
        with _open(file) as container:
            yield container
    except UnreadableVideo as error:
        raise file.problem or error from None
    except (MemoryError, av.error.FFmpegError, OSError, ValueError, IndexError) as error:
        why = f"it cannot be read: {getattr(error, 'strerror', None) or error}"
        if isinstance(error, MemoryError) or getattr(error, "errno", None) == errno.ENOMEM:
            why = "it takes more memory than it may have"
        raise file.problem or UnreadableVideo(why) from None


def _open(file: VideoFile) -> Any:
    try:
        return av.open(file, options=_OPTIONS, buffer_size=_BUFFER, metadata_errors="replace")
    except TypeError:  # PyAV 19 has no such option, and always replaces
        return av.open(file, options=_OPTIONS, buffer_size=_BUFFER)


def as_text(value: str) -> str:
    """Metadata with a replacement character for each byte that is not UTF-8.

    PyAV 19 gives a surrogate for it, which can be neither sent nor written.
    """
    return value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


@dataclass(frozen=True)
class Head:
    """The header of a video file.

    Arguments:
        metadata: its metadata ``comment``, ``date`` and ``creation_time``.
        seconds: duration; None if it is unknown.
        codec: FFmpeg's name of the codec; None without video.
        width, height: pixels.
        fps: frames a second on average; None if it is unknown.
        layout: the numbers of a ``MovieLayout`` for an MP4, MOV or Matroska file with packets that
            can be copied; else None.
    """

    metadata: dict[str, str] = field(default_factory=dict)
    seconds: float | None = None
    codec: str | None = None
    width: int = 0
    height: int = 0
    fps: float | None = None
    layout: tuple[int, ...] | None = None


def read_head(fd: int, limit: float) -> Head:
    """Read the header of a file.

    Arguments:
        limit: seconds at most.

    Raises:
        UnreadableVideo: it cannot be read.
    """
    with open_video(VideoFile(fd, MAX_BYTES, time.monotonic() + limit)) as container:
        metadata = {key.lower(): value for key, value in container.metadata.items()}
        known = {k: as_text(metadata[k])[:_MAX_LETTERS] for k in _METADATA if k in metadata}
        stream = container.streams.video[0] if container.streams.video else None
        duration = container.duration
        if stream is not None and stream.duration is not None:  # sound may be longer
            duration = float(stream.duration * stream.time_base) * _MICROSECONDS
        seconds = None if duration is None or duration < 0 else round(duration / _MICROSECONDS, 3)
        if stream is None:
            return Head(known, seconds)
        rate = stream.average_rate
        fps = None if not rate or not 0 < rate < 1e6 else round(float(rate), 3)
        codec, width, height = stream.codec_context.name, stream.width, stream.height
        layout = _layout(fd) if _COPIED.search(container.format.name) else None
        return Head(known, seconds, codec, width, height, fps, layout)


def _layout(fd: int) -> tuple[int, ...] | None:
    """The layout of a file; None if its samples cannot be copied."""
    # Imported late: they bring numpy.
    from twistedcam.recording.mp4.boxes import UnreadableMovie
    from twistedcam.recording.mp4.fragmenter import Cut
    from twistedcam.recording.mp4.matroska import read_samples

    try:
        return tuple(Cut.of(read_samples(fd)).layout)
    except (UnreadableMovie, OSError):
        return None


def picture_at(fd: int, limit: float, at: float = 0.0) -> bytes:
    """A small JPEG of the key frame of a file at or before a time.

    Arguments:
        limit: seconds at most.
        at: seconds from the start of the file.

    Raises:
        UnreadableVideo: it cannot be read, has no picture, or one that is too large.
    """
    with open_video(VideoFile(fd, MAX_BYTES, time.monotonic() + limit)) as container:
        if not container.streams.video:
            raise UnreadableVideo("it has no picture in it")
        stream = container.streams.video[0]
        check_size(stream.width, stream.height)
        context = stream.codec_context
        context.thread_count = 1  # each thread takes memory, and there is one picture to decode
        # The picture may be of another size. FFmpeg counts it with its padding.
        context.options = {"max_pixels": str(MAX_PIXELS + MAX_PIXELS // 10)}
        if at > 0 and stream.time_base:
            context.flags |= LOW_DELAY
            first = stream.start_time or 0
            container.seek(first + int(at / stream.time_base), stream=stream)
        frame = next(container.decode(stream), None)
        if frame is None:
            raise UnreadableVideo("it has no picture in it")
        check_size(frame.width, frame.height)
        return _encode(frame)


def check_size(width: int, height: int) -> None:
    """Check that a picture is not too large to be decoded.

    Raises:
        UnreadableVideo: it is.
    """
    if width * height > MAX_PIXELS:
        raise UnreadableVideo(
            f"its pictures of {width}x{height} are larger than {MAX_PIXELS:,} pixels"
        )


def _encode(frame: Any) -> bytes:
    import simplejpeg  # imported late: it brings numpy

    scale = min(1.0, LONG_SIDE / max(frame.width, frame.height))
    width, height = max(2, round(frame.width * scale)), max(2, round(frame.height * scale))
    small = frame.reformat(width, height, "rgb24", interpolation="AREA").to_ndarray()
    encoded = simplejpeg.encode_jpeg(small, _QUALITY, "RGB", "420")
    return bytes(encoded)
