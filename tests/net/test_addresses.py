"""Addresses of peers as text, and as keys of limits; text of clients for the log."""

from __future__ import annotations

import ipaddress
from typing import Any
from unittest.mock import Mock

import pytest
from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.interfaces import ISSLTransport
from zope.interface import directlyProvides

from twistedcam.net.addresses import (
    MAX_SHOWN,
    is_private,
    own_address,
    shorten,
    show_address,
    source_of,
    without_token,
)


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        (IPv4Address("TCP", "127.0.0.1", 4711), "127.0.0.1:4711"),
        (IPv6Address("TCP", "::1", 4711), "[::1]:4711"),
        (IPv6Address("TCP", "::1", 0), "::1"),
        (UNIXAddress(b"/run/x"), "unix:/run/x"),
        (UNIXAddress(None), "unix:"),
    ],
)
def test_an_address_is_shown_with_its_port(address: Any, shown: str) -> None:
    assert show_address(address) == shown


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        (b"/stream?token=S", "/stream?token=..."),
        (b"/stream?fps=5&Token=S;access_token=S", "/stream?fps=5&token=...;token=..."),
        (b"/stream?t%6Fken=S&fps=5", "/stream?token=...&fps=5"),
        (b"/stream?fps=5", "/stream?fps=5"),
    ],
)
def test_a_uri_is_logged_without_tokens(uri: bytes, shown: str) -> None:
    assert without_token(uri) == shown


def test_long_text_is_shortened() -> None:
    assert shorten("x" * MAX_SHOWN) == "x" * MAX_SHOWN
    assert shorten("x" * (MAX_SHOWN + 1)) == "x" * MAX_SHOWN + "…"


@pytest.mark.parametrize(
    ("host", "is_safe"),
    [
        ("127.0.0.5", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("192.0.2.1", False),
        ("fe80::1%eth0", False),
        ("not an address", False),
    ],
)
def test_a_connection_is_private_within_this_machine_or_with_tls(host: str, is_safe: bool) -> None:
    transport = Mock(getPeer=lambda: Mock(host=host))
    assert is_private(transport) is is_safe
    directlyProvides(transport, ISSLTransport)
    assert is_private(transport)


def test_a_connection_of_a_socket_file_is_private() -> None:
    assert is_private(Mock(getPeer=lambda: UNIXAddress(None)))


def test_an_ipv6_network_counts_as_one_address() -> None:
    def source(host: str) -> str:
        return source_of(IPv6Address("TCP", host, 1))

    assert source("2001:db8::1") == source("2001:db8::ffff")
    assert source("2001:db8::1") != source("2001:db8:0:1::1")
    assert source("::ffff:192.0.2.1") == source_of(IPv4Address("TCP", "192.0.2.1", 5000))
    assert source("fe80::1%eth0") == source("fe80::2")
    assert source_of(UNIXAddress(None)) == "unix"


def test_the_own_address_is_one_that_other_machines_can_reach() -> None:
    found = own_address()
    assert found is None or not ipaddress.ip_address(found).is_loopback
