"""Recordings and snapshots as files, in parts where a player seeks."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING
from urllib.parse import quote

from twisted.web.server import NOT_DONE_YET
from twisted.web.static import File

from twistedcam.errors import NoSuchRecording, NotSupported
from twistedcam.http.ranges import settle_range
from twistedcam.http.reply import Reply
from twistedcam.http.request import HttpRequest
from twistedcam.http.router import has_word

if TYPE_CHECKING:
    from twistedcam.server import Server

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
        self._doorman = server.doorman

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
        path = self._folder / name
        plain = not name.startswith(".") and "\0" not in name and "\\" not in name
        known = path.suffix.lower() in TYPES
        # Not path.is_file(): of a name that is too long that makes an error.
        if not (plain and known and os.path.isfile(path) and not path.is_symlink()):
            if self._library.is_being_written(name):
                raise NotSupported(f"{name} is still being recorded: it is there when that ends")
            raise NoSuchRecording(f"there is no recording {name!r}")
        closed = self._doorman.open_file()
        request.notifyFinish().addBoth(lambda _: closed())
        file = File(str(path), defaultType="application/octet-stream")
        file.contentTypes = TYPES
        request.setHeader("Content-Type", TYPES[path.suffix.lower()])
        request.setHeader("Cache-Control", "no-cache")
        request.setHeader("Content-Security-Policy", "default-src 'none'; media-src 'self'")
        request.setHeader("Cross-Origin-Resource-Policy", "same-origin")
        if has_word(request, "download"):
            disposition = f"attachment; filename*=UTF-8''{quote(name)}"
            request.setHeader("Content-Disposition", disposition)
        found = path.stat()
        settle_range(request, found.st_size, found.st_mtime)
        answer = file.render_GET(request)
        if answer is not NOT_DONE_YET:
            request.write(answer)
            request.finish()
