"""The router: finds the handler of a request by its method and path."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from urllib.parse import unquote

from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger

from twistedcam.auth import ANYONE, Right
from twistedcam.errors import BadArgument, TwistedcamError
from twistedcam.net.addresses import shorten, show_address, without_token
from twistedcam.net.refusal_log import RefusalLog
from twistedcam.runtime.threads import Thread, run_in_thread
from twistedcam.servers.http.connection.error_page import wants_page, with_page
from twistedcam.servers.http.connection.guard import Guard
from twistedcam.servers.http.connection.reply import (
    BEARER,
    JSON,
    Reply,
    error_reply,
    json_reply,
)
from twistedcam.servers.http.connection.request import HttpRequest
from twistedcam.util.escaped_name import show_name

if TYPE_CHECKING:
    from twistedcam.servers.http.connection.access import Access

log = Logger()

#: Statuses that are logged: no valid token, no right, too many requests.
_REFUSED = (401, 403, 429)
#: Returns the reply to a request, or None if it writes the response itself.
Handler = Callable[..., Reply | Awaitable[Reply | None] | None]


@dataclass(frozen=True)
class Route:
    """One path for one method.

    Arguments:
        method: ``GET``, ``POST`` …; a route for GET answers HEAD too.
        path: a path with parameters in braces: ``/stream/{camera}``.
        handler: called with the request, and the parameters by name.
        right: the right that the command needs; None if the route is no command.
    """

    method: str
    path: str
    handler: Handler
    right: Right | None = None

    def match(self, path: str) -> dict[str, str] | None:
        """Return the parameters if the path matches, else None."""
        if "{" not in self.path:
            return {} if path == self.path else None
        found = self._pattern.fullmatch(path)
        return None if found is None else found.groupdict()

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(self.path)))


T = TypeVar("T")


class LateHandlers(Generic[T]):
    """Handlers of an object that is imported and made when the first request needs it.

    Few servers use all routes, and their modules take memory and time at the start.

    Arguments:
        make_thread: makes the thread of the import, so that the reactor does not wait for it.
        load: imports the object's class, and returns a function that makes the object.
    """

    def __init__(
        self, make_thread: Callable[[], Thread], load: Callable[[], Callable[[], T]]
    ) -> None:
        self._make_thread = make_thread
        self._load = load
        self._made: T | None = None

    def handler(self, choose: Callable[[T], Handler]) -> Handler:
        """Return a handler that calls a method of the object; ``choose`` returns the method."""

        def handle(request: HttpRequest, **parts: str) -> Any:
            if self._made is None:
                return self._handle_first(choose, request, parts)
            return choose(self._made)(request, **parts)

        return handle

    async def _handle_first(
        self, choose: Callable[[T], Handler], request: HttpRequest, parts: dict[str, str]
    ) -> Reply | None:
        gone: list[bool] = []
        request.notifyFinish().addErrback(lambda _: gone.append(True))
        make = await run_in_thread(self._make_thread, self._load)
        if self._made is None:  # no other request was faster
            self._made = make()
        if gone:
            return None
        answer = choose(self._made)(request, **parts)
        return answer if answer is None or isinstance(answer, Reply) else await answer


class Router:
    """Answers all requests of a site."""

    def __init__(self, access: Access, refusals: RefusalLog) -> None:
        self._access = access
        self._refusals = refusals
        self.routes: list[Route] = []

    def add(self, method: str, path: str, handler: Handler, right: Right | None = None) -> None:
        """Add a route, or replace that of the same method and path; the first match answers."""
        route = Route(method, path, handler, right)
        for at, each in enumerate(self.routes):
            if (each.method, each.path) == (method, path):
                self.routes[at] = route
                return
        self.routes.append(route)

    def answer(self, guard: Guard, request: HttpRequest, path: bytes | None = None) -> None:
        """Answer a request, with an error if it is refused or fails.

        Arguments:
            path: the path to route, if it is not the path of the request.
        """
        path = request.path if path is None else path
        done = Deferred.fromCoroutine(self._answer(guard, request, path))
        done.addErrback(lambda why: log.failure("an HTTP request failed", failure=why))

    async def _answer(self, guard: Guard, request: HttpRequest, path: bytes) -> None:
        gone: list[bool] = []
        request.notifyFinish().addErrback(lambda _: gone.append(True))
        try:
            reply = guard.check(request) or await self._find(request, path)
        except TwistedcamError as error:
            # A request of another site of twisted.web has no grant before its token was checked.
            reply = error_reply(getattr(request, "grant", ANYONE).only_own_names(error))
            if reply.status == 401 and _is_of_page(request):
                reply.headers["WWW-Authenticate"] = BEARER
        except CancelledError:
            return  # the client has gone while its token was checked
        except Exception as error:
            kind = f"HTTP internal, {type(error).__name__}"
            if self._refusals.should_log(request.getClientAddress(), kind):
                uri = shorten(without_token(request.uri))
                log.failure("{method} {uri} failed", method=request.method, uri=uri)
            message = "an internal error occurred; the server's log has more"
            reply = json_reply({"code": "internal", "message": message}, 500)
        if reply is not None:
            self._log_refusal(request, reply)
        if reply is not None and not gone:
            send(request, reply)

    async def _find(self, request: HttpRequest, quoted: bytes) -> Reply | None:
        method = request.method.decode("ascii", "replace")
        path = _as_text(quoted)
        found = self._matching(path)
        if not found and path.endswith("/") and not path.endswith("//"):
            found = self._matching(path[:-1])
        allowed = []
        for route, parts in found:
            if route.method == ("GET" if method == "HEAD" else method):
                await self._access.check(request, route.path, parts, route.right)
                answer = route.handler(request, **parts)
                return answer if answer is None or isinstance(answer, Reply) else await answer
            allowed.append(route.method)
        if not allowed:
            message = f"nothing is at {shorten(path)!r}"
            return json_reply({"code": "not-found", "message": message}, 404)
        if "GET" in allowed:
            allowed.append("HEAD")
        methods = ", ".join(sorted(set(allowed)))
        message = f"{shorten(path)} allows {methods}"
        return json_reply({"code": "method-not-allowed", "message": message}, 405, Allow=methods)

    def _matching(self, path: str) -> list[tuple[Route, dict[str, str]]]:
        """Return the routes that match a path, with their parameters."""
        tried = ((route, route.match(path)) for route in self.routes)
        return [(route, parts) for route, parts in tried if parts is not None]

    def _log_refusal(self, request: HttpRequest, reply: Reply) -> None:
        """Log a refused request with the reason, which has the token's name, never the token."""
        peer = request.getClientAddress()
        grant = getattr(request, "grant", ANYONE)
        if reply.status not in _REFUSED or (reply.type != JSON and not reply.refusal):
            return  # handlers with other messages log them themselves
        why = shorten(reply.refusal or json.loads(reply.body)["message"])
        kind = f"HTTP {reply.status}" + ("" if grant is ANYONE else f", token {grant.name}")
        if reply.status == 401:  # there are few reasons, and none contains text of the client
            kind += f", {why}"
        if self._refusals.should_log(peer, kind):
            log.warn(
                "{peer}: refused: {method} {uri}: {why}",
                peer=show_address(peer),
                method=shorten(request.method.decode("ascii", "replace")),
                uri=shorten(without_token(request.uri)),
                why=why,
            )


