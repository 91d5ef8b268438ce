"""Names and sites that the web side is told of, as browsers will say them.

They are compared with what a browser sends, letter by letter: one that no browser sends would stand
in a configuration for ever and open nothing.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from twistedcam.errors import BadArgument

_NAME = re.compile(r"[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?")
_PORTS = {"http": 80, "https": 443}


def parse_name(text: str, option: str = "--http-name") -> str:
    """A host name, as it stands in a Host header without its port.

    Raises:
        BadArgument: no host has it.
    """
    name = _spelled(text)
    if name is None:
        raise BadArgument(
            f"{option} {text}: no host has that name: write it without http:// and port, "
            "such as cam.example.org"
        )
    return name


def parse_origin(text: str, option: str = "--http-cors") -> str:
    """A site, as it stands in an Origin header; ``*`` for all, where pages only read.

    Arguments:
        option: what the site was given with.

    Raises:
        BadArgument: no browser sends it.
    """
    reads = not option.endswith("control")
    if text == "*" and reads:
        return text
    try:
        parts = urlsplit(text)
        scheme, port, name = parts.scheme, parts.port, _host(parts.hostname or "")
    except ValueError:  # a port that is none, or half an IPv6 address
        name = None
    if name is None or scheme not in _PORTS or "@" in text or any(parts[2:]):
        raise BadArgument(
            f"{option} {text}: no browser calls a site that: write http://HOST or https://HOST, "
            f"with :PORT if it has one, and nothing behind it{'; or *' if reads else ''}"
        )
    return f"{scheme}://{name}" + ("" if port in (None, _PORTS[scheme]) else f":{port}")


def _host(name: str) -> str | None:
    return f"[{name}]" if re.fullmatch(r"[0-9a-f:.]*:[0-9a-f:.]*", name) else _spelled(name)


def _spelled(name: str) -> str | None:
    """A name as browsers spell it: in lower case, in ASCII, without a dot at its end."""
    try:
        plain = name.encode("idna").decode().lower().removesuffix(".")
    except UnicodeError:
        return None
    return plain if _NAME.fullmatch(plain) else None
