"""A port reports its real address, and those that other machines can reach are found."""

from __future__ import annotations

import socket
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import pytest
from twisted.internet import reactor
from twisted.internet.address import IPv6Address, UNIXAddress
from twisted.internet.protocol import Factory
from twisted.internet.task import Clock
from twisted.logger import capturedLogs

from twistedcam.errors import BadArgument, StartupError
from twistedcam.net.listener import Listener, check_endpoint, check_ports, urls_of


@pytest.mark.parametrize(
    ("host", "loopback", "reachable"),
    [
        ("127.0.0.9", True, False),
        ("::1", True, False),
        ("::ffff:127.0.0.1", True, True),  # treated as the riskier case in both
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


def fake_listener(description: str, address: str, **more: Any) -> Any:
    """Return an object with the attributes of a Listener that the checks use."""
    return SimpleNamespace(
        description=description,
        address=address,
        is_reachable=more.get("is_reachable", False),
        is_tls=description.startswith("ssl"),
        is_missing=False,
    )


@pytest.mark.parametrize(
    "endpoint", ["tcp:8080:interface=127.0.0.1", "unix:/run/x", "tcp:0:interface=\\:\\:1"]
)
def test_local_endpoints_need_no_token(endpoint: str) -> None:
    check_endpoint(endpoint)


@pytest.mark.parametrize("endpoint", ["tcp:8080", "tcp:80:interface=0.0.0.0", "ssl:443"])
def test_an_endpoint_for_other_machines_is_refused_with_advice(endpoint: str) -> None:
    with pytest.raises(BadArgument, match="twistedcam token add NAME"):
        check_endpoint(endpoint)


def test_an_open_port_that_others_reach_is_refused() -> None:
    check_ports([fake_listener("fd:3", "127.0.0.1:9530")])
    with pytest.raises(StartupError, match=r"fd:3 is 0\.0\.0\.0:9530"):
        check_ports([fake_listener("fd:3", "0.0.0.0:9530", is_reachable=True)])


def test_urls_are_those_of_the_first_tcp_port_of_each_kind() -> None:
    found = urls_of(
        {
            "frames": [fake_listener("unix:/x", "unix:/x"), fake_listener("tcp:1", "127.0.0.1:1")],
            "http": [fake_listener("ssl:2", "127.0.0.1:2"), fake_listener("tcp:3", "127.0.0.1:3")],
            "rtsp": [fake_listener("tcp:4", "127.0.0.1:4")],
        }
    )
    assert found == {
        "view": "twistedcam://127.0.0.1:1",
        "page": "https://127.0.0.1:2",
        "rtsp": "rtsp://127.0.0.1:4",
    }


def test_a_port_that_another_program_has_is_an_error_unless_it_is_optional() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        endpoint = f"tcp:{taken.getsockname()[1]}:interface=127.0.0.1"
        with pytest.raises(StartupError, match="already in use"):
            Listener(reactor, endpoint, Factory()).privilegedStartService()
        listener = Listener(reactor, endpoint, Factory(), is_optional=True)
        with capturedLogs() as logs:
            listener.privilegedStartService()
        assert listener.is_missing and listener.port is None
        assert "goes on without this port" in logs[0]["log_format"]
        assert urls_of({"rtsp": [listener]}) == {}
        assert not listener.is_reachable


def test_an_optional_port_with_another_fault_is_an_error() -> None:
    listener = Listener(reactor, "tcp:0:interface=192.0.2.1", Factory(), is_optional=True)
    with pytest.raises(StartupError, match=r"192\.0\.2\.1"):
        listener.privilegedStartService()
