"""A request over HTTP: as much of it as is taken, and what every answer says."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, AnyStr

from twisted.web.http import Request

from twistedcam.auth import ANYONE, Grant
from twistedcam.errors import BadArgument

if TYPE_CHECKING:
    from twistedcam.core.server import Server

#: Bytes of a request's body.
MAX_BODY = 64 * 1024
#: Words of a query.
MAX_WORDS = 100

_TOO_LONG = f"a body has at most {MAX_BODY // 1024} KB"
_WHOLE = re.compile(rb"https?://([^/?#]+)(.*)", re.IGNORECASE | re.DOTALL)


class HttpRequest(Request):
    """One request; the factory's ``answer`` has to answer it."""

    channel: Any
    #: What its token opens, once that was looked at.
    grant: Grant = ANYONE

    def __init__(
        self, channel: Any, queued: object = False, parsePOSTFormSubmission: bool = False
    ) -> None:
        # A body is JSON or nothing: a form in it is not parsed, and no token is taken from it.
        super().__init__(channel, queued, parsePOSTFormSubmission)

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:
        """Take a whole URL too, as proxies send it: its host is the one that is meant.

        Whatever Host says then does not count (RFC 9112, 3.2.2), but it has to be there.
        """
        whole = _WHOLE.fullmatch(path)
        if whole is not None:
            hosts = len(self.requestHeaders.getRawHeaders(b"Host") or ())
            if hosts == 1 or (not hosts and version == b"HTTP/1.0"):
                self.requestHeaders.setRawHeaders(b"Host", [whole[1]])
            path = whole[2] if whole[2].startswith(b"/") else b"/" + whole[2]
        self.client = self.channel.find_client(self)
        if self.channel.over:
            return
        if path.count(b"&") + path.count(b";") >= MAX_WORDS:
            self.channel.refuse(400, f"a query has at most {MAX_WORDS} words")
            return
        super().requestReceived(command, path, version)

    @property
    def scheme(self) -> str | None:
        """How the browser reached this site: ``https``, ``http``, or None where it is not known.

        A trusted proxy that ends TLS says so in ``X-Forwarded-Proto``.
        """
        if self.channel.factory.proxies.trusts(self.channel.transport.getPeer()):
            named = (self.getHeader("X-Forwarded-Proto") or "").partition(",")[0].strip().lower()
            if named in ("http", "https"):
                return named
        return "https" if super().isSecure() else None

    def isSecure(self) -> bool:
        """Whether the browser speaks TLS, with this server or with a trusted proxy."""
        return self.scheme == "https"

    def getHeader(self, key: AnyStr) -> AnyStr | None:
        """A header, the last of that name; asked for as text also one that is no UTF-8."""
        value = super().getHeader(key.encode() if isinstance(key, str) else key)
        if value is None or isinstance(key, bytes):
            return value
        return value.decode(errors="replace")

    def gotLength(self, length: int | None) -> None:
        """Take no body that is too long."""
        self._taken = 0
        if self.channel.refused is not None:
            self.channel.refuse_connection()
        if length is not None and length > MAX_BODY:
            self.channel.refuse(413, _TOO_LONG)
            length = 0
        super().gotLength(min(length or 0, MAX_BODY))

    def handleContentChunk(self, data: bytes) -> None:
        """Take no chunked body that is too long either."""
        self._taken += len(data)
        if self._taken > MAX_BODY:
            self.channel.refuse(413, _TOO_LONG)
        elif not self.channel.over:
            super().handleContentChunk(data)

    def process(self) -> None:
        """The request is complete: have it answered."""
        if self.channel.over:
            return
        self.setHeader(b"Server", b"twistedcam")
        self.setHeader(b"X-Content-Type-Options", b"nosniff")
        self.setHeader(b"Referrer-Policy", b"same-origin")  # there may be a token in the address
        self.channel.factory.answer(self)


def has_parameter(request: HttpRequest, name: str) -> bool:
    """True if the query has a parameter of that name, with a value or without."""
    words = request.uri.partition(b"?")[2].split(b"&")
    return any(word.partition(b"=")[0] == name.encode() for word in words)


def query(request: HttpRequest, name: str) -> str | None:
    """Return the last parameter of that name in the query, or None.

    Raises:
        BadArgument: its value is not UTF-8.
    """
    found: list[bytes] = (request.args or {}).get(name.encode(), [])
    if not found:
        return None
    try:
        return found[-1].decode()
    except UnicodeDecodeError:
        raise BadArgument(f"{name} has to be UTF-8") from None


def requested_camera(request: HttpRequest, server: Server, in_path: str | None) -> str | None:
    """Return the camera that a request for pictures names in its path or its query, or None.

    Both the check of the token and the answer use this, so they never mean different cameras.

    Raises:
        BadArgument: the path names one and the query another.
    """
    named = query(request, "camera")
    if in_path is None or named is None:
        return named if in_path is None else in_path
    if server.name_of(named) != server.name_of(in_path):
        raise BadArgument(f"the path names camera {in_path!r}, the query {named!r}: name one")
    return in_path
