"""Sockets that are connected to a server."""

from __future__ import annotations

import socket

from twistedcam.tls.client import Trust, connect_tls


def connect_tcp(host: str, port: int, trust: Trust | None, timeout: float) -> socket.socket:
    """Connect to a port; with ``trust`` over TLS. Errors are those of ``connect_tls``."""
    if trust is not None:
        return connect_tls(host, port, trust, timeout)
    connection = socket.create_connection((host, port), timeout)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def connect_unix(path: str, timeout: float) -> socket.socket:
    """Connect to a socket file; OSError if nobody listens there."""
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(timeout)
    try:
        connection.connect(path)
    except OSError:
        connection.close()
        raise
    return connection
