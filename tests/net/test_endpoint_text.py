"""Short forms of endpoint strings."""

from __future__ import annotations

import pytest

from twistedcam.net.endpoint_text import expand_endpoint


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
