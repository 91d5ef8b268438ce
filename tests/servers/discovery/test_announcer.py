"""The announcements follow cameras, ports and interfaces, and end with the server."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import Any
from unittest.mock import patch

from twisted.internet.defer import Deferred
from twisted.logger import capturedLogs, formatEvent

from tests.servers.discovery.test_announcements import FOUND, listeners
from tests.support.server_case import ServerCase
from twistedcam.net.interfaces import InterfaceAddress
from twistedcam.servers.discovery import announcer as module
from twistedcam.servers.discovery.announcements import Announcement
from twistedcam.servers.discovery.announcer import DELAY, PERIOD, Announcer
from twistedcam.sources.spec import SourceSpec


class FakeDnsSd:
    """Notes what is announced."""

    def __init__(self, host: str) -> None:
        self.host = host
        self.now: list[str] = []
        self.interfaces: Sequence[str] = ()
        self.error: Exception | None = None

    def announce(self, wanted: Sequence[Announcement], interfaces: Sequence[str]) -> dict[Any, str]:
        if self.error is not None:
            raise self.error
        self.now, self.interfaces = [each.name for each in wanted], interfaces
        return {each: each.name for each in wanted}

    def close(self) -> None:
        self.now = []


class AnnouncerTests(ServerCase):
    def setUp(self) -> None:
        super().setUp()
        self.addresses: list[InterfaceAddress] = list(FOUND)
        with patch.object(module, "DnsSd", FakeDnsSd):
            self.announcer = self.make()
        self.fake: Any = self.announcer._dns_sd

    def make(self, ports: dict[str, Any] | None = None) -> Announcer:
        ports = {"rtsp": listeners()["rtsp"]} if ports is None else ports
        return Announcer(
            self.clock, self.server, ports, "0123abcd-9", "attic.lan", lambda: self.addresses
        )

    def logged(self, call: Any) -> list[str]:
        with capturedLogs() as events:
            call()
        return [formatEvent(each) for each in events]

    def test_what_is_announced_is_logged_and_withdrawn_at_the_end(self) -> None:
        lines = self.logged(self.announcer.startService)
        assert self.fake.host == "twistedcam-0123abcd"
        assert self.fake.now == ["door on attic", "yard on attic"]
        assert self.fake.interfaces == ["192.168.7.2"]
        where = "at 192.168.7.2, port 8554"
        assert f"announced in the local network: _rtsp._tcp 'door on attic' {where}" in lines
        self.successResultOf(self.announcer.stopService())
        assert self.fake.now == []
        assert self.announcer.announced == {}
        assert self.clock.getDelayedCalls() == []

    def test_cameras_that_come_and_go_are_announced_soon(self) -> None:
        self.announcer.startService()
        camera = self.server.add_camera("attic", SourceSpec("fake", "", {}, "fake:"))
        self.server.events.publish(camera.changed())
        self.clock.advance(DELAY)
        assert self.fake.now == ["door on attic", "yard on attic", "attic on attic"]
        self.successResultOf(Deferred.fromCoroutine(self.server.remove_camera("attic")))
        self.announcer.update()
        self.clock.advance(DELAY)
        assert self.fake.now == ["door on attic", "yard on attic"]
        self.announcer.stopService()

    def test_an_address_that_comes_later_is_found(self) -> None:
        self.addresses = []
        assert any("no port" in line or "nothing" in line for line in self.logged(self.start_empty))
        self.addresses = [
            InterfaceAddress(
                ipaddress.ip_address("10.0.0.5"), ipaddress.ip_network("10.0.0.0/8"), "eth0", 2
            )
        ]
        self.clock.advance(PERIOD)
        assert self.fake.interfaces == ["10.0.0.5"]
        self.announcer.stopService()

    def start_empty(self) -> None:
        self.announcer._listeners = {"rtsp": []}
        self.announcer.startService()
        self.announcer._listeners = {"rtsp": listeners()["rtsp"]}

    def test_a_failure_is_logged_once_and_tried_again(self) -> None:
        self.fake.error = OSError("no multicast")
        lines = self.logged(self.announcer.startService)
        assert lines == ["nothing is announced in the local network: no multicast"]
        assert self.logged(lambda: self.clock.advance(PERIOD)) == []
        self.fake.error = None
        self.clock.advance(PERIOD)
        assert self.fake.now == ["door on attic", "yard on attic"]
        self.announcer.stopService()
