"""Error pages for browsers; other clients get errors as JSON."""

from __future__ import annotations

import base64
import hashlib
import html
import json
from collections.abc import Sequence
from dataclasses import replace

from twisted.web.http import RESPONSES

from twistedcam.servers.http.connection.reply import JSON, Reply

_STYLE = (
    ":root{color-scheme:light dark}"
    "body{font:1.1rem/1.5 system-ui,sans-serif;max-width:36rem;margin:4rem auto;padding:0 1rem}"
    "p{overflow-wrap:anywhere}"
)
_DIGEST = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{status} {reason}</title>
<style>{style}</style>
</head>
<body>
<main>
<h1>{reason}</h1>
<p>{message}</p>
<p><small>twistedcam, HTTP {status}</small></p>
</main>
</body>
</html>
"""
_HEADERS = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_DIGEST}'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "Vary": "Accept",
}
#: Most media types of an ``Accept`` header to parse; browsers send fewer than ten.
_MAX_TYPES = 20


def wants_page(accept: Sequence[bytes] | None) -> bool:
    """True if ``Accept`` names HTML and does not prefer JSON.

    Arguments:
        accept: the values of the header, or None.
    """
    qualities: dict[str, float] = {}
    for each in b",".join(accept or ()).split(b",", _MAX_TYPES)[:_MAX_TYPES]:
        name, *parameters = each.decode("latin-1").lower().split(";")
        qualities[name.strip()] = _quality(parameters)
    page = qualities.get("text/html", 0.0)
    return page > 0 and page >= qualities.get(JSON, 0.0)


def with_page(reply: Reply) -> Reply:
    """Return an error as a page; other replies as they are."""
    if reply.status < 400 or reply.type != JSON:
        return reply
    message = str(json.loads(reply.body)["message"])
    body = _PAGE.format(
        status=reply.status,
        reason=RESPONSES[reply.status].decode(),
        message=html.escape(message[:1].upper() + message[1:]),
        style=_STYLE,
    )
    headers = {**reply.headers, **_HEADERS}
    return replace(reply, body=body.encode(), type="text/html; charset=utf-8", headers=headers)


def _quality(parameters: Sequence[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0
