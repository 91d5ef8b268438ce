"""Endpoints are opened to the network and closed again, with everything else as it was."""

from __future__ import annotations

import pytest

from twistedcam.config.interfaces import closed, is_open, is_switch, opened, port_of, short

LOCAL = "tcp:8080:interface=127.0.0.1"
OPEN = "tcp:8080:interface=0.0.0.0"


@pytest.mark.parametrize(
    ("local", "everywhere"),
    [
        (LOCAL, OPEN),
        ("tcp:8080:interface=localhost", OPEN),
        ("tcp6:8080:interface=\\:\\:1", "tcp6:8080:interface=\\:\\:"),
        (
            "ssl:8443:privateKey=a.pem:certKey=b.pem:interface=127.0.0.1",
            "ssl:8443:privateKey=a.pem:certKey=b.pem:interface=0.0.0.0",
        ),
    ],
)
def test_an_endpoint_is_opened_and_closed(local: str, everywhere: str) -> None:
    assert opened(local) == opened(everywhere) == everywhere
    assert not is_open([closed(everywhere)])
    assert closed(local) == local
    assert port_of(local) == port_of(everywhere)
    assert is_open([local, everywhere])
    assert not is_open([local])


def test_an_endpoint_without_an_interface_is_open_and_can_be_closed() -> None:
    assert is_open(["tcp:8080"])
    assert closed("tcp:8080") == LOCAL


@pytest.mark.parametrize("endpoint", ["unix:/run/x", "systemd:domain=INET:index=0", "fd:3"])
def test_other_endpoints_stay_as_they_are(endpoint: str) -> None:
    assert (opened(endpoint), closed(endpoint), port_of(endpoint)) == (endpoint, endpoint, None)


def test_only_the_interface_may_differ() -> None:
    assert is_switch([LOCAL, "unix:/x"], [OPEN, "unix:/x"])
    assert is_switch([OPEN], [LOCAL])
    assert not is_switch([LOCAL], ["tcp:8081:interface=127.0.0.1"])
    assert not is_switch([LOCAL], ["tcp:8080:interface=192.0.2.1"])
    assert not is_switch([LOCAL], [LOCAL, OPEN])


def test_an_endpoint_is_written_as_people_write_it() -> None:
    assert short(OPEN) == "0.0.0.0:8080"
    assert short("unix:/run/x") == "unix:/run/x"
