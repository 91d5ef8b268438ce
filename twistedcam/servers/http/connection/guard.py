"""Protection from pages of other sites: host names (DNS rebinding) and origins (CSRF, CORS)."""

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
#: The WebSockets that change nothing, by the beginning of their paths.
_WATCHING = b"/live"
_PORTS = {"http": 80, "https": 443}
#: Host names that nginx passes on if Mainsail or Fluidd was set up by their installers.
_PRINTERS = ("mjpgstreamer1", "mjpgstreamer2", "mjpgstreamer3", "mjpgstreamer4")


@dataclass(frozen=True)
class Guard:
    """Checks the headers of each request before it is handled.

    Arguments:
        names: host names of the server besides ``localhost`` and addresses.
        proxied: host names that a proxy on this machine passes on, allowed for reading only.
        any_name: True to allow any host name, if the server does not listen on loopback only.
        cors: origins whose pages may read responses; ``*`` for all.
        control: origins whose pages may also send commands.
    """

    names: Sequence[str] = ()
    proxied: Collection[str] = ()
    any_name: bool = False
    cors: Sequence[str] = ()
    control: Sequence[str] = ()

    def check(self, request: HttpRequest) -> Reply | None:
        """Return the reply to a request that is refused or is a preflight, else None."""
        if request.clientproto == b"HTTP/1.1" and len(_all(request, b"Host")) != 1:
            message = "a request over HTTP/1.1 must have one Host header: the server's name"
            return json_reply({"code": "bad-argument", "message": message}, 400)
        host = shorten(_header(request, b"Host"))
        is_socket = bool(_header(request, b"Upgrade"))
        reads = request.method in _READING and not is_socket
        is_proxied = reads and host_name(host) in self.proxied
        if not (self.any_name or is_proxied or self._is_known(host)):
            return _refusal(
                f"{host!r} is not a name of this server: use its address, "
                f"or start it with --http-name {host_name(host)}"
            )
        origin = shorten(_header(request, b"Origin"))
        if origin and not is_same_site(origin, host, _scheme_of(request)):
            return self._check_foreign(request, origin, host, reads, is_socket)
        site = _header(request, b"Sec-Fetch-Site")
        if not reads and site in ("cross-site", "same-site"):
            return _refusal("the page of another site may not do that")
        return None

    def _check_foreign(
        self, request: HttpRequest, origin: str, host: str, reads: bool, is_socket: bool
    ) -> Reply | None:
        """Check a request from the page of another site."""
        controls = origin in self.control
        is_named = controls or (origin in self.cors and origin != "*")
        may_read = is_named or "*" in self.cors
        # Browsers let a page open a WebSocket to any site, so only this check stops it. "*" allows
        # all pages to read responses, but neither WebSockets nor commands.
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
                return None  # the browser hides the response from its page
        elif controls or (is_socket and is_named and request.path.startswith(_WATCHING)):
            _allow(request, origin, controls)
            return None
        return _refusal(_foreign(origin, f"{_scheme_of(request) or 'http'}://{host}", may_read))

    def _is_known(self, host: str) -> bool:
        name = host_name(host)
        if name in ("", "localhost") or name.endswith(".localhost"):
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return name in (each.lower() for each in self.names)
        return True  # DNS rebinding needs a name; an address is safe


def proxied_names() -> frozenset[str]:
    """Return the names of this machine and of the proxies of OctoPi and Mainsail.

    The server gets requests with these names if it replaces another camera server there.
    """
    own = socket.gethostname().lower()
    return frozenset({own, own.partition(".")[0] + ".local", *_PRINTERS})


def host_name(host: str) -> str:
    """Return the name or address in a Host header, in lower case, without a final dot."""
    try:
        return (urlsplit(f"//{host}").hostname or "").removesuffix(".")
    except ValueError:
        return host.lower()


def _scheme_of(request: HttpRequest) -> str | None:
    """Return the scheme of the site in the browser, if it is known."""
    if isinstance(request, HttpRequest):
        return request.scheme
    return "https" if request.isSecure() else None  # a request of another site of twisted.web


def is_same_site(origin: str, host: str, scheme: str | None = None) -> bool:
    """True if an Origin and a Host are the same site.

    Arguments:
        scheme: the scheme of the site in the browser; None if it is not known.
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
    """Return the message for a refused page: which addresses differ, and which option helps."""
    if may_read:
        return (
            f"pages of {origin} may only read: to let them send commands, "
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
