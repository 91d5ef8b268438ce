"""Recordings and snapshots as files, in parts where a player seeks."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO
from urllib.parse import quote

from twisted.web.server import NOT_DONE_YET
from twisted.web.static import File, SingleRangeStaticProducer, StaticProducer

from twistedcam.errors import NoSuchRecording, NotSupported
from twistedcam.recording.writer.file_names import is_inside
from twistedcam.runtime.regular_file import open_regular
from twistedcam.servers.http.connection.ranges import normalize_range_header
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
        """A small JPEG of the first picture, also of a recording that is being written.

        Raises:
            NoSuchRecording: no recording has that name, or there is no picture in it yet.
        """
        jpeg = await self._library.thumbnail(name)
        return Reply(jpeg, "image/jpeg", cache="private, max-age=60")

    def get(self, request: HttpRequest, name: str) -> None:
        """The file, or the parts of it that ``Range`` asks for.

        Raises:
            NoSuchRecording: no recording has that name.
            NotSupported: it is still being written.
            TooMany: so many are being read that no more files are to be had.
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
        """The open file of a name: of a regular file, with one of the known endings."""
        path = self._folder / file_name(name)
        if is_inside(path.name) and path.parent == self._folder and path.suffix.lower() in TYPES:
            with suppress(OSError, ValueError):
                return open_regular(path)
        if self._library.is_being_written(name):
            raise NotSupported(f"{name} is still being recorded: it is there when that ends")
        raise NoSuchRecording(f"there is no recording {name!r}")


class _OpenFile(File):
    """A file that was opened and judged: that very one is sent, whatever has its name by now.

    Arguments:
        path: where it was.
        fd: the open file; it is closed with the answer.
    """

    def __init__(self, path: Path, fd: int) -> None:
        super().__init__(str(path))
        self._file = os.fdopen(fd, "rb")
        self.type, self.encoding = TYPES[path.suffix.lower()], None

    def restat(self, reraise: bool = True) -> None:
        """What FilePath looks at."""
        self._statinfo = os.fstat(self._file.fileno())

    def openForReading(self) -> BinaryIO:
        """The open file."""
        return self._file

    def makeProducer(self, request: HttpRequest, file: BinaryIO) -> StaticProducer:
        """What sends as many bytes as the answer's head says."""
        producer = super().makeProducer(request, file)
        if isinstance(producer, SingleRangeStaticProducer):
            return _Exactly(request, file, producer.offset, producer.size)
        return _Exactly(request, file, 0, self.getFileSize())


class _Exactly(SingleRangeStaticProducer):
    """Sends a part of a file: no more of one that grows, and no answer without an end of one that
    has become shorter. Its connection is closed: a client sees that a part is missing.
    """

    def resumeProducing(self) -> None:
        """Send some more."""
        request, before = self.request, self.bytesWritten
        with suppress(OSError):
            super().resumeProducing()
        if self.request and self.bytesWritten == before:
            request.unregisterProducer()
            self.stopProducing()
            request.channel.loseConnection()
