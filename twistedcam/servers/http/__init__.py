"""The HTTP server: the page, streams and snapshots, the API, events and metrics."""

from twistedcam.servers.http.api.live_stats import LiveStats
from twistedcam.servers.http.connection.channel import HttpFactory
from twistedcam.servers.http.connection.guard import Guard, proxied_names
from twistedcam.servers.http.push import make_notifier
from twistedcam.servers.http.routes import make_router

__all__ = [
    "Guard",
    "HttpFactory",
    "LiveStats",
    "make_notifier",
    "make_router",
    "proxied_names",
]
