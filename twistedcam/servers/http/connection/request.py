"""HTTP requests: their limits, and the headers of every response."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, AnyStr

from twisted.web.http import Request

from twistedcam.auth import ANYONE, Grant, LoginSession
from twistedcam.errors import BadArgument, TwistedcamError

if TYPE_CHECKING:
    from twistedcam.core.server import Server

#: Most bytes of a body.
MAX_BODY = 64 * 1024
#: Most parameters of a query.
MAX_PARAMETERS = 100

#: The parameter of ``/`` with another page to which a login leads, and the addresses of these.
DESTINATION = "to"
_DESTINATIONS = re.compile(r"publish(/[^/]+)?")

_TOO_LONG = f"the body must have at most {MAX_BODY // 1024} KB"
_ABSOLUTE_URL = re.compile(rb"https?://([^/?#]+)(.*)", re.IGNORECASE | re.DOTALL)


class HttpRequest(Request):
    """One request; the factory's ``answer`` must answer it."""

    channel: Any
    #: The grant of its token, after that was checked.
    grant: Grant = ANYONE
    #: The login to the page that its cookie continues.
    login: LoginSession | None = None
    #: The reason why the page to log in is shown, if it is an error.
    refusal: TwistedcamError | None = None

    def __init__(
        self, channel: Any, queued: object = False, parsePOSTFormSubmission: bool = False
    ) -> None:
        # Bodies are JSON: forms are not parsed, and no token is taken from them.
        super().__init__(channel, queued, parsePOSTFormSubmission)

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:
        """Accept an absolute URL too, whose host replaces the Host header (RFC 9112, 3.2.2)."""
        url = _ABSOLUTE_URL.fullmatch(path)
        if url is not None:
            hosts = len(self.requestHeaders.getRawHeaders(b"Host") or ())
            if hosts == 1 or (not hosts and version == b"HTTP/1.0"):
                self.requestHeaders.setRawHeaders(b"Host", [url[1]])
            path = url[2] if url[2].startswith(b"/") else b"/" + url[2]
        self.client = self.channel.identify_client(self)
        if self.channel.is_stopped:
            return
        if path.count(b"&") + path.count(b";") >= MAX_PARAMETERS:
            self.channel.refuse(400, f"the query must have at most {MAX_PARAMETERS} parameters")
            return
        super().requestReceived(command, path, version)

    @property
    def scheme(self) -> str | None:
        """The scheme of this site in the browser: ``https``, ``http``, or None if not known.

        A trusted proxy that terminates TLS sends it in ``X-Forwarded-Proto``.
        """
        if self.channel.factory.server.proxies.trusts(self.channel.transport.getPeer()):
            named = (self.getHeader("X-Forwarded-Proto") or "").partition(",")[0].strip().lower()
            if named in ("http", "https"):
                return named
        return "https" if super().isSecure() else None

    def isSecure(self) -> bool:
        """True if the browser uses TLS, with this server or with a trusted proxy."""
        return self.scheme == "https"

    def getHeader(self, key: AnyStr) -> AnyStr | None:
        """Return the last header of that name; as text also if it is not UTF-8."""
        value = super().getHeader(key.encode() if isinstance(key, str) else key)
        if value is None or isinstance(key, bytes):
            return value
        return value.decode(errors="replace")

    def gotLength(self, length: int | None) -> None:
        """Refuse a body that is too long."""
        self._taken = 0
        if self.channel.refused is not None:
            self.channel.refuse_connection()
        if length is not None and length > MAX_BODY:
            self.channel.refuse(413, _TOO_LONG)
            length = 0
        super().gotLength(min(length or 0, MAX_BODY))

    def handleContentChunk(self, data: bytes) -> None:
        """Refuse a chunked body that is too long."""
        self._taken += len(data)
        if self._taken > MAX_BODY:
            self.channel.refuse(413, _TOO_LONG)
        elif not self.channel.is_stopped:
            super().handleContentChunk(data)

    def process(self) -> None:
        """Answer the request, which is complete."""
        if self.channel.is_stopped:
            return
        self.setHeader(b"Server", b"twistedcam")
        self.setHeader(b"X-Content-Type-Options", b"nosniff")
        self.setHeader(b"Referrer-Policy", b"same-origin")  # the address may contain a token
        self.channel.factory.answer(self)


def has_parameter(request: HttpRequest, name: str) -> bool:
    """True if the query has a parameter of that name, with a value or without."""
    parameters = request.uri.partition(b"?")[2].split(b"&")
    return any(each.partition(b"=")[0] == name.encode() for each in parameters)


def query(request: HttpRequest, name: str) -> str | None:
    """Return the last parameter of that name in the query, or None.

    Raises:
        BadArgument: the value is not UTF-8.
    """
    found: list[bytes] = (request.args or {}).get(name.encode(), [])
    if not found:
        return None
    try:
        return found[-1].decode()
    except UnicodeDecodeError:
        raise BadArgument(f"{name} must be UTF-8") from None


def is_destination(address: str) -> bool:
    """True if a login may lead to an address, which is relative to the server's root."""
    return _DESTINATIONS.fullmatch(address) is not None


def destination(request: HttpRequest) -> str | None:
    """Return the page to which the address ``/?to=`` leads after the login, or None.

    Raises:
        BadArgument: the parameter is not UTF-8.
    """
    to = query(request, DESTINATION)
    return to if to is not None and is_destination(to) else None


def requested_camera(request: HttpRequest, server: Server, in_path: str | None) -> str | None:
    """Return the camera that a request names in its path or its query, or None.

    The access check and the handler both use this, so they never mean different cameras.

    Raises:
        BadArgument: the path and the query name different cameras.
    """
    named = query(request, "camera")
    if in_path is None or named is None:
        return named if in_path is None else in_path
    if server.name_of(named) != server.name_of(in_path):
        raise BadArgument(f"the path names camera {in_path!r}, the query {named!r}: name one")
    return in_path
