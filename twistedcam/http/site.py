"""All addresses of the site."""

from __future__ import annotations

from typing import TYPE_CHECKING

from twistedcam.errors import BadArgument
from twistedcam.http.channel import HttpRequest
from twistedcam.http.files import Recordings
from twistedcam.http.health import Health
from twistedcam.http.page import Page
from twistedcam.http.placeholder import Placeholders
from twistedcam.http.reply import Reply
from twistedcam.http.router import Handler, Router, query
from twistedcam.http.snapshot import Snapshots
from twistedcam.http.stream import Streams

if TYPE_CHECKING:
    from twistedcam.commands import Registry
    from twistedcam.server import Server


def make_router(server: Server, registry: Registry) -> Router:
    """A router that answers all that ``docs/http.md`` names.

    Arguments:
        server: what is shown and steered.
        registry: the commands; the API is made from them.
    """
    router = Router()
    streams = Streams(server, Placeholders(server))
    snapshots = Snapshots(server)
    page = Page(server)
    health = Health(server)

    async def root(request: HttpRequest) -> Reply | None:
        """The page, or what mjpg-streamer and µStreamer have at this address."""
        action = query(request, "action")
        if action is None:
            return page.index(request)
        camera = query(request, "camera")
        if action == "stream":
            streams.get(request, camera)
            return None
        if action == "snapshot":
            return await snapshots.get(request, camera)
        raise BadArgument(f"action={action}: there are stream and snapshot")

    routes: dict[str, Handler] = {
        "/": root,
        "/stream": streams.get,
        "/stream/{camera}": streams.get,
        "/snapshot": snapshots.get,
        "/snapshot/{camera}": snapshots.get,
        "/state": health.state,
        "/healthz": health.healthz,
        "/recordings/{name}": Recordings(server).get,
        "/static/{name}": page.static,
        "/favicon.ico": page.favicon,
    }
    for path, handler in routes.items():
        router.add("GET", path, handler)
    return router
