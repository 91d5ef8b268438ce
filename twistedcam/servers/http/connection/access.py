"""Access control: the token of a request, and the rights that its route needs."""

from __future__ import annotations

import base64
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from twistedcam.auth import NOBODY, Grant, Right
from twistedcam.auth.password_login import LoginChallenge, PasswordLogin, StaleNonce
from twistedcam.errors import Unauthorized
from twistedcam.net.addresses import parse_ip, show_address
from twistedcam.servers.http.connection.channel import HttpConnection
from twistedcam.servers.http.connection.cookie import login_of
from twistedcam.servers.http.connection.error_page import wants_page
from twistedcam.servers.http.connection.request import (
    HttpRequest,
    destination,
    query,
    requested_camera,
)

if TYPE_CHECKING:
    from twistedcam.core.server import Server

log = Logger()

#: Routes without access control: they contain nothing of this server.
OPEN = frozenset(
    {
        "/static/{name}",
        "/static/{folder}/{name}",
        "/favicon.ico",
        "/service-worker.js",
        "/login",
        "/logout",
    }
)
#: Routes whose POST only prepares a download: they need the right ``view``.
PREPARING = frozenset({"/recordings.zip"})
#: Routes that check access themselves: their logins are in the body.
OWN_LOGIN = frozenset({"/onvif/{service}"})
#: Pages that a browser gets the page to log in for.
WITH_LOGIN = frozenset({"/", "/publish", "/publish/{camera}"})
#: Routes that take Digest, too, if the server has the tokens themselves: ONVIF clients use it.
DIGEST = "/snapshot"
#: Routes of one camera: that in the path or in the query, or the first.
PICTURES = ("/stream", "/snapshot", "/live", "/video", "/playback")


class Access:
    """Checks each request before it is answered, and sets its ``grant``.

    A route that is not known here needs the right ``view`` (GET) or ``control`` for the whole
    server, so that a new route is closed by default.
    """

    def __init__(self, server: Server) -> None:
        self._server = server
        self._digest = PasswordLogin(server.authenticator, server.clock)

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
        try:
            request.grant = await self._grant_of(request, path)
        except Unauthorized as error:
            if not self._shows_login(request, path):
                raise
            request.grant = NOBODY  # the page to log in has no camera's name
            request.refusal = error if token_in_url(request) is not None else None
            return
        if self._is_for_pictures(request, path):
            camera = self._camera(request, parts)
            grant: Grant = request.grant
            right = right_to_watch(request, path)
            grant.require(right, camera)
            # A video with sound ends if the token does not allow the sound any more.
            rights = grant.watching_rights(camera, right, has_sound=path.startswith("/video"))
            self._watch_token(request, lambda now: now.allows_all(rights, camera))
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

    async def _grant_of(self, request: HttpRequest, path: str) -> Grant:
        """Return the grant of the token, or of the login that the cookie continues.

        Raises:
            Unauthorized: neither is valid.
        """
        if not (path.startswith(DIGEST) and self._server.authenticator.takes_digest):
            return await self._grant_of_token(request)
        header = request.getHeader("Authorization") or ""
        try:
            if not header.lower().startswith("digest "):
                return await self._grant_of_token(request)
            method, peer = request.method.decode("ascii", "replace"), request.getClientAddress()
            return await self._digest.grant(header, method, peer)
        except Unauthorized as error:
            challenges = self._digest.challenges(stale=isinstance(error, StaleNonce))
            raise LoginChallenge(str(error), challenges) from None

    async def _grant_of_token(self, request: HttpRequest) -> Grant:
        token, authenticator = self._token_of(request), self._server.authenticator
        if token is None and authenticator.is_needed and isinstance(request, HttpRequest):
            found = login_of(request)
            if found is not None:
                request.login, grant = found
                return grant
        return await check_token(self._server, request, token)

    @staticmethod
    def _shows_login(request: HttpRequest, path: str) -> bool:
        """True if a browser opens the page: it gets the page to log in, and no error."""
        if path not in WITH_LOGIN or request.method not in (b"GET", b"HEAD"):
            return False
        if (
            request.getHeader("Upgrade")
            or b"action" in (request.args or {})
            or token_of(request) is not None
        ):
            return False
        return wants_page(request.requestHeaders.getRawHeaders(b"Accept"))

    @staticmethod
    def _is_for_pictures(request: HttpRequest, path: str) -> bool:
        return path.startswith(PICTURES) or (path == "/" and b"action" in (request.args or {}))

    def _require(
        self, request: HttpRequest, path: str, parts: dict[str, str], right: Right | None
    ) -> None:
        grant: Grant = request.grant
        if path == "/" and "publish" in grant.rights:
            leads_on = destination(request) is not None or only_publishes(grant)
            if leads_on and wants_page(request.requestHeaders.getRawHeaders(b"Accept")):
                return  # to a page that checks the right itself
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
        authenticator, channel = self._server.authenticator, request.channel
        own, client = isinstance(channel, HttpConnection), request.getClientAddress()

        def end(reason: Unauthorized) -> None:  # without the request, which a stream does not keep
            log.info("{peer}: {why}", peer=show_address(client), why=str(reason))
            if own:
                channel.revoke()
            else:  # the connection of another site of twisted.web
                channel.abortConnection()

        login = getattr(request, "login", None)  # a request of another site has none
        key = "" if login is None else login.key
        session = authenticator.open_session(request.grant, may_stay, end, key)
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


def only_publishes(grant: Grant) -> bool:
    """True if the page for publishing is the only one that a token is for."""
    return "publish" in grant.rights and grant.rights.isdisjoint({"view", "control", "admin"})


async def check_token(server: Server, request: HttpRequest, token: str | None) -> Grant:
    """Return the grant of a token that a request has sent.

    Raises:
        Unauthorized: it is missing, wrong or expired. After wrong tokens this takes longer.
    """
    peer = request.getClientAddress()
    checking = Deferred.fromCoroutine(server.authenticator.by_token(token, peer))
    request.notifyFinish().addErrback(lambda _: checking.cancel())
    return await checking


def right_to_watch(request: HttpRequest, path: str) -> Right:
    """Return the right that a route of one camera's pictures or sound needs."""
    is_sound = path.startswith("/live") and query(request, "kind") == "audio"
    return "listen" if is_sound else "view"


def is_local(request: HttpRequest) -> bool:
    """True if a request comes from this machine, and not through a proxy."""
    if request.requestHeaders.hasHeader(b"X-Forwarded-For"):
        return False
    host = getattr(request.getClientAddress(), "host", None)
    address = None if host is None else parse_ip(host)
    return host is None or (address is not None and address.is_loopback)


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
