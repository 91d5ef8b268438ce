"""The address that opens the page with a token, its QR code, and a test of it."""

from __future__ import annotations

import sys
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote, urlsplit
from urllib.request import HTTPRedirectHandler, ProxyHandler, build_opener

from twistedcam.auth.grant import Grant
from twistedcam.errors import BadArgument
from twistedcam.net.addresses import own_address

#: The port of the page, if no address is given.
_PORT = 8080
#: Seconds for the server to answer.
_TIMEOUT = 5.0


class _Stay(HTTPRedirectHandler):
    """Follows no redirection: the token is for this address only."""

    def redirect_request(self, *_: Any) -> None:
        """Make the response an error."""


def page_address(text: str) -> str:
    """Return the address of the page with a slash at its end.

    Raises:
        BadArgument: the text is no address.
    """
    if not text:
        return f"http://{own_address() or 'localhost'}:{_PORT}/"
    address = text if "://" in text else f"http://{text}"
    try:
        parts = urlsplit(address)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query:
            raise ValueError
        _ = parts.port
    except ValueError:
        raise BadArgument(
            f"--qr {text!r}: write the address of the page, such as http://192.168.1.5:8080/"
        ) from None
    return address.partition("#")[0].rstrip("/") + "/"


def page_path(grant: Grant) -> str:
    """Return the path of the page that a token opens: one that cannot watch may be a camera."""
    if "view" in grant.rights or "publish" not in grant.rights:
        return ""
    cameras = sorted(grant.cameras or ())
    return "publish/" + quote(cameras[0]) if len(cameras) == 1 else "publish"


def show_address(page: str, path: str, token: str) -> None:
    """Print the address that opens the page with a token, and its QR code; test the address.

    Arguments:
        page: the address of the page.
        path: what follows it.
    """
    import segno

    address = f"{page}{path}?token={token}"
    print(address)
    segno.make(address, error="l", micro=False).terminal(sys.stdout, compact=True)
    sys.stdout.flush()
    problem = _problem(f"{page}{path or 'api/v1/ping'}", token)
    if problem is not None:
        print(f"now this address does not open the page: {problem}", file=sys.stderr)


def _problem(address: str, token: str) -> str | None:
    """Return the reason why a server does not accept a token at an address; None if it does."""
    try:
        with build_opener(ProxyHandler({}), _Stay()).open(
            f"{address}?token={token}", timeout=_TIMEOUT
        ):
            return None
    except HTTPError as error:
        error.close()
        if error.code == 401:
            return "the server there has other tokens, or accepts none in an address"
        return f"the server there answers {error.code}"
    except (OSError, HTTPException) as error:
        reason = getattr(error, "reason", error)
        return f"{reason}; start the server with --http 0.0.0.0:{_PORT} --tokens FILE"
