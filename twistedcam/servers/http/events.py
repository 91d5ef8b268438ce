"""Pictures of events that were kept."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from twistedcam.errors import NoSuchEvent
from twistedcam.servers.http.connection.reply import Reply
from twistedcam.servers.http.connection.request import HttpRequest

if TYPE_CHECKING:
    from twistedcam.core.server import Server

_ID = re.compile(r"[0-9a-zA-Z-]{1,64}")


class EventPictures:
    """Answers ``/api/v1/events/ID/snapshot``."""

    def __init__(self, server: Server) -> None:
        self._store = server.automation.store

    async def get(self, request: HttpRequest, id: str) -> Reply:
        """Return the picture of an event as JPEG.

        Raises:
            Forbidden: the token does not have the right to view.
            NoSuchEvent: no event has that ID, or it has no picture, or the token does not cover
                its camera.
            DiskError: the events cannot be read.
        """
        if "view" not in request.grant.rights:
            request.grant.require("view")
        event = await self._store.get(id) if _ID.fullmatch(id) else None
        if event is not None and event.snapshot and request.grant.covers(event.camera):
            jpeg = await self._store.picture(id)
            if jpeg is not None:
                cache = "private, no-cache" if event.end is None else "private, max-age=86400"
                return Reply(jpeg, "image/jpeg", cache=cache)
        raise NoSuchEvent(f"there is no picture of an event {id[:64]!r}")
