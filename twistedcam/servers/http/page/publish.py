"""The page with which a phone or a computer becomes a camera."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import unquote

from twistedcam.auth import NOBODY
from twistedcam.errors import BadArgument, NotSupported
from twistedcam.servers.http.connection.access import token_in_url
from twistedcam.servers.http.connection.error_page import wants_page
from twistedcam.servers.http.connection.reply import Reply, json_reply
from twistedcam.servers.http.connection.request import DESTINATION, HttpRequest
from twistedcam.servers.http.connection.router import LateHandlers
from twistedcam.servers.http.page.login import LoginPage, see_other
from twistedcam.servers.http.page.page import HEADERS, POLICY, Page

if TYPE_CHECKING:
    from twistedcam.camera import Camera
    from twistedcam.core.server import Server
    from twistedcam.servers.http.streams.publish_socket import PublishSockets

#: The element of the page with the base of its addresses.
_BASE = '<base href="./">'
#: This page may use the camera and the microphone, and name the base of its addresses.
_HEADERS = {
    **HEADERS,
    "Content-Security-Policy": POLICY.replace("base-uri 'none'", "base-uri 'self'"),
    "Permissions-Policy": "camera=(self), microphone=(self), geolocation=()",
    "Vary": "Accept, Cookie, Upgrade",
}


class PublishPage:
    """Answers ``/publish`` and ``/publish/CAMERA``: a page, a list, or a WebSocket."""

    def __init__(self, server: Server, page: Page, login: LoginPage) -> None:
        self._server = server
        self._page = page
        self._login = login
        sockets = LateHandlers(server.make_thread, self._import_sockets)
        self._open_socket = sockets.handler(lambda it: it.get)

    def _import_sockets(self) -> Callable[[], PublishSockets]:
        from twistedcam.servers.http.streams.publish_socket import PublishSockets

        return partial(PublishSockets, self._server)

    def get(
        self, request: HttpRequest, camera: str | None = None
    ) -> Reply | Awaitable[Reply | None] | None:
        """Return the page or the cameras that it can be, or open a WebSocket for pictures.

        Raises:
            NoSuchCamera: there is no camera of that name.
            NotSupported: its source is not ``push:``.
            BadArgument: a WebSocket without a camera, or with a handshake that is not valid.
        """
        # The path may end with a slash: the addresses of the page are relative to its root.
        above = "../" * (request.path.count(b"/") - 1) or "./"
        if request.grant is NOBODY:
            return see_other(above, [(DESTINATION, _address(request))])
        watched = None if camera is None else self._server.first_or_named(camera)
        if watched is not None:
            _check_source(watched)
        if request.getHeader("Upgrade"):
            if watched is None:
                raise BadArgument("name the camera: /publish/CAMERA")
            return self._open_socket(request, camera=watched)
        if not wants_page(request.requestHeaders.getRawHeaders(b"Accept")):
            cameras = self._server.cameras.values() if watched is None else [watched]
            listed = [
                {"camera": each.name, "title": each.title or each.name, "state": each.state}
                for each in cameras
                if each.spec.scheme == "push" and request.grant.covers(each.name)
            ]
            return json_reply({"cameras": listed}, Vary=_HEADERS["Vary"])
        if self._login.is_by_address(request):
            # The login is at the root: the cookie is for the path of the address that sets it.
            token = token_in_url(request) or ""
            return see_other(above, [(DESTINATION, _address(request)), ("token", token)])
        text = self._page.text("publish.html").replace(_BASE, f'<base href="{above}">')
        return Reply(text.encode(), "text/html; charset=utf-8", headers=_HEADERS)


def _address(request: HttpRequest) -> str:
    """The address of the page from the server's root, without a query."""
    return unquote(request.path.decode("ascii"), errors="replace").strip("/")


def _check_source(camera: Camera) -> None:
    """Raise NotSupported if a camera accepts no pictures of publishers."""
    if camera.spec.scheme != "push":
        raise NotSupported(f"camera {camera.name!r} accepts no pictures: its source is not push:")
