"""Addresses as people write them."""

from __future__ import annotations

import ipaddress
from typing import Any

from twisted.internet.interfaces import ISSLTransport


def show_address(address: Any) -> str:
    """``127.0.0.1:4711``, ``[::1]:4711``, or ``unix:/path`` for a socket file."""
    host, port = getattr(address, "host", None), getattr(address, "port", None)
    if host is None:
        name = getattr(address, "name", None)
        text = name.decode(errors="replace") if isinstance(name, bytes) else name
        return f"unix:{text or ''}"
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def without_token(uri: bytes) -> str:
    """A request's address as it may be logged."""
    path, question, query = uri.decode("ascii", "replace").partition("?")
    words = ["token=..." if each.startswith("token=") else each for each in query.split("&")]
    return path + question + "&".join(words)


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
