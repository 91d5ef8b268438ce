"""Access control: the token of a request, and the rights that its route needs."""

from __future__ import annotations

import base64
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from twistedcam.auth import NOBODY, Grant, Right
from twistedcam.errors import Unauthorized
from twistedcam.net.addresses import show_address
from twistedcam.servers.http.connection.channel import HttpConnection
from twistedcam.servers.http.connection.request import HttpRequest, has_parameter, requested_camera

if TYPE_CHECKING:
    from twistedcam.core.server import Server

log = Logger()

#: Routes without access control: they contain nothing of this server.
OPEN = frozenset({"/static/{name}", "/static/{folder}/{name}", "/favicon.ico"})
#: Routes whose POST only prepares a download: they need the right ``view``.
PREPARING = frozenset({"/recordings.zip"})
#: Routes that check access themselves: their logins are in the body.
OWN_LOGIN = frozenset({"/onvif/{service}"})
#: Routes of one camera: that in the path or in the query, or the first.
PICTURES = ("/stream", "/snapshot", "/live", "/video", "/playback")


class Access:
    """Checks each request before it is answered, and sets its ``grant``.

    A route that is not known here needs the right ``view`` (GET) or ``control`` for the whole
    server, so that a new route is closed by default.
    """

    def __init__(self, server: Server) -> None:
        self._server = server

    async def check(
        self, request: HttpRequest, path: str, parts: dict[str, str], right: Right | None = None
    ) -> None:
        """Check that a request may use a route.

        Arguments:
            path: the path of the route, with parameters in braces.
            parts: the values of the parameters.
            right: the right that the command needs; None if the route is no command.

        Raises:
            Unauthorized: the token is missing or wrong.
            Forbidden: the token does not have the right.
        """
        if path in OPEN or path in OWN_LOGIN:
            return
        if self._is_reload(request, path):
            request.grant = NOBODY  # the page is sent without any camera's name
            return
        peer = request.getClientAddress()
        checking = Deferred.fromCoroutine(
            self._server.authenticator.by_token(self._token_of(request), peer)
        )
        request.notifyFinish().addErrback(lambda _: checking.cancel())
        request.grant = await checking
        if self._is_for_pictures(request, path):
            camera = self._camera(request, parts)
            request.grant.require("view", camera)
            self._watch_token(request, lambda now: now.allows("view", camera))
        else:
            self._require(request, path, parts, right)
            self._watch_token(request, partial(_is_same, request.grant))

    def _token_of(self, request: HttpRequest) -> str | None:
        token = token_of(request)
        if token is not None or self._server.takes_token_in_url:
            return token if token is not None else token_in_url(request)
        if self._server.authenticator.is_needed and token_in_url(request) is not None:
            raise Unauthorized(
                "this server takes no token from an address: send it as Authorization: Bearer, "
                "or as the password with any user name"
            )
        return None

    def _is_reload(self, request: HttpRequest, path: str) -> bool:
        """True if a tab that keeps its token in the browser reloads the page (lib/token.js)."""
        if path != "/" or not has_parameter(request, "tab") or b"action" in (request.args or {}):
            return False
        has_token = token_of(request) is not None or token_in_url(request) is not None
        return self._server.authenticator.is_needed and not has_token

    @staticmethod
    def _is_for_pictures(request: HttpRequest, path: str) -> bool:
        return path.startswith(PICTURES) or (path == "/" and b"action" in (request.args or {}))

    def _require(
        self, request: HttpRequest, path: str, parts: dict[str, str], right: Right | None
    ) -> None:
        grant: Grant = request.grant
        if right is not None or path in ("/", "/events"):  # these filter their own responses
            grant.require_right(right or "view")
            if "camera" in parts or right in ("control", "admin"):
                camera = parts.get("camera")
                name = None if camera is None else self._server.name_of(camera)
                grant.require_reach(name, "this")
        elif request.method not in (b"GET", b"HEAD") and path not in PREPARING:
            grant.require("control")
        else:
            grant.require("view")

    def _watch_token(self, request: HttpRequest, may_stay: Callable[[Grant], bool]) -> None:
        """Close the connection if the token expires or changes before the response is complete."""
        authenticator = self._server.authenticator
        if not authenticator.is_needed:
            return
        channel, peer = request.channel, show_address(request.getClientAddress())
        own = isinstance(channel, HttpConnection)

        def end(reason: Unauthorized) -> None:
            log.info("{peer}: {why}", peer=peer, why=str(reason))
            if own:
                channel.revoke()
            else:  # the connection of another site of twisted.web
                channel.abortConnection()

        session = authenticator.open_session(request.grant, may_stay, end)
        if own:
            channel.set_token_session(session)
        else:
            request.notifyFinish().addBoth(lambda _: session.close())

    def _camera(self, request: HttpRequest, parts: dict[str, str]) -> str | None:
        """Return the name of the requested camera, whether or not it exists.

        Raises:
            Forbidden: the request means the first camera, which the token does not cover.
        """
        asked = requested_camera(request, self._server, parts.get("camera"))
        if asked is not None:
            return self._server.name_of(asked)
        first = next(iter(self._server.channels), None)
        if not request.grant.covers(first):
            request.grant.require_reach(None, "a picture without a camera's name")
        return first


def token_of(request: HttpRequest) -> str | None:
    """Return the token in ``Authorization``: Bearer, or the password of Basic."""
    kind, _, value = (request.getHeader("Authorization") or "").partition(" ")
    if kind.lower() == "bearer" and value.strip():
        return value.strip()
    if kind.lower() == "basic":
        try:
            return base64.b64decode(value.strip()).decode().partition(":")[2]
        except ValueError:  # not Base64 or not UTF-8
            return ""
    return None


def token_in_url(request: HttpRequest) -> str | None:
    """Return the token of ``?token=``."""
    found: list[bytes] = (request.args or {}).get(b"token", [])
    return found[-1].decode(errors="replace") if found else None


def _is_same(before: Grant, now: Grant) -> bool:
    """True if a token allows the same as when the response was filtered."""
    return (before.rights, before.cameras) == (now.rights, now.cameras)
