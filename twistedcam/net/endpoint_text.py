"""Short forms of endpoint strings."""

from __future__ import annotations

import re

#: ``8080``, ``:8080``, ``127.0.0.1:8080``, ``localhost:8080``, ``[::1]:8080``, ``*:8080``
_SHORT = re.compile(r"(?:(?P<host>[0-9.]+|localhost|\*|\[[0-9A-Fa-f:.%a-z]+\])?:)?(?P<port>[0-9]+)")


def expand_endpoint(text: str) -> str:
    """Return the endpoint string for PORT or HOST:PORT; other text is returned unchanged.

    The default host is the loopback interface.
    """
    match = _SHORT.fullmatch(text.strip())
    if match is None:
        return text
    host, port = match["host"], match["port"]
    if host == "*":
        return f"tcp:{port}"
    if host is None or host == "localhost":
        host = "127.0.0.1"
    if host.startswith("["):
        quoted = host[1:-1].replace(":", "\\:")
        return f"tcp6:{port}:interface={quoted}"
    return f"tcp:{port}:interface={host}"
