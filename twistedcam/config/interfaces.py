"""Endpoints that only this machine can reach, and the same ones for its network."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence

from twistedcam.net.listener import is_local_endpoint

#: The options of ports that the page opens to the network, in the order of their importance.
PORTS = ("http", "rtsp", "listen")
_SHORT = re.compile(r"tcp:(\d+):interface=([\d.]+)")


def opened(endpoint: str) -> str:
    """Return an endpoint on all interfaces in place of the loopback interface."""
    if not _is_address(endpoint) or not is_local_endpoint(endpoint):
        return endpoint
    return _with_interface(endpoint, "\\:\\:" if endpoint.startswith("tcp6:") else "0.0.0.0")


def closed(endpoint: str) -> str:
    """Return an endpoint on the loopback interface in place of all other ones."""
    if not _is_address(endpoint) or is_local_endpoint(endpoint):
        return endpoint
    return _with_interface(endpoint, "\\:\\:1" if endpoint.startswith("tcp6:") else "127.0.0.1")


def is_switch(before: Sequence[str], after: Sequence[str]) -> bool:
    """Return True if endpoints differ only by being opened or closed."""
    return len(before) == len(after) and all(
        two in (one, opened(one), closed(one)) for one, two in zip(before, after, strict=True)
    )


def is_open(endpoints: Sequence[str]) -> bool:
    """Return True if other machines can reach an endpoint."""
    return not all(map(is_local_endpoint, endpoints))


def short(endpoint: str) -> str:
    """Return an endpoint as people write it: ``0.0.0.0:8080``."""
    match = _SHORT.fullmatch(endpoint)
    return endpoint if match is None else f"{match[2]}:{match[1]}"


def port_of(endpoint: str) -> int | None:
    """Return the port of an endpoint with an IP address, or None."""
    match = re.match(r"(?:tcp6?|ssl):(?:port=)?(\d+)", endpoint)
    return None if match is None else int(match[1])


def _is_address(endpoint: str) -> bool:
    """Return True if an endpoint has a port and the address of an interface, or none."""
    if port_of(endpoint) is None:
        return False
    host = next((each[10:] for each in _words(endpoint) if each.startswith("interface=")), "")
    try:
        return not host or bool(ipaddress.ip_address(host.replace("\\:", ":")))
    except ValueError:
        return host == "localhost"


def _words(endpoint: str) -> list[str]:
    return re.split(r"(?<!\\):", endpoint)


def _with_interface(endpoint: str, host: str) -> str:
    words = [each for each in _words(endpoint) if not each.startswith("interface=")]
    return ":".join([*words, f"interface={host}"])
