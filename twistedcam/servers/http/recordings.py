"""Recordings and snapshots as files, with ranges for players that seek."""

from __future__ import annotations

import math
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO
from urllib.parse import quote

from twisted.web.http import datetimeToString
from twisted.web.server import NOT_DONE_YET
from twisted.web.static import File, SingleRangeStaticProducer, StaticProducer

from twistedcam.errors import NoSuchRecording, NotSupported
from twistedcam.recording.writer.file_names import is_inside
from twistedcam.runtime.regular_file import open_regular
from twistedcam.servers.http.connection.byte_range import normalize_range
from twistedcam.servers.http.connection.reply import Reply
from twistedcam.servers.http.connection.request import HttpRequest, has_parameter
from twistedcam.util.escaped_name import file_name, show_name

if TYPE_CHECKING:
    from twistedcam.core.server import Server

TYPES = {
    ".mp4": "video/mp4",
    ".m4v": "video/mp4",
    ".mov": "video/quicktime",
    ".mkv": "video/x-matroska",
    ".webm": "video/webm",
    ".avi": "video/x-msvideo",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
}


class Recordings:
    """Answers ``/recordings/NAME`` and ``/recordings/NAME/thumbnail``."""

    def __init__(self, server: Server) -> None:
        self._folder = server.recordings
        self._library = server.library
        self._limiter = server.connection_limiter

    async def thumbnail(self, request: HttpRequest, name: str) -> Reply:
        """Return a small JPEG of the first frame, also of a recording in progress.

        Raises:
            NoSuchRecording: no recording has that name, or it has no frame yet.
        """
        jpeg = await self._library.thumbnail(name)
        return Reply(jpeg, "image/jpeg", cache="private, max-age=60")

    def get(self, request: HttpRequest, name: str) -> None:
        """Send the file, or the part that ``Range`` asks for.

        Raises:
            NoSuchRecording: no recording has that name.
            NotSupported: the recording is still in progress.
            TooMany: too many recordings are being read.
        """
        fd = self._open(name)
        try:
            closed = self._limiter.open_file()
        except BaseException:
            os.close(fd)
            raise
        request.notifyFinish().addBoth(lambda _: closed())
        file = _OpenFile(self._folder / file_name(name), fd)
        request.setHeader("Content-Type", file.type)
        request.setHeader("Cache-Control", "no-cache")
        request.setHeader("Content-Security-Policy", "default-src 'none'; media-src 'self'")
        request.setHeader("Cross-Origin-Resource-Policy", "same-origin")
        if has_parameter(request, "download"):
            disposition = f"attachment; filename*=UTF-8''{quote(show_name(file_name(name)))}"
            request.setHeader("Content-Disposition", disposition)
        found = os.fstat(fd)
        normalize_range_header(request, found.st_size, found.st_mtime)
        answer = file.render_GET(request)
        if answer is not NOT_DONE_YET:
            request.write(answer)
            request.finish()

    def _open(self, name: str) -> int:
        """Open a regular file with a known suffix and return its descriptor."""
        path = self._folder / file_name(name)
        if is_inside(path.name) and path.parent == self._folder and path.suffix.lower() in TYPES:
            with suppress(OSError, ValueError):
                return open_regular(path)
        if self._library.is_being_written(name):
            raise NotSupported(f"{name} is still being recorded: try again when it has ended")
        raise NoSuchRecording(f"there is no recording {name!r}")


class _OpenFile(File):
    """A file that was opened and checked: it is sent even if its name is another file's by now.

    Arguments:
        path: the path at the time of opening.
        fd: the descriptor, closed with the response.
    """

    def __init__(self, path: Path, fd: int) -> None:
        super().__init__(str(path))
        self._file = os.fdopen(fd, "rb")
        self.type, self.encoding = TYPES[path.suffix.lower()], None

    def restat(self, reraise: bool = True) -> None:
        """Get the status of the open file, not of the path."""
        self._statinfo = os.fstat(self._file.fileno())

    def openForReading(self) -> BinaryIO:
        """Return the open file."""
        return self._file

    def makeProducer(self, request: HttpRequest, file: BinaryIO) -> StaticProducer:
        """Return a producer that sends exactly the announced number of bytes."""
        producer = super().makeProducer(request, file)
        if isinstance(producer, SingleRangeStaticProducer):
            return _ExactProducer(request, file, producer.offset, producer.size)
        return _ExactProducer(request, file, 0, self.getFileSize())


class _ExactProducer(SingleRangeStaticProducer):
    """Sends exactly the announced number of bytes of a file that may grow or shrink.

    If the file has become shorter, the connection is closed, so that the client sees that bytes
    are missing.
    """

    def resumeProducing(self) -> None:
        """Send the next bytes."""
        request, before = self.request, self.bytesWritten
        if request is None:
            return
        if request.channel is None:  # the connection was lost since this call was scheduled
            self.stopProducing()
            return
        with suppress(OSError):
            super().resumeProducing()
        if self.request and self.bytesWritten == before:
            request.unregisterProducer()
            self.stopProducing()
            request.channel.loseConnection()


def normalize_range_header(request: HttpRequest, size: int, changed: float) -> None:
    """Replace the ``Range`` of a request by its plainest form, or remove it.

    Arguments:
        size: bytes of the file.
        changed: UNIX time of its last change.
    """
    headers = request.requestHeaders
    # If the client has a part of another version, it needs the whole file (RFC 9110, 13.1.5).
    condition = request.getHeader("If-Range")
    is_same = condition is None or condition.encode() == datetimeToString(math.ceil(changed))
    asked = request.getHeader("Range") if is_same and request.method == b"GET" else None
    wanted = None if asked is None else normalize_range(asked, size)
    if wanted is None:
        headers.removeHeader(b"Range")
    else:
        headers.setRawHeaders(b"Range", [wanted.encode()])
