"""Addresses of peers: as text, for the log, and for limits."""

from __future__ import annotations

import ipaddress
import re
from typing import Any
from urllib.parse import unquote_plus

from twisted.internet.interfaces import ISSLTransport

#: Characters of a client's words that are logged, or are part of an answer.
MAX_SHOWN = 200


def show_address(address: Any) -> str:
    """``127.0.0.1:4711``, ``[::1]:4711``, or ``unix:/path`` for a socket file.

    An address whose port is not known, and 0, is shown without it.
    """
    host, port = getattr(address, "host", None), getattr(address, "port", None)
    if host is None:
        name = getattr(address, "name", None)
        text = name.decode(errors="replace") if isinstance(name, bytes) else name
        return f"unix:{text or ''}"
    if not port:
        return str(host)
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def without_token(uri: bytes) -> str:
    """A request's address as it may be logged: nothing that is, or is meant as, a token."""
    path, question, query = uri.decode("ascii", "replace").partition("?")
    # As Twisted takes a query apart: at semicolons, too, and names may be quoted.
    words = re.split("([&;])", query)
    return path + question + "".join("token=..." if _is_token(each) else each for each in words)


def _is_token(word: str) -> bool:
    name, equals, _ = word.partition("=")
    return bool(equals) and "token" in unquote_plus(name).lower()


def shorten(text: str) -> str:
    """Text of somebody else's as it may be logged or sent back: no longer than MAX_SHOWN."""
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}…"


def is_private(transport: Any) -> bool:
    """Whether nobody on a network can read along: it is encrypted, or within this machine."""
    if ISSLTransport.providedBy(transport):
        return True
    host = getattr(transport.getPeer(), "host", None)
    if host is None:
        return True  # a UNIX socket
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)


def source_of(peer: Any) -> str:
    """Return what limits count a peer by: its IPv4 address, or its IPv6 network of 64 bits.

    Arguments:
        peer: a transport's ``getPeer()``; a UNIX socket has no address and counts as one.
    """
    host = getattr(peer, "host", None)
    if host is None:
        return "unix"
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return str(host)
    if address.version == 4:
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((address, 64), strict=False))
