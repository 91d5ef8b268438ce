"""Addresses as people write them."""

from __future__ import annotations

from typing import Any


def show_address(address: Any) -> str:
    """``127.0.0.1:4711``, ``[::1]:4711``, or ``unix:/path`` for a socket file."""
    host, port = getattr(address, "host", None), getattr(address, "port", None)
    if host is None:
        name = getattr(address, "name", None)
        text = name.decode(errors="replace") if isinstance(name, bytes) else name
        return f"unix:{text or ''}"
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
