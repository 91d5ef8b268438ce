"""Who may have which address: the token of a request, and what the address asks for."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING

from twisted.internet.defer import Deferred

from twistedcam.auth import Grant
from twistedcam.http.request import HttpRequest
from twistedcam.http.router import camera_asked

if TYPE_CHECKING:
    from twistedcam.server import Server

#: Routes that anybody may have: they say nothing of this server.
OPEN = frozenset({"/static/{name}", "/favicon.ico"})
#: Routes that show one camera: the one in the path, in the query, or the first.
PICTURES = ("/stream", "/snapshot", "/live")
API = "/api/v1/"


class Access:
    """Judges each request before it is answered, and gives it its ``grant``.

    What is not known here needs the right to view (GET) or to control, for the whole server: an
    address that is new is closed rather than open.

    Arguments:
        server: whose tokens are asked for.
    """

    def __init__(self, server: Server) -> None:
        self._server = server

    async def check(self, request: HttpRequest, path: str, parts: dict[str, str]) -> None:
        """See that the request may have that route.

        Arguments:
            path: the route's path, with the parts that vary in braces.
            parts: what stands in their place.

        Raises:
            Unauthorized: there is no token, or it is wrong.
            Forbidden: it has not that right.
        """
        if path in OPEN:
            return
        peer = request.getClientAddress()
        judging = Deferred.fromCoroutine(
            self._server.authenticator.by_token(token_of(request), peer)
        )
        request.notifyFinish().addErrback(lambda _: judging.cancel())
        request.grant = await judging
        self._require(request, path, parts)

    def _require(self, request: HttpRequest, path: str, parts: dict[str, str]) -> None:
        grant: Grant = request.grant
        changes = request.method not in (b"GET", b"HEAD")
        if path.startswith(PICTURES) or (path == "/" and b"action" in (request.args or {})):
            grant.require("view", self._camera(request, parts))
        elif changes:
            grant.require("control", parts.get("camera"))
        elif path in ("/", "/events") or path.startswith(API):  # these cut their own answers
            grant.require_command("view", parts.get("camera"), path)
        else:
            grant.require("view")

    def _camera(self, request: HttpRequest, parts: dict[str, str]) -> str | None:
        """Which camera a picture is asked of; a name that there is not is not this one's matter."""
        asked = camera_asked(request, parts.get("camera"))
        return next(iter(self._server.cameras), None) if asked is None else asked


def token_of(request: HttpRequest) -> str | None:
    """The token that a request shows: Bearer, the password of Basic, or ``?token=``."""
    kind, _, value = (request.getHeader("Authorization") or "").partition(" ")
    if kind.lower() == "bearer" and value.strip():
        return value.strip()
    if kind.lower() == "basic":
        try:
            return base64.b64decode(value.strip()).decode().partition(":")[2]
        except (binascii.Error, UnicodeDecodeError):
            return ""
    found: list[bytes] = (request.args or {}).get(b"token", [])
    return found[-1].decode(errors="replace") if found else None
