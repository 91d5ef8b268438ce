"""A port says what it is bound to, whatever its description says."""

from __future__ import annotations

from unittest.mock import Mock

import pytest
from twisted.internet.address import IPv6Address, UNIXAddress
from twisted.internet.protocol import Factory
from twisted.internet.task import Clock

from twistedcam.net.listener import Listener, expand_endpoint


@pytest.mark.parametrize(
    ("host", "loopback", "reachable"),
    [
        ("127.0.0.9", True, False),
        ("::1", True, False),
        ("::ffff:127.0.0.1", True, True),  # careful either way
        ("0.0.0.0", False, True),
        ("fe80::1%eth0", False, True),
        (None, False, False),
    ],
)
def test_a_port_is_known_by_what_it_is_bound_to(
    host: str | None, loopback: bool, reachable: bool
) -> None:
    listener = Listener(Clock(), "systemd:domain=INET:index=0", Factory())
    assert (listener.is_on_loopback, listener.is_reachable) == (False, False)
    address = UNIXAddress("/run/page") if host is None else IPv6Address("TCP", host, 80)
    listener.port = Mock(getHost=lambda: address)
    assert (listener.is_on_loopback, listener.is_reachable) == (loopback, reachable)


@pytest.mark.parametrize(
    ("short", "endpoint"),
    [
        ("8080", "tcp:8080:interface=127.0.0.1"),
        (":8080", "tcp:8080:interface=127.0.0.1"),
        ("localhost:8080", "tcp:8080:interface=127.0.0.1"),
        ("127.0.0.1:8080", "tcp:8080:interface=127.0.0.1"),
        ("0.0.0.0:8080", "tcp:8080:interface=0.0.0.0"),
        ("*:8080", "tcp:8080"),
        ("[::1]:8080", r"tcp6:8080:interface=\:\:1"),
        ("tcp:8080", "tcp:8080"),
        ("unix:/run/cam", "unix:/run/cam"),
        ("ssl:8443:privateKey=a:certKey=b", "ssl:8443:privateKey=a:certKey=b"),
    ],
)
def test_a_port_alone_stands_for_an_endpoint(short: str, endpoint: str) -> None:
    assert expand_endpoint(short) == endpoint
