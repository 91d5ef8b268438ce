"""The addresses of interfaces, and those by which other machines reach this one."""

from __future__ import annotations

import ipaddress

from twistedcam.net.interfaces import (
    InterfaceAddress,
    interface_addresses,
    neighbour_of,
    outside_addresses,
)


def address(text: str, interface: str = "eth0", index: int = 2) -> InterfaceAddress:
    found = ipaddress.ip_interface(text)
    return InterfaceAddress(found.ip, found.network, interface, index)


LOOP = [address("127.0.0.1/8", "lo", 1), address("::1/128", "lo", 1)]
LAN = [address("fd00::2/64"), address("192.168.7.2/24"), address("fe80::1/64")]


def test_the_loopback_interface_is_found() -> None:
    found = interface_addresses()
    [loop] = [each for each in found if each.text == "127.0.0.1"]
    assert str(loop.network) == "127.0.0.0/8"
    assert loop.index > 0


def test_others_reach_addresses_that_are_not_loopback_and_ipv4_first() -> None:
    assert [each.text for each in outside_addresses([*LOOP, *LAN])] == ["192.168.7.2", "fd00::2"]


def test_without_a_network_only_this_machine_is_reached() -> None:
    assert [each.text for each in outside_addresses(LOOP)] == ["127.0.0.1", "::1"]


def test_the_own_address_in_the_network_of_a_neighbour_is_found() -> None:
    found = neighbour_of(LAN, ipaddress.ip_address("192.168.7.99"))
    assert found is not None
    assert found.text == "192.168.7.2"
    assert neighbour_of(LAN, ipaddress.ip_address("192.168.8.99")) is None
