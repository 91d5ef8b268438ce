"""The server answers probes in its own networks, a few a second, and says hello and goodbye."""

from __future__ import annotations

import ipaddress
from typing import Any

from twisted.internet.task import Clock

from tests.servers.discovery.test_announcements import FakeListener
from tests.support.server_case import ServerCase
from twistedcam.net.interfaces import InterfaceAddress
from twistedcam.onvif.soap import parse_message
from twistedcam.onvif.ws_discovery import GROUP, PORT, parse_devices, probe
from twistedcam.onvif.xml import local
from twistedcam.servers.onvif.discovery import ANSWERS_TO_ALL, ANSWERS_TO_ONE, PERIOD, WsDiscovery

LAN = ipaddress.ip_interface("192.168.7.2/24")
FOUND = InterfaceAddress(LAN.ip, LAN.network, "eth0", 2)


class FakeSocket:
    """Notes what is sent to the group."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, Any]] = []
        self.options: list[int] = []

    def setsockopt(self, level: int, option: int, value: Any) -> None:
        self.options.append(option)

    def sendto(self, data: bytes, address: Any) -> None:
        self.sent.append((local(parse_message(data).body), address))


class FakePort:
    """A port of UDP in memory."""

    def __init__(self, protocol: Any) -> None:
        self.protocol = protocol
        self.handle = FakeSocket()
        self.answers: list[tuple[bytes, Any]] = []
        self.is_open = True

    def getHandle(self) -> FakeSocket:
        return self.handle

    def write(self, data: bytes, address: Any) -> None:
        self.answers.append((data, address))

    def stopListening(self) -> None:
        self.is_open = False


class FakeReactor(Clock):
    """A clock that has ports of UDP."""

    port: FakePort

    def listenMulticast(self, port: int, protocol: Any, listenMultiple: bool) -> FakePort:
        assert (port, listenMultiple) == (PORT, True)
        self.port = FakePort(protocol)
        return self.port


class WsDiscoveryTests(ServerCase):
    def setUp(self) -> None:
        super().setUp()
        self.reactor = FakeReactor()
        self.found = [FOUND]

    def start(self, host: str = "0.0.0.0", *, is_tls: bool = False) -> WsDiscovery:
        listeners: Any = [FakeListener(host, 8080, is_tls)]
        self.service = WsDiscovery(self.reactor, self.server, listeners, "0123", lambda: self.found)
        self.service.startService()
        return self.service

    def ask(
        self, source: str = "192.168.7.9", data: bytes | None = None
    ) -> list[tuple[bytes, Any]]:
        port = self.reactor.port
        port.answers.clear()
        port.protocol.datagramReceived(data or probe("urn:uuid:1"), (source, 5000))
        return port.answers

    def test_a_probe_is_answered_with_the_address_in_its_network(self) -> None:
        self.start()
        [(answer, address)] = self.ask()
        assert address == ("192.168.7.9", 5000)
        [device] = parse_devices(answer, "urn:uuid:1")
        assert device.addresses == ("http://192.168.7.2:8080/onvif/device_service",)
        assert device.id == "urn:uuid:0123"
        assert not any("door" in each for each in device.scopes)
        self.service.stopService()

    def test_a_port_with_tls_has_another_scheme(self) -> None:
        self.start(is_tls=True)
        [(answer, _)] = self.ask()
        assert b"https://192.168.7.2:8080/" in answer
        self.service.stopService()

    def test_sources_elsewhere_get_no_answer(self) -> None:
        self.start()
        for source in ("203.0.113.5", "192.168.8.9", "127.0.0.1", "x"):
            assert self.ask(source) == []
        self.service.stopService()

    def test_other_messages_get_no_answer(self) -> None:
        self.start()
        for data in (b"x", b"<x/>", b"x" * 20_000, probe("urn:uuid:1", ["dn:Printer"])):
            assert self.ask(data=data) == []
        self.service.stopService()

    def test_few_answers_go_to_one_address_and_to_all(self) -> None:
        self.start()
        assert sum(len(self.ask()) for _ in range(1000)) == ANSWERS_TO_ONE
        self.reactor.advance(10)
        given = sum(len(self.ask(f"192.168.7.{each % 250 + 3}")) for each in range(1000))
        assert given <= ANSWERS_TO_ALL
        self.reactor.advance(10)
        assert len(self.ask()) == 1
        self.service.stopService()

    def test_start_and_end_are_told_to_the_group(self) -> None:
        self.start()
        port = self.reactor.port
        assert port.handle.sent == [("Hello", (GROUP, PORT))]
        self.service.stopService()
        assert port.handle.sent[1:] == [("Bye", (GROUP, PORT))]
        assert not port.is_open
        assert self.reactor.getDelayedCalls() == []

    def test_an_interface_that_comes_later_is_joined(self) -> None:
        self.found = []
        self.start()
        assert self.reactor.port.handle.sent == []
        self.found = [FOUND]
        self.reactor.advance(PERIOD)
        assert self.reactor.port.handle.sent == [("Hello", (GROUP, PORT))]
        self.service.stopService()

    def test_without_a_port_that_others_can_reach_nothing_is_opened(self) -> None:
        self.start("127.0.0.1")
        assert not hasattr(self.reactor, "port")
        self.service.stopService()
