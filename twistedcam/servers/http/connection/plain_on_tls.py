"""Plain HTTP on a TLS port: a response in clear text that names the right address."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from twisted.protocols.tls import TLSMemoryBIOProtocol

#: The Host header; a value that is not a plain name is not sent back.
_HOST = re.compile(rb"^host:[ \t]*([a-z0-9._:\[\]-]{1,255})[ \t]*\r?$", re.I | re.M)
_WORDS = "This port speaks HTTPS, not HTTP: use https://{host}/\n"


def answer_plain_http(transport: Any, refuse: Callable[[bytes], None]) -> None:
    """Check the first bytes of a TLS connection before TLS reads them.

    The first byte of a TLS client is 22 (RFC 8446, 5.1); a letter begins an HTTP method. Twisted
    has no hook for this, so the method of this connection is replaced until the first bytes arrive.

    Arguments:
        transport: a connection; ignored if it is not TLS.
        refuse: sends a response in clear text and closes the connection.
    """
    if not isinstance(transport, TLSMemoryBIOProtocol):
        return

    def first(data: bytes) -> None:
        if data[:1].isalpha():
            bound["dataReceived"] = lambda _: None
            refuse(plain_answer(data))
        else:
            del bound["dataReceived"]  # use the method of the class again
            transport.dataReceived(data)

    bound = vars(transport)
    bound["dataReceived"] = first


def plain_answer(request: bytes) -> bytes:
    """Return a response with status 400 to the beginning of a request."""
    found = _HOST.search(request)
    body = _WORDS.format(host=found[1].decode("ascii") if found else "…").encode()
    head = (
        "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body
