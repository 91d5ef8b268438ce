"""Trusted proxies and the addresses of the clients behind them."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Sequence
from typing import Any

from twisted.internet.address import IPv4Address, IPv6Address

from twistedcam.errors import BadArgument
from twistedcam.net.addresses import IPAddress, parse_ip

#: The name of all peers of socket files.
UNIX = "unix"

_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class TrustedProxies:
    """Finds the client behind trusted proxies, by ``X-Forwarded-For``.

    Each proxy appends the address of its client. So the list is read from its end, and the first
    address that is not a trusted proxy is the client's. The client may have sent those before it.

    Arguments:
        networks: addresses, networks such as ``10.0.0.0/8``, or ``unix``.

    Raises:
        BadArgument: a value is none of these.
    """

    def __init__(self, networks: Sequence[str] = ()) -> None:
        self._unix = UNIX in networks
        self._networks = [_network(each) for each in networks if each != UNIX]

    def trusts(self, peer: Any) -> bool:
        """True if a peer is a trusted proxy.

        Arguments:
            peer: a transport's ``getPeer()``.
        """
        if not (self._unix or self._networks):
            return False
        host = getattr(peer, "host", None)
        if host is None:
            return self._unix
        address = _address(host)
        return address is not None and self._has(address)

    def client_of(self, peer: Any, forwarded: Sequence[str]) -> Any:
        """Return the address of the client behind a proxy.

        Arguments:
            peer: a transport's ``getPeer()``.
            forwarded: all values of ``X-Forwarded-For`` in order.

        Returns:
            An address with port 0, which means unknown; the peer itself if it is not trusted or the
            header is invalid.
        """
        if not self.trusts(peer):
            return peer
        found: IPAddress | None = None
        for word in _from_the_end(forwarded):
            address = _address(word)
            if address is None:
                break
            found = address
            if not self._has(address):
                break
        if found is None:
            return peer
        kind = IPv4Address if found.version == 4 else IPv6Address
        return kind("TCP", str(found), 0)

    def _has(self, address: IPAddress) -> bool:
        return any(address in each for each in self._networks)


def check_network(text: str, option: str) -> str:
    """Check a network and return it.

    Arguments:
        option: the option's name, for the error.

    Raises:
        BadArgument: TrustedProxies does not accept it.
    """
    if text != UNIX:
        _network(text, option)
    return text


def _network(text: str, option: str = "--trusted-proxy") -> _Network:
    try:
        network = ipaddress.ip_network(text.strip(), strict=False)
    except ValueError:
        raise BadArgument(
            f"{option} {text}: write an address (127.0.0.1), a network "
            "(10.0.0.0/8, fd00::/8) or unix"
        ) from None
    if network.prefixlen == 0:
        raise BadArgument(f"{text} means every client: name the addresses of your proxies")
    return network


def _from_the_end(forwarded: Sequence[str]) -> Iterator[str]:
    for value in reversed(forwarded):
        rest = value
        while rest:
            rest, _, word = rest.rpartition(",")
            yield word.strip()


def _address(text: str) -> IPAddress | None:
    """Parse an address with or without a port."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    return parse_ip(text)