def _is_of_page(request: HttpRequest) -> bool:
    """True if a page sends the request: it shows the refusal itself."""
    headers = request.requestHeaders
    return headers.hasHeader(b"Referer") or headers.hasHeader(b"Origin")


def _as_text(quoted: bytes) -> str:
    """Decode a path; a recording's name that is not UTF-8 is decoded as it is listed.

    Raises:
        BadArgument: the path is not UTF-8.
    """
    try:
        return unquote(quoted.decode("ascii"), errors="strict")
    except UnicodeDecodeError:
        if not (quoted.isascii() and b"/recordings/" in quoted):
            raise BadArgument("the path must be UTF-8") from None
    parts = (unquote(each, errors="surrogateescape") for each in quoted.decode().split("/"))
    return "/".join(map(show_name, parts))


def send(request: Any, reply: Reply) -> None:
    """Send a reply as the response to a request; an error as a page if it is for a browser."""
    if reply.status >= 400 and wants_page(request.requestHeaders.getRawHeaders(b"Accept")):
        reply = with_page(reply)
    request.setResponseCode(reply.status)
    request.setHeader("Content-Type", reply.type)
    request.setHeader("Cache-Control", reply.cache)
    for name, value in reply.headers.items():
        request.setHeader(name, value)
    if reply.status not in (204, 304):
        request.setHeader("Content-Length", str(len(reply.body)))
    request.write(reply.body)
    request.finish()
