"""Connections that are taken over from HTTP by a stream."""

from __future__ import annotations

from collections.abc import Mapping

from twistedcam.servers.http.connection.request import HttpRequest


class Receiver:
    """Takes a connection over from HTTP (``HttpConnection.take_over``)."""

    def received(self, data: bytes) -> None:
        """Handle data from the client; by default ignore it."""

    def read_closed(self) -> bool:
        """The client has closed its half; return True (the default) to keep the connection."""
        return True

    def lost(self) -> None:
        """Clean up after the end of the connection."""
        raise NotImplementedError

    def close(self) -> None:
        """Close the connection, because the server stops or the token has expired."""
        raise NotImplementedError


def response_head(request: HttpRequest, headers: Mapping[str, str]) -> bytes:
    """Return the status line and headers of a response that lasts until the connection closes.

    Includes the headers that the guard has set.
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
