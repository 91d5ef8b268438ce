"""From a method and a path to the function that answers."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger

from twistedcam.auth import ANYONE, Right
from twistedcam.errors import BadArgument, TwistedcamError
from twistedcam.net.addresses import shorten, show_address, without_token
from twistedcam.net.refusal_log import RefusalLog
from twistedcam.servers.http.connection.error_page import wants_page, with_page
from twistedcam.servers.http.connection.guard import Guard
from twistedcam.servers.http.connection.reply import Reply, error_reply, json_reply
from twistedcam.servers.http.connection.request import HttpRequest
from twistedcam.util.escaped_name import show_name

if TYPE_CHECKING:
    from twistedcam.servers.http.connection.access import Access

log = Logger()

#: What is logged: no or a wrong token, no right or no business, too often.
_REFUSED = (401, 403, 429)
#: Answers a request: with a reply, or with None where it does so itself.
Handler = Callable[..., Reply | Awaitable[Reply | None] | None]


@dataclass(frozen=True)
class Route:
    """One path for one method.

    Arguments:
        method: ``GET``, ``POST`` …; a route for GET answers HEAD too.
        path: with names in braces for the parts that vary: ``/stream/{camera}``.
        handler: called with the request, and the parts that vary by their names.
        right: the right of the command that it carries out; None: it is no command.
    """

    method: str
    path: str
    handler: Handler
    right: Right | None = None

    def match(self, path: str) -> dict[str, str] | None:
        """The parts that vary, if the path is one of this route."""
        if "{" not in self.path:
            return {} if path == self.path else None
        found = self._pattern.fullmatch(path)
        return None if found is None else found.groupdict()

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(self.path)))


class Router:
    """Answers all requests of a site.

    Arguments:
        access: says who may have which route.
        refusals: keeps the log of refusals short.
    """

    def __init__(self, access: Access, refusals: RefusalLog) -> None:
        self._access = access
        self._refusals = refusals
        self.routes: list[Route] = []

    def add(self, method: str, path: str, handler: Handler, right: Right | None = None) -> None:
        """One more route; the first that fits answers. One of the same place is replaced."""
        route = Route(method, path, handler, right)
        for at, each in enumerate(self.routes):
            if (each.method, each.path) == (method, path):
                self.routes[at] = route
                return
        self.routes.append(route)

    def answer(self, guard: Guard, request: HttpRequest, path: bytes | None = None) -> None:
        """Answer a request that the guard lets through, whatever happens.

        Arguments:
            path: what is asked for, where it is not the request's whole path.
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
            # A request of another's site has no grant before its token was judged.
            reply = error_reply(getattr(request, "grant", ANYONE).only_own_names(error))
        except CancelledError:
            return  # the client has gone while its token was looked at
        except Exception as error:
            kind = f"HTTP internal, {type(error).__name__}"
            if self._refusals.admits(request.getClientAddress(), kind):
                uri = shorten(without_token(request.uri))
                log.failure("{method} {uri} failed", method=request.method, uri=uri)
            message = "that failed inside the server; its log says why"
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
            message = f"there is no {shorten(path)!r} here"
            return json_reply({"code": "not-found", "message": message}, 404)
        if "GET" in allowed:
            allowed.append("HEAD")
        words = ", ".join(sorted(set(allowed)))
        message = f"{shorten(path)} answers to {words}"
        return json_reply({"code": "method-not-allowed", "message": message}, 405, Allow=words)

    def _matching(self, path: str) -> list[tuple[Route, dict[str, str]]]:
        """Routes that a path fits, with the parts that vary."""
        tried = ((route, route.match(path)) for route in self.routes)
        return [(route, parts) for route, parts in tried if parts is not None]

    def _log_refusal(self, request: HttpRequest, reply: Reply) -> None:
        """Log who was refused what, and why; the reason has the token's name, never the token."""
        peer = request.getClientAddress()
        grant = getattr(request, "grant", ANYONE)
        if reply.status not in _REFUSED:
            return
        why = shorten(json.loads(reply.body)["message"])
        kind = f"HTTP {reply.status}" + ("" if grant is ANYONE else f", token {grant.name}")
        if reply.status == 401:  # its reasons are few, and none has the client's words in it
            kind += f", {why}"
        if self._refusals.admits(peer, kind):
            log.warn(
                "{peer}: refused: {method} {uri}: {why}",
                peer=show_address(peer),
                method=shorten(request.method.decode("ascii", "replace")),
                uri=shorten(without_token(request.uri)),
                why=why,
            )


def _as_text(quoted: bytes) -> str:
    """A path as text: of a recording's name that is not UTF-8, as it is listed.

    Raises:
        BadArgument: it is not UTF-8.
    """
    try:
        return unquote(quoted.decode("ascii"), errors="strict")
    except UnicodeDecodeError:
        if not (quoted.isascii() and b"/recordings/" in quoted):
            raise BadArgument("a path has to be UTF-8") from None
    parts = (unquote(each, errors="surrogateescape") for each in quoted.decode().split("/"))
    return "/".join(map(show_name, parts))


def send(request: Any, reply: Reply) -> None:
    """Send a reply as the whole answer to a request; an error to a browser as a page."""
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
