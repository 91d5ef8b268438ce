"""Addresses as people write them."""

from __future__ import annotations

import pytest

from tray.address import Address, is_loopback, read_endpoint
from tray.opening import reachable
from twistedcam.errors import BadArgument


@pytest.mark.parametrize(
    ("text", "endpoint", "host"),
    [
        ("cellar", "tcp:cellar:9531", "cellar"),
        ("cellar:7", "tcp:cellar:7", "cellar"),
        ("tcp:cellar:7", "tcp:cellar:7", "cellar"),
        ("tls:cellar:7", "tls:cellar:7", "cellar"),
        ("tls:cellar", "tls:cellar:9531", "cellar"),
        ("[::1]:7", "tcp:\\:\\:1:7", "::1"),
        ("[::1]", "tcp:\\:\\:1:9531", "::1"),
        ("unix:/run/cam", "unix:/run/cam", "127.0.0.1"),
    ],
)
def test_what_people_write_is_understood(text: str, endpoint: str, host: str) -> None:
    assert read_endpoint(text) == endpoint
    assert read_endpoint(endpoint) == endpoint
    assert Address(endpoint).host == host


@pytest.mark.parametrize("text", ["", ":", "host:", "host:0", "host:65536", "host:x", ":9531"])
def test_what_is_no_address_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(BadArgument, match="HOST:PORT"):
        read_endpoint(text)


@pytest.mark.parametrize(
    ("endpoint", "listening"),
    [
        ("tcp:localhost:7", "tcp:7:interface=127.0.0.1"),
        ("tcp:127.0.0.2:7", "tcp:7:interface=127.0.0.2"),
        ("tcp:\\:\\:1:7", "tcp6:7:interface=\\:\\:1"),
        ("unix:/run/cam", "unix:/run/cam"),
        ("tcp:cellar:7", None),
        ("tls:localhost:7", None),
    ],
)
def test_a_server_here_is_started_where_it_will_be_looked_for(
    endpoint: str, listening: str | None
) -> None:
    assert Address(endpoint).listening == listening


def test_loopback_is_told_from_the_rest() -> None:
    assert [is_loopback(each) for each in ("127.0.0.9", "::1", "localhost")] == [True] * 3
    assert [is_loopback(each) for each in ("10.0.0.1", "cellar", "")] == [False] * 3


@pytest.mark.parametrize(
    ("told", "host", "url"),
    [
        ("http://127.0.0.1:8080/", "localhost", "http://127.0.0.1:8080/"),
        ("http://0.0.0.0:8080/", "127.0.0.1", "http://127.0.0.1:8080/"),
        ("http://0.0.0.0:8080/", "cellar", "http://cellar:8080/"),
        ("twistedcam://127.0.0.1:9530", "cellar", "twistedcam://cellar:9530"),
        ("https://10.0.0.5:8443/", "cellar", "https://10.0.0.5:8443/"),
        ("http://[::]:8080/", "::1", "http://[::1]:8080/"),
    ],
)
def test_what_a_server_says_of_itself_is_translated_for_those_far_away(
    told: str, host: str, url: str
) -> None:
    assert reachable(told, host) == url
