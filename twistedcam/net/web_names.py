"""Host names and origins of the configuration, in the form that browsers send.

They are compared with headers of browsers literally, so a value that no browser sends is refused.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from twistedcam.errors import BadArgument

_NAME = re.compile(r"[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?")
_PORTS = {"http": 80, "https": 443}


def parse_name(text: str, option: str = "--http-name") -> str:
    """Return a host name as in a Host header without the port.

    Raises:
        BadArgument: it is not a host name.
    """
    name = _as_sent(text)
    if name is None:
        raise BadArgument(
            f"{option} {text}: this is not a host name: write it without http:// and port, "
            "such as cam.example.org"
        )
    return name


def parse_origin(text: str, option: str = "--http-cors") -> str:
    """Return an origin as in an Origin header; ``*`` means all, for reading only.

    Arguments:
        option: the option's name, for the error.

    Raises:
        BadArgument: it is not an origin.
    """
    reads = not option.endswith("control")
    if text == "*" and reads:
        return text
    try:
        parts = urlsplit(text)
        scheme, port, name = parts.scheme, parts.port, _host(parts.hostname or "")
    except ValueError:  # an invalid port or IPv6 address
        name = None
    if name is None or scheme not in _PORTS or "@" in text or any(parts[2:]):
        raise BadArgument(
            f"{option} {text}: this is not an origin: write http://HOST or https://HOST, "
            f"with :PORT if it has one, and nothing after it{'; or *' if reads else ''}"
        )
    return f"{scheme}://{name}" + ("" if port in (None, _PORTS[scheme]) else f":{port}")


def _host(name: str) -> str | None:
    return f"[{name}]" if re.fullmatch(r"[0-9a-f:.]*:[0-9a-f:.]*", name) else _as_sent(name)


def _as_sent(name: str) -> str | None:
    """Return a name as browsers send it: lower case, ASCII, without a dot at its end."""
    try:
        plain = name.encode("idna").decode().lower().removesuffix(".")
    except UnicodeError:
        return None
    return plain if _NAME.fullmatch(plain) else None
