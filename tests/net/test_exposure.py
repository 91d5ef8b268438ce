"""Ports that other machines can reach are found, by their strings and by their sockets."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from twistedcam.errors import BadArgument, StartupError
from twistedcam.net.exposure import check_endpoint, check_ports, urls_of


def listener(description: str, address: str, **more: Any) -> Any:
    """The parts of a Listener that are asked for."""
    return SimpleNamespace(
        description=description,
        address=address,
        is_reachable=more.get("is_reachable", False),
        is_tls=description.startswith("ssl"),
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
    check_ports([listener("fd:3", "127.0.0.1:9530")])
    with pytest.raises(StartupError, match=r"fd:3 is 0\.0\.0\.0:9530"):
        check_ports([listener("fd:3", "0.0.0.0:9530", is_reachable=True)])


def test_urls_are_those_of_the_first_tcp_port_of_each_kind() -> None:
    found = urls_of(
        {
            "frames": [listener("unix:/x", "unix:/x"), listener("tcp:1", "127.0.0.1:1")],
            "http": [listener("ssl:2", "127.0.0.1:2"), listener("tcp:3", "127.0.0.1:3")],
        }
    )
    assert found == {"view": "twistedcam://127.0.0.1:1", "page": "https://127.0.0.1:2"}
