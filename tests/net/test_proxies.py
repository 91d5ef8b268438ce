"""Trusted proxies can name their clients, and nobody else can."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress

from twistedcam.errors import BadArgument
from twistedcam.net.proxies import TrustedProxies, check_network

PROXY = IPv4Address("TCP", "10.0.0.1", 50000)
STRANGER = IPv4Address("TCP", "203.0.113.9", 50000)


def client(proxies: TrustedProxies, peer: Any, *forwarded: str) -> str:
    return str(getattr(proxies.client_of(peer, forwarded), "host", "unix"))


@pytest.mark.parametrize(
    ("forwarded", "host"),
    [
        (["192.0.2.7"], "192.0.2.7"),
        (["192.0.2.7:4711"], "192.0.2.7"),
        (["198.51.100.1, 192.0.2.7"], "192.0.2.7"),  # the client has sent the first
        (["198.51.100.1", "192.0.2.7"], "192.0.2.7"),
        (["192.0.2.7, 10.0.0.2"], "192.0.2.7"),  # behind two proxies
        (["198.51.100.1, 192.0.2.7,10.0.0.2 , 10.0.0.1"], "192.0.2.7"),
        (["10.0.0.3, 10.0.0.2"], "10.0.0.3"),  # a request of the proxy itself
        (["2001:db8::7"], "2001:db8::7"),
        (["[2001:db8::7]:4711"], "2001:db8::7"),
        (["::ffff:192.0.2.7"], "192.0.2.7"),
        (["fe80::1%eth0"], "fe80::1"),
        (["192.0.2.7, unknown"], "10.0.0.1"),  # an invalid header leaves the proxy's address
        (["192.0.2.7, _hidden, 10.0.0.2"], "10.0.0.2"),
        (["192.0.2.7,"], "10.0.0.1"),
        ([""], "10.0.0.1"),
        ([], "10.0.0.1"),
    ],
)
def test_the_client_is_the_last_that_is_no_proxy(forwarded: list[str], host: str) -> None:
    proxies = TrustedProxies(["10.0.0.0/24"])
    assert client(proxies, PROXY, *forwarded) == host
    assert client(proxies, STRANGER, *forwarded) == "203.0.113.9"
    assert client(TrustedProxies(), PROXY, *forwarded) == "10.0.0.1"


@given(st.lists(st.text(alphabet="0123456789.:,[]% af_x", max_size=60), max_size=5))
def test_whatever_a_stranger_sends_before_it_does_not_count(words: list[str]) -> None:
    proxies = TrustedProxies(["10.0.0.1"])
    assert client(proxies, PROXY, *words, "192.0.2.7") == "192.0.2.7"
    assert client(proxies, PROXY, ", ".join([*words, "192.0.2.7"])) == "192.0.2.7"
    client(proxies, PROXY, *words)


def test_addresses_of_all_kinds_are_trusted() -> None:
    proxies = TrustedProxies(["fd00::/8", "127.0.0.1", "unix"])
    for peer in (
        IPv6Address("TCP", "fd00::5", 1),
        IPv6Address("TCP", "::ffff:127.0.0.1", 1),
        UNIXAddress(None),
    ):
        assert proxies.trusts(peer)
        assert client(proxies, peer, "192.0.2.7") == "192.0.2.7"
    assert not proxies.trusts(IPv6Address("TCP", "fe80::5", 1))
    assert not TrustedProxies(["127.0.0.1"]).trusts(UNIXAddress(None))
    assert proxies.client_of(UNIXAddress(None), []) == UNIXAddress(None)


@pytest.mark.parametrize("text", ["", "localhost", "10.0.0.0/33", "0.0.0.0/0", "::/0", "10.0.0.1,"])
def test_what_is_no_network_or_everybody_is_refused(text: str) -> None:
    with pytest.raises(BadArgument):
        check_network(text, "--trusted-proxy")
