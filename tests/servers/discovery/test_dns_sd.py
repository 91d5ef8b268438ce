"""Services are announced by multicast DNS on the loopback interface, and withdrawn."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Iterator

import pytest
from zeroconf import IPVersion, ServiceBrowser, ServiceListener, Zeroconf

from tests.support.process import wait_for
from twistedcam.errors import BadArgument
from twistedcam.servers.discovery.announcements import Announcement
from twistedcam.servers.discovery.dns_sd import DnsSd

LOOPBACK = ["127.0.0.1"]
TYPE = "_twistedcam._tcp"


class Seen(ServiceListener):
    """Notes what is announced now."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def add_service(self, zc: Zeroconf, type_: str, name: str) -> None:
        self.names.add(name.removesuffix(f".{type_}"))

    def remove_service(self, zc: Zeroconf, type_: str, name: str) -> None:
        self.names.discard(name.removesuffix(f".{type_}"))

    def update_service(self, zc: Zeroconf, type_: str, name: str) -> None:
        pass


@pytest.fixture
def observer() -> Iterator[Zeroconf]:
    zeroconf = Zeroconf(LOOPBACK, ip_version=IPVersion.V4Only)
    yield zeroconf
    zeroconf.close()


def test_services_come_change_and_go(observer: Zeroconf) -> None:
    name = f"attic-{secrets.token_hex(4)}"
    seen = Seen()
    browser = ServiceBrowser(observer, f"{TYPE}.local.", seen)
    one = Announcement(TYPE, name, 9530, ("127.0.0.1",), (("version", "1"),))
    other = Announcement(TYPE, f"{name}-b", 9531, ("127.0.0.1",))
    announcer, second = (DnsSd(f"twistedcam-{secrets.token_hex(4)}") for _ in range(2))
    try:
        assert announcer.announce([one, other], LOOPBACK) == {one: name, other: f"{name}-b"}
        wait_for(lambda: {name, f"{name}-b"} <= seen.names, "both services")
        found = observer.get_service_info(f"{TYPE}.local.", f"{name}.{TYPE}.local.")
        assert found is not None
        assert (found.port, found.parsed_addresses()) == (9530, ["127.0.0.1"])
        assert found.properties == {b"version": b"1"}
        # Another server has taken the name, so this one gets a number.
        [given] = second.announce([one], LOOPBACK).values()
        assert given == f"{name}-2"
        announcer.announce([one], LOOPBACK)
        wait_for(lambda: f"{name}-b" not in seen.names, "the end of one")
        assert name in seen.names
    finally:
        announcer.close()
        second.close()
    wait_for(lambda: not {name, f"{name}-2"} & seen.names, "the end of all")
    browser.cancel()


def test_nothing_is_announced_without_an_interface() -> None:
    assert DnsSd("x").announce([Announcement(TYPE, "x", 1, ("127.0.0.1",))], []) == {}


def test_a_missing_library_is_one_clear_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "zeroconf", None)
    with pytest.raises(BadArgument, match=r"^--discovery needs zeroconf; .*\[discovery\]"):
        DnsSd("x")
