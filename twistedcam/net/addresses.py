"""Addresses of peers as text, and for limits; text of clients for the log."""

from __future__ import annotations

import ipaddress
import re
import socket
from typing import Any
from urllib.parse import unquote_plus

from twisted.internet.interfaces import ISSLTransport

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

#: The most characters of a client's text that are logged or sent back.
MAX_SHOWN = 200


def show_address(address: Any) -> str:
    """Return ``127.0.0.1:4711``, ``[::1]:4711``, or ``unix:/path`` for a socket file.

    Port 0 means an unknown port, and is left out.
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
    """Return a request's URI for the log, with all parameters hidden that may be tokens."""
    path, question, query = uri.decode("ascii", "replace").partition("?")
    # Twisted splits a query at semicolons, too, and decodes names.
    words = re.split("([&;])", query)
    return path + question + "".join("token=..." if _is_token(each) else each for each in words)


def _is_token(word: str) -> bool:
    name, equals, _ = word.partition("=")
    return bool(equals) and "token" in unquote_plus(name).lower()


def shorten(text: str) -> str:
    """Shorten a client's text to MAX_SHOWN characters."""
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}…"


def own_address() -> str | None:
    """Return this machine's address in its network, or None if it has none. Sends nothing."""
    # TEST-NET-1 (RFC 5737): the system chooses the address that it would send from.
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
            host: str = probe.getsockname()[0]
        except OSError:
            return None
    return None if host.startswith(("127.", "0.")) else host


def parse_ip(text: str) -> IPAddress | None:
    """Parse an IP address without its scope. A mapped IPv4 address becomes IPv4."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def is_private(transport: Any) -> bool:
    """Return True if a connection is encrypted or within this machine."""
    if ISSLTransport.providedBy(transport):
        return True
    host = getattr(transport.getPeer(), "host", None)
    if host is None:
        return True  # a UNIX socket
    address = parse_ip(host)
    return address is not None and address.is_loopback


def source_of(peer: Any) -> str:
    """Return the key by which limits count a peer: its IPv4 address, or its IPv6 network (/64).

    Arguments:
        peer: a transport's ``getPeer()``. All UNIX sockets have the same key.
    """
    host = getattr(peer, "host", None)
    if host is None:
        return "unix"
    address = parse_ip(host)
    if address is None or address.version == 4:
        return str(address or host)
    return str(ipaddress.ip_network((address, 64), strict=False))
