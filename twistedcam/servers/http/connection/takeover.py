"""The head of an answer that is not HTTP's any more behind it."""

from __future__ import annotations

from collections.abc import Mapping

from twistedcam.servers.http.connection.request import HttpRequest


def response_head(request: HttpRequest, headers: Mapping[str, str]) -> bytes:
    """Status line and headers of an answer that lasts until the connection ends.

    What the guard has added to the answer is in it.
    """
    found = {
        "Server": "twistedcam",
        "X-Content-Type-Options": "nosniff",
        "Connection": "close",
        **headers,
    }
    for name, values in request.responseHeaders.getAllRawHeaders():
        if name.lower().startswith((b"access-control-", b"vary")):
            found[name.decode()] = values[-1].decode("latin-1")
    lines = [f"{name}: {value}\r\n" for name, value in found.items()]
    return f"HTTP/1.1 200 OK\r\n{''.join(lines)}\r\n".encode()
