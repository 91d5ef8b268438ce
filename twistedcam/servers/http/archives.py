"""Several recordings as one ZIP archive."""

from __future__ import annotations

import secrets
import time
from collections import OrderedDict
from datetime import datetime
from typing import TYPE_CHECKING

from twistedcam.errors import BadArgument, NoSuchRecording, NotSupported
from twistedcam.recording.library.zip_archive import ZippedFile, archive_size, write_archive
from twistedcam.runtime.threads import run_in_thread
from twistedcam.servers.http.api.commands import read_body
from twistedcam.servers.http.chunk_producer import ChunkProducer
from twistedcam.servers.http.connection.reply import Reply, json_reply
from twistedcam.servers.http.connection.request import HttpRequest, query

if TYPE_CHECKING:
    from twistedcam.core.server import Server

#: Lists of names that are remembered for a download, and for how many seconds.
_MAX_LISTS, _LIST_AGE = 64, 900.0


class Archives:
    """Answers ``/recordings.zip``: the files are stored one after the other, and none is kept."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._lists: OrderedDict[str, tuple[float, list[str]]] = OrderedDict()

    async def post(self, request: HttpRequest) -> Reply:
        """Return the address of an archive of the recordings and snapshots in the body.

        Raises:
            BadArgument: the body has no names.
            NoSuchRecording, NotSupported: as for ``get``.
        """
        names = read_body(request).get("names")
        if not isinstance(names, list) or not all(isinstance(each, str) for each in names):
            raise BadArgument('the body must have the names: {"names": ["a.mp4", "b.mp4"]}')
        files = await self._find(names)
        id = secrets.token_urlsafe(12)
        self._lists[id] = time.monotonic(), names
        while len(self._lists) > _MAX_LISTS:
            self._lists.popitem(last=False)
        return json_reply(
            {
                "address": f"/recordings.zip?list={id}",
                "files": len(files),
                "size": archive_size(files),
            }
        )

    async def get(self, request: HttpRequest) -> None:
        """Send the archive of the recordings that are named, or of a list from ``post``.

        Raises:
            BadArgument: none is named.
            NoSuchRecording: one of them does not exist, or the list has expired.
            NotSupported: one of them is still being recorded.
            TooMany: too many files are being read.
        """
        gone: list[bool] = []
        request.notifyFinish().addErrback(lambda _: gone.append(True))
        files = await self._find(self._names(request))
        if gone:
            return
        size = archive_size(files)
        name = f"recordings_{datetime.now():%Y-%m-%d_%H-%M-%S}.zip"
        request.setHeader("Content-Type", "application/zip")
        request.setHeader("Cache-Control", "no-store")
        request.setHeader("Accept-Ranges", "none")
        request.setHeader("Content-Disposition", f'attachment; filename="{name}"')
        request.setHeader("Content-Length", str(size))
        if request.method == b"HEAD":
            request.finish()
            return
        closed = self._server.connection_limiter.open_file()
        request.notifyFinish().addBoth(lambda _: closed())
        thread = self._server.make_thread()
        ChunkProducer(request, write_archive(files), size, thread, "an archive").start()

    def _names(self, request: HttpRequest) -> list[str]:
        id = query(request, "list")
        if id is not None:
            began, names = self._lists.get(id, (0.0, []))
            if not names or time.monotonic() - began > _LIST_AGE:
                raise NoSuchRecording("this list of recordings has expired: select them again")
            return names
        try:
            return [each.decode() for each in (request.args or {}).get(b"name", [])]
        except UnicodeDecodeError:
            raise BadArgument("name must be UTF-8") from None

    async def _find(self, names: list[str]) -> list[ZippedFile]:
        names = list(dict.fromkeys(names))
        if not names:
            raise BadArgument("name is missing: /recordings.zip?name=a.mp4&name=b.mp4")
        library = self._server.library
        for each in names:
            if library.is_being_written(each):
                raise NotSupported(f"{each} is still being recorded: try again when it has ended")

        def look() -> list[ZippedFile]:
            found = []
            for each in names:
                try:
                    found.append(ZippedFile.of(library.path(each)))
                except OSError:
                    raise NoSuchRecording(f"there is no recording {each!r}") from None
            return found

        return await run_in_thread(self._server.make_thread, look)
