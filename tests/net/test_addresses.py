"""Addresses of peers, as limits count them."""

from __future__ import annotations

from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress

from twistedcam.net.addresses import source_of


def test_an_ipv6_network_counts_as_one_address() -> None:
    def source(host: str) -> str:
        return source_of(IPv6Address("TCP", host, 1))

    assert source("2001:db8::1") == source("2001:db8::ffff")
    assert source("2001:db8::1") != source("2001:db8:0:1::1")
    assert source("::ffff:192.0.2.1") == source_of(IPv4Address("TCP", "192.0.2.1", 5000))
    assert source("fe80::1%eth0") == source("fe80::2")
    assert source_of(UNIXAddress(None)) == "unix"
