"""ONVIF: the server as a device of Profile S, so that recorders add its cameras."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from twistedcam.servers.http.connection.router import LateHandlers, Router

if TYPE_CHECKING:
    from twistedcam.core.server import Server
    from twistedcam.net.listener import Listener
    from twistedcam.servers.onvif.endpoint import OnvifEndpoint

#: The path of all services: clients send messages for one service to another.
PATH = "/onvif/{service}"


def add_onvif_routes(
    router: Router, server: Server, device_id: str, find_rtsp: Callable[[], Sequence[Listener]]
) -> None:
    """Add the services of ONVIF below ``/onvif/``.

    Arguments:
        device_id: the UUID of this server.
        find_rtsp: returns the ports of RTSP.
    """

    def load() -> Callable[[], OnvifEndpoint]:
        from twistedcam.servers.onvif.endpoint import OnvifEndpoint

        return partial(OnvifEndpoint, server, device_id, find_rtsp)

    endpoint = LateHandlers(server.make_thread, load)
    router.add("POST", PATH, endpoint.handler(lambda it: it.post))
