"""The routes of the site."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from twistedcam.auth import NOBODY
from twistedcam.errors import BadArgument
from twistedcam.runtime.log_memory import LogMemory
from twistedcam.runtime.threads import run_in_thread
from twistedcam.servers.http.api.commands import PREFIX, make_handler, operations
from twistedcam.servers.http.api.configuration import Configuration, ConfigurationApi
from twistedcam.servers.http.api.found_cameras import CameraSearch
from twistedcam.servers.http.api.health import Health
from twistedcam.servers.http.api.live_stats import LiveStats
from twistedcam.servers.http.api.log_lines import LogLines
from twistedcam.servers.http.api.openapi import EVENT_PICTURE, LOG, PROCESS, describe
from twistedcam.servers.http.api.setup import FirstSetup, SetupApi, add_qr_code
from twistedcam.servers.http.connection.access import Access, only_publishes
from twistedcam.servers.http.connection.reply import Reply, json_reply
from twistedcam.servers.http.connection.request import HttpRequest, destination, query
from twistedcam.servers.http.connection.router import Handler, LateHandlers, Router
from twistedcam.servers.http.events import EventPictures
from twistedcam.servers.http.page.login import LoginPage, go_on
from twistedcam.servers.http.page.page import Page
from twistedcam.servers.http.page.publish import PublishPage
from twistedcam.servers.http.push import PushPages
from twistedcam.servers.http.streams.mjpeg import MjpegStreams
from twistedcam.servers.http.streams.snapshot import Snapshots
from twistedcam.servers.http.streams.sse import EventStreams

if TYPE_CHECKING:
    from twistedcam.commands import Command, Registry
    from twistedcam.core.server import Server
    from twistedcam.notifications.notifier import Notifier
    from twistedcam.servers.http.api.metrics import Metrics
    from twistedcam.servers.http.archives import Archives
    from twistedcam.servers.http.playback import Playback
    from twistedcam.servers.http.recordings import Recordings
    from twistedcam.servers.http.streams.video import VideoStreams
    from twistedcam.servers.http.streams.websocket import WebSockets

T = TypeVar("T")


def make_router(
    server: Server,
    registry: Registry,
    stats: LiveStats,
    configuration: Configuration | None = None,
    log: LogMemory | None = None,
    setup: FirstSetup | None = None,
    notifier: Notifier | None = None,
) -> Router:
    """Return a router with all routes of ``docs/http.md``; the API has the registry's commands.

    Arguments:
        configuration: the file that the page may change; None: the page offers none.
        log: the newest lines of the log; None: the page offers none.
        setup: the first setup, which changes that file.
        notifier: sends notifications; None: the page offers none.
    """

    def late(load: Callable[[], Callable[[Server], T]]) -> LateHandlers[T]:
        return LateHandlers(server.make_thread, lambda: partial(load(), server))

    router = Router(Access(server), server.refusals)
    streams = MjpegStreams(server)
    snapshots = Snapshots(server)
    page = Page(server)
    login = LoginPage(server, page)
    health = Health(server)
    recordings, archives = late(_import_recordings), late(_import_archives)
    playback, sockets = late(_import_playback), late(_import_sockets)
    videos, metrics = late(_import_videos), late(_import_metrics)
    publishing = PublishPage(server, page, login)

    async def root(request: HttpRequest) -> Reply | None:
        """Return the page, or answer like mjpg-streamer and µStreamer at this address."""
        action = query(request, "action")
        if action is None:
            if request.grant is NOBODY:
                return login.page(request, request.refusal)
            if login.is_by_address(request):
                return login.log_in_by_address(request)
            to = destination(request)
            if to is None and only_publishes(request.grant):
                to = "publish"
            if to is not None:
                return go_on(to)
            return page.index(request)
        if action == "stream":
            streams.get(request)
            return None
        if action == "snapshot":
            return await snapshots.get(request)
        raise BadArgument(f"action={action}: must be stream or snapshot")

    piece = playback.handler(lambda it: it.get)
    routes: dict[str, Handler] = {
        "/": root,
        "/stream": streams.get,
        "/stream/{camera}": streams.get,
        "/snapshot": snapshots.get,
        "/snapshot/{camera}": snapshots.get,
        "/live": sockets.handler(lambda it: it.get),
        "/live/{camera}": sockets.handler(lambda it: it.get),
        "/video": videos.handler(lambda it: it.get),
        "/video/{camera}": videos.handler(lambda it: it.get),
        "/events": EventStreams(server, stats).get,
        "/metrics": metrics.handler(lambda it: it.get),
        "/state": health.state,
        "/healthz": health.healthz,
        "/recordings.zip": archives.handler(lambda it: it.get),
        "/recordings/{name}": recordings.handler(lambda it: it.get),
        "/recordings/{name}/thumbnail": recordings.handler(lambda it: it.thumbnail),
        "/playback": piece,
        "/playback/{camera}": piece,
        "/playback/{camera}/piece.mp4": piece,  # some players want such a name
        "/playback/{camera}/index.m3u8": playback.handler(lambda it: it.playlist),
        "/playback/{camera}/picture": playback.handler(lambda it: it.picture),
        "/static/{name}": page.static,
        "/static/{folder}/{name}": page.static,
        "/favicon.ico": page.favicon,
        "/service-worker.js": page.worker,
    }
    for path, handler in routes.items():
        router.add("GET", path, handler)
    for path in ("/publish", "/publish/{camera}"):
        router.add("GET", path, publishing.get, "publish")
    router.add("POST", "/recordings.zip", archives.handler(lambda it: it.post))
    router.add("GET", "/login", login.get)
    router.add("POST", "/login", login.log_in)
    router.add("POST", "/logout", login.log_out)
    _add_api(router, server, registry, configuration is not None, log is not None)
    if log is not None:
        router.add("GET", PREFIX + LOG, LogLines(server, log).get, "admin")
        router.add("GET", PREFIX + PROCESS, lambda _: json_reply(stats.process_history()), "view")
    if notifier is not None:
        PushPages(server, notifier).add_routes(router)
    add_qr_code(router, partial(run_in_thread, server.make_thread))
    if configuration is not None:
        search = CameraSearch(server)
        ConfigurationApi(server, configuration, search).add_routes(router)
        if setup is not None:
            SetupApi(server, setup, configuration, search).add_routes(router)
    return router


def _import_recordings() -> type[Recordings]:
    from twistedcam.servers.http.recordings import Recordings

    return Recordings


def _import_archives() -> type[Archives]:
    from twistedcam.servers.http.archives import Archives

    return Archives


def _import_playback() -> type[Playback]:
    from twistedcam.servers.http.playback import Playback

    return Playback


def _import_sockets() -> type[WebSockets]:
    from twistedcam.servers.http.streams.websocket import WebSockets

    return WebSockets


def _import_videos() -> type[VideoStreams]:
    from twistedcam.servers.http.streams.video import VideoStreams

    return VideoStreams


def _import_metrics() -> type[Metrics]:
    from twistedcam.servers.http.api.metrics import Metrics

    return Metrics


def _add_api(
    router: Router, server: Server, registry: Registry, has_configuration: bool, has_log: bool
) -> None:
    """Add the commands, their description and the time of the server."""

    def description(request: HttpRequest) -> Reply:
        names = [name for name in server.cameras if request.grant.covers(name)]
        needs_token = server.authenticator.is_needed
        return json_reply(
            describe(operations(registry), names, needs_token, has_configuration, has_log)
        )

    def add(command: Command) -> None:
        for each in operations([command]):
            handler = make_handler(server, each)
            router.add(each.method, PREFIX + each.path, handler, command.right)

    registry.follow(add)
    pictures = EventPictures(server)
    router.add("GET", PREFIX + EVENT_PICTURE, pictures.get, "view")
    router.add("GET", PREFIX + "/openapi.json", description, "view")
    router.add("GET", PREFIX + "/time", lambda request: json_reply({"time": time.time()}), "view")
