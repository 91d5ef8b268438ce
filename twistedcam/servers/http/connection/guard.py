"""Who may ask: a page of another site may not steer a camera by way of its visitors' browsers."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from twistedcam.net.addresses import shorten
from twistedcam.servers.http.connection.reply import Reply, json_reply
from twistedcam.servers.http.connection.request import HttpRequest

_READING = (b"GET", b"HEAD", b"OPTIONS")
_PORTS = {"http": 80, "https": 443}
#: What nginx passes on as Host where Mainsail or Fluidd was set up by their installers.
_PRINTERS = ("mjpgstreamer1", "mjpgstreamer2", "mjpgstreamer3", "mjpgstreamer4")


@dataclass(frozen=True)
class Guard:
    """Checks each request before anything is done for it.

    Arguments:
        names: the names that the server may be asked by, besides ``localhost`` and addresses.
        proxied: names that a proxy on this machine passes on: good for looking, not for more.
        any_name: whether it may be asked by any: where it is no secret of this machine.
        cors: origins whose pages may read what the server answers; ``*`` for all.
        control: origins whose pages may also give commands.
    """

    names: Sequence[str] = ()
    proxied: Collection[str] = ()
    any_name: bool = False
    cors: Sequence[str] = ()
    control: Sequence[str] = ()

    def check(self, request: HttpRequest) -> Reply | None:
        """An answer that ends the matter, or None if the request may go on."""
        if request.clientproto == b"HTTP/1.1" and len(_all(request, b"Host")) != 1:
            message = "a request over HTTP/1.1 has to have one Host header: the server's name"
            return json_reply({"code": "bad-argument", "message": message}, 400)
        host = shorten(_header(request, b"Host"))
        is_socket = bool(_header(request, b"Upgrade"))
        reads = request.method in _READING and not is_socket
        looks = reads and host_name(host) in self.proxied
        if not (self.any_name or looks or self._knows(host)):
            return _refusal(
                f"this server does not go by the name {host!r}: ask for it by its address, "
                f"or start it with --http-name {host_name(host)}"
            )
        origin = shorten(_header(request, b"Origin"))
        if origin and not same_site(origin, host, _scheme_of(request)):
            return self._check_foreign(request, origin, host, reads, is_socket)
        site = _header(request, b"Sec-Fetch-Site")
        if not reads and site in ("cross-site", "same-site"):
            return _refusal("a page of another site may not do that here")
        return None

    def _check_foreign(
        self, request: HttpRequest, origin: str, host: str, reads: bool, is_socket: bool
    ) -> Reply | None:
        """Judge a request that the page of another site makes."""
        controls = origin in self.control
        is_named = controls or (origin in self.cors and origin != "*")
        may_read = is_named or "*" in self.cors
        # A page may open a WebSocket anywhere and read from it: nothing but this stops it. What
        # everybody may read is answers: "*" opens neither sockets nor commands.
        if reads:
            wanted = _header(request, b"Access-Control-Request-Method") or "GET"
            if may_read:
                if request.method != b"OPTIONS":
                    _allow(request, origin, controls)
                    return None
                if controls or wanted in ("GET", "HEAD"):
                    _allow(request, origin, controls)
                    return Reply(status=204)
            elif request.method != b"OPTIONS":
                return None  # the browser does not show its page the answer
        elif controls or (is_socket and is_named):
            _allow(request, origin, controls)
            return None
        return _refusal(_foreign(origin, f"{_scheme_of(request) or 'http'}://{host}", may_read))

    def _knows(self, host: str) -> bool:
        name = host_name(host)
        if name in ("", "localhost") or name.endswith(".localhost"):
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return name in (each.lower() for each in self.names)
        return True  # a name can be made to point here, an address cannot


def proxied_names() -> frozenset[str]:
    """Names that are this machine's own or a well-known proxy's, and can be no stranger's.

    A camera server that takes another's place behind OctoPi's or Mainsail's proxy is asked by them.
    """
    own = socket.gethostname().lower()
    return frozenset({own, own.partition(".")[0] + ".local", *_PRINTERS})


def host_name(host: str) -> str:
    """The name or the address in a Host header, without port and brackets, in lower case.

    A dot at its end says that nothing follows, and is no part of it.
    """
    try:
        return (urlsplit(f"//{host}").hostname or "").removesuffix(".")
    except ValueError:
        return host.lower()


def _scheme_of(request: HttpRequest) -> str | None:
    """How the browser reached this site, where that is known."""
    if isinstance(request, HttpRequest):
        return request.scheme
    return "https" if request.isSecure() else None  # of somebody else's site


def same_site(origin: str, host: str, scheme: str | None = None) -> bool:
    """Whether an Origin is the site that a request's Host names.

    Arguments:
        scheme: how the browser reached the site; None: by either.
    """
    try:
        here, there = urlsplit(f"//{host}"), urlsplit(origin)
        default = _PORTS.get(there.scheme)
        ports = (here.port or default, there.port or default)
    except ValueError:
        return False
    if default is None or scheme not in (None, there.scheme):
        return False
    return there.hostname is not None and there.hostname == here.hostname and ports[0] == ports[1]


def _foreign(origin: str, own: str, may_read: bool) -> str:
    """Why the page of another site is refused: which two names differ, and what to set."""
    if may_read:
        return (
            f"the pages of {origin} may read here and do no more: to let them give commands, "
            f"start the server with --http-cors-control {origin}"
        )
    return (
        f"the page's address ({origin}) is not this server's ({own}). Behind a proxy, pass the "
        "Host header on: proxy_set_header Host $http_host;"
    )


def _all(request: HttpRequest, name: bytes) -> Sequence[bytes]:
    return request.requestHeaders.getRawHeaders(name) or ()


def _header(request: HttpRequest, name: bytes) -> str:
    values = _all(request, name) or (b"",)
    return values[0].decode("latin-1").strip() if len(values) == 1 else "(several)"


def _allow(request: HttpRequest, origin: str, controls: bool) -> None:
    request.setHeader("Access-Control-Allow-Origin", origin)
    methods = "GET, HEAD, POST, PATCH, DELETE" if controls else "GET, HEAD"
    request.setHeader("Access-Control-Allow-Methods", methods)
    request.setHeader("Access-Control-Allow-Headers", "Authorization, Content-Type, Range")
    request.setHeader("Access-Control-Expose-Headers", "X-Timestamp, X-Sequence")
    request.setHeader("Vary", "Origin")


def _refusal(message: str) -> Reply:
    return json_reply({"code": "forbidden", "message": f"Refused: {message}"}, 403)
