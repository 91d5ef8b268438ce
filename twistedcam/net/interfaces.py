"""The addresses of this machine's network interfaces."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass

from twistedcam.net.addresses import IPAddress, parse_ip
from twistedcam.runtime.extras import how_to_install


@dataclass(frozen=True)
class InterfaceAddress:
    """An address of this machine, with the network that it is in.

    Arguments:
        ip: the address without a scope.
        network: the network that is reached directly.
        interface: the name of the interface.
        index: the number of the interface.
    """

    ip: IPAddress
    network: ipaddress.IPv4Network | ipaddress.IPv6Network
    interface: str
    index: int

    @property
    def text(self) -> str:
        """The address as text."""
        return str(self.ip)


def missing_library(what: str) -> str:
    """Return the error if the library of the extra is missing.

    Arguments:
        what: what needs it.
    """
    return f"{what} needs zeroconf; install it with {how_to_install('discovery')}"


def interface_addresses() -> list[InterfaceAddress]:
    """Return the addresses of all interfaces."""
    import ifaddr

    found = []
    for adapter in ifaddr.get_adapters():
        for each in adapter.ips:
            text = each.ip if isinstance(each.ip, str) else each.ip[0]
            ip = parse_ip(text)
            if ip is not None:
                network = ipaddress.ip_network((ip, each.network_prefix), strict=False)
                index = adapter.index if adapter.index is not None else 0
                found.append(InterfaceAddress(ip, network, adapter.nice_name, index))
    return found


def outside_addresses(found: Iterable[InterfaceAddress]) -> list[InterfaceAddress]:
    """Return the addresses by which other machines reach this one; those of IPv4 first.

    Without any, those of the loopback interface are returned: programs of this machine can use
    them. Link-local addresses of IPv6 are left out, because URLs with them rarely work.
    """
    found = sorted(found, key=lambda each: each.ip.version)
    outside = [
        each
        for each in found
        if not each.ip.is_loopback and not (each.ip.version == 6 and each.ip.is_link_local)
    ]
    return outside or [each for each in found if each.ip.is_loopback]


def neighbour_of(found: Iterable[InterfaceAddress], ip: IPAddress) -> InterfaceAddress | None:
    """Return this machine's address in the network of another address, or None."""
    return next(
        (each for each in found if each.ip.version == ip.version and ip in each.network), None
    )
