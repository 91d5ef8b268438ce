"""Checks which ports other machines can reach."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from twistedcam.errors import BadArgument, StartupError
from twistedcam.net.listener import Listener, is_local


def check_endpoint(endpoint: str) -> None:
    """Check that only this machine can reach an endpoint.

    Raises:
        BadArgument: other machines can reach it.
    """
    if not is_local(endpoint):
        raise BadArgument(
            f"{endpoint} can be reached from other machines, and there are no tokens: make "
            "one (twistedcam token add NAME --right view) and add --tokens FILE; or add "
            "interface=127.0.0.1, or --insecure if everybody may do everything"
        )


def check_ports(listeners: Iterable[Listener]) -> None:
    """Check the same for open ports. The string of an inherited socket does not tell its address.

    Raises:
        StartupError: other machines can reach one.
    """
    for listener in listeners:
        if listener.is_reachable:
            raise StartupError(
                f"{listener.description} is {listener.address}, which other machines can "
                "reach, and there are no tokens: see 'twistedcam token --help'"
            )


def urls_of(listeners: Mapping[str, Iterable[Listener]]) -> dict[str, str]:
    """Return the URLs of the frame port and the page, without socket files."""
    urls: dict[str, str] = {}
    for key, purpose, scheme in (("view", "frames", "twistedcam"), ("page", "http", "http")):
        for listener in listeners.get(purpose, ()):
            if listener.description.startswith(("tcp", "ssl")) and key not in urls:
                urls[key] = f"{scheme}{'s' * listener.is_tls}://{listener.address}"
    return urls
