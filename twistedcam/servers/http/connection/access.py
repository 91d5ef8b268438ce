"""Who may have which address: the token of a request, and what the address asks for."""

from __future__ import annotations

import base64
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from twistedcam.auth import Grant, Right
from twistedcam.errors import Unauthorized
from twistedcam.net.addresses import show_address
from twistedcam.servers.http.connection.channel import HttpConnection
from twistedcam.servers.http.connection.request import HttpRequest, has_parameter, requested_camera

if TYPE_CHECKING:
    from twistedcam.core.server import Server

log = Logger()

#: Routes that anybody may have: they say nothing of this server.
OPEN = frozenset({"/static/{name}", "/favicon.ico"})
#: Routes that show one camera: the one in the path, in the query, or the first.
PICTURES = ("/stream", "/snapshot", "/live")
#: Who loads the page again in a tab that keeps its token to itself: it is told no camera's name.
_NOBODY = Grant("nobody", frozenset(), frozenset())


class Access:
    """Judges each request before it is answered, and gives it its ``grant``.

    What is not known here needs the right to view (GET) or to control, for the whole server: an
    address that is new is closed rather than open.

    Arguments:
        server: whose tokens are asked for.
    """

    def __init__(self, server: Server) -> None:
        self._server = server

    async def check(
        self, request: HttpRequest, path: str, parts: dict[str, str], right: Right | None = None
    ) -> None:
        """See that the request may have that route.

        Arguments:
            path: the route's path, with the parts that vary in braces.
            parts: what stands in their place.
            right: what the command asks for that it carries out; None: it is no command.

        Raises:
            Unauthorized: there is no token, or it is wrong.
            Forbidden: it has not that right.
        """
        if path in OPEN:
            return
        if self._is_loaded_again(request, path):
            request.grant = _NOBODY
            return
        peer = request.getClientAddress()
        judging = Deferred.fromCoroutine(
            self._server.authenticator.by_token(self._token_of(request), peer)
        )
        request.notifyFinish().addErrback(lambda _: judging.cancel())
        request.grant = await judging
        if self._is_for_pictures(request, path):
            camera = self._camera(request, parts)
            request.grant.require("view", camera)
            self._hold(request, lambda now: now.allows("view", camera))
        else:
            self._require(request, path, parts, right)
            self._hold(request, partial(_is_the_same, request.grant))

    def _token_of(self, request: HttpRequest) -> str | None:
        token = token_of(request)
        if token is not None or self._server.takes_token_in_url:
            return token if token is not None else token_in_url(request)
        if self._server.authenticator.is_needed and token_in_url(request) is not None:
            raise Unauthorized(
                "this server takes no token from an address: send it as Authorization: Bearer, "
                "or as a password with any name"
            )
        return None

    def _is_loaded_again(self, request: HttpRequest, path: str) -> bool:
        """Whether a tab asks for the page that has its token (static/token.js) and no other."""
        words = request.args or {}
        if path != "/" or not has_parameter(request, "tab") or b"action" in words:
            return False
        shown = token_of(request) is not None or token_in_url(request) is not None
        return self._server.authenticator.is_needed and not shown

    @staticmethod
    def _is_for_pictures(request: HttpRequest, path: str) -> bool:
        return path.startswith(PICTURES) or (path == "/" and b"action" in (request.args or {}))

    def _require(
        self, request: HttpRequest, path: str, parts: dict[str, str], right: Right | None
    ) -> None:
        grant: Grant = request.grant
        if right is not None or path in ("/", "/events"):  # these cut their own answers
            grant.require_right(right or "view")
            if "camera" in parts or right in ("control", "admin"):
                word = parts.get("camera")
                grant.require_reach(None if word is None else self._server.name_of(word), "this")
        elif request.method not in (b"GET", b"HEAD"):
            grant.require("control")
        else:
            grant.require("view")

    def _hold(self, request: HttpRequest, may_stay: Callable[[Grant], bool]) -> None:
        """Have the connection ended when the token ends before the answer does."""
        authenticator = self._server.authenticator
        if not authenticator.is_needed:
            return
        channel, peer = request.channel, show_address(request.getClientAddress())
        own = isinstance(channel, HttpConnection)

        def end(reason: Unauthorized) -> None:
            log.info("{peer}: {why}", peer=peer, why=str(reason))
            if own:
                channel.cut()
            else:  # of somebody else's site
                channel.abortConnection()

        session = authenticator.open_session(request.grant, may_stay, end)
        if own:
            channel.hold(session)
        else:
            request.notifyFinish().addBoth(lambda _: session.close())

    def _camera(self, request: HttpRequest, parts: dict[str, str]) -> str | None:
        """Which camera a picture is asked of; a name that there is not is not this one's matter.

        Raises:
            Forbidden: it is the first camera, which is not named to one who may not know of it.
        """
        asked = requested_camera(request, self._server, parts.get("camera"))
        if asked is not None:
            return self._server.name_of(asked)
        first = next(iter(self._server.cameras), None)
        if not request.grant.covers(first):
            request.grant.require_reach(None, "a picture without a camera's name")
        return first


def token_of(request: HttpRequest) -> str | None:
    """The token that a request shows in a header: Bearer, or the password of Basic."""
    kind, _, value = (request.getHeader("Authorization") or "").partition(" ")
    if kind.lower() == "bearer" and value.strip():
        return value.strip()
    if kind.lower() == "basic":
        try:
            return base64.b64decode(value.strip()).decode().partition(":")[2]
        except ValueError:  # no Base64, or no UTF-8 in it
            return ""
    return None


def token_in_url(request: HttpRequest) -> str | None:
    """The token in a request's address: ``?token=``."""
    found: list[bytes] = (request.args or {}).get(b"token", [])
    return found[-1].decode(errors="replace") if found else None


def _is_the_same(before: Grant, now: Grant) -> bool:
    """Whether a token allows what it did: an answer was cut to that at its beginning."""
    return (before.rights, before.cameras) == (now.rights, now.cameras)
