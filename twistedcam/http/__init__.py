"""The web side: the page, streams and snapshots, the API, events and metrics."""

from twistedcam.http.channel import HttpFactory
from twistedcam.http.figures import Figures
from twistedcam.http.guard import Guard, proxied_names
from twistedcam.http.resource import CameraResource
from twistedcam.http.site import make_router

__all__ = ["CameraResource", "Figures", "Guard", "HttpFactory", "make_router", "proxied_names"]
