"""The cookie of a login to the page.

It has no ``Path``: then the browser sends it to addresses below that of the page, also if a proxy
adds a prefix that this server does not know (RFC 6265, 5.1.4). All ports of a host share their
cookies, so the name has the id of this server.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from twistedcam.auth import Grant, LoginSession
from twistedcam.auth.login_sessions import MAX_IDLE
from twistedcam.servers.http.connection.request import HttpRequest

if TYPE_CHECKING:
    from twistedcam.core.server import Server


def login_of(request: HttpRequest) -> tuple[LoginSession, Grant] | None:
    """Return the login that a request's cookie continues, and its grant; None if there is none.

    Raises:
        Unauthorized: the token of the login has expired.
    """
    server = _server_of(request)
    if not request.received_cookies or _is_from_another_site(request):
        return None
    secret = request.getCookie(_name(server, request).encode())
    return None if not secret else server.logins.find(secret.decode("latin-1"))


def set_cookie(request: HttpRequest, secret: str) -> None:
    """Send the cookie of a login, which the browser keeps as long as the session lasts."""
    _send(request, secret, int(MAX_IDLE))


def renew_cookie(request: HttpRequest) -> None:
    """Send the cookie of a request again, so that the browser keeps it longer."""
    secret = request.getCookie(_name(_server_of(request), request).encode())
    if secret:
        set_cookie(request, secret.decode("latin-1"))


def delete_cookie(request: HttpRequest) -> None:
    """Make the browser delete the cookie."""
    _send(request, "", 0)


def _send(request: HttpRequest, value: str, seconds: int) -> None:
    name = _name(_server_of(request), request)
    secure = "; Secure" if request.isSecure() else ""
    text = f"{name}={value}; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}"
    request.responseHeaders.addRawHeader("Set-Cookie", text)


def _name(server: Server, request: HttpRequest) -> str:
    """Return its name. Browsers accept one with ``__Secure-`` only over TLS."""
    prefix = "__Secure-" if request.isSecure() else ""
    return f"{prefix}twistedcam-{server.logins.server_id}"


def _server_of(request: HttpRequest) -> Server:
    server: Server = request.channel.factory.server
    return server


def _is_from_another_site(request: HttpRequest) -> bool:
    """True if a page of another site, or of another port of this host, sends the request.

    ``SameSite`` stops only those of other hosts. A link to this page may be followed.
    """
    if request.getHeader("Sec-Fetch-Site") not in ("cross-site", "same-site"):
        return False
    return request.getHeader("Sec-Fetch-Dest") != "document"
