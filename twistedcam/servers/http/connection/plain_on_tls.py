"""HTTP without TLS on a port for TLS: one answer in clear that says what to do."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from twisted.protocols.tls import TLSMemoryBIOProtocol

#: Where a client says which name it asked for; what is not plainly a name is not sent back.
_HOST = re.compile(rb"^host:[ \t]*([a-z0-9._:\[\]-]{1,255})[ \t]*\r?$", re.I | re.M)
_WORDS = "This port speaks HTTPS, not HTTP: use https://{host}/\n"


def answer_plain_http(transport: Any, refuse: Callable[[bytes], None]) -> None:
    """Look at the first bytes of a TLS connection, before TLS has them.

    A TLS client's first byte is 22 (RFC 8446, 5.1); a letter is the beginning of an HTTP method.
    Twisted has no hook there: so the method of this one connection is replaced until the first
    bytes have come.

    Arguments:
        transport: a connection; nothing is done without TLS.
        refuse: sends an answer in clear and ends the connection.
    """
    if not isinstance(transport, TLSMemoryBIOProtocol):
        return

    def first(data: bytes) -> None:
        if data[:1].isalpha():
            bound["dataReceived"] = lambda _: None
            refuse(plain_answer(data))
        else:
            del bound["dataReceived"]  # the class's own from now on
            transport.dataReceived(data)

    bound = vars(transport)
    bound["dataReceived"] = first


def plain_answer(request: bytes) -> bytes:
    """The answer to the beginning of a request: 400, and where to ask instead."""
    found = _HOST.search(request)
    body = _WORDS.format(host=found[1].decode("ascii") if found else "…").encode()
    head = (
        "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body
