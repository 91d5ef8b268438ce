"""The services that are announced: ports that others can reach, and no more than they may know."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Any

from tests.support.fakes import make_server
from tests.support.server_case import ServerCase, TokenCase
from twistedcam.net.addresses import IPAddress
from twistedcam.net.interfaces import InterfaceAddress
from twistedcam.servers.discovery.announcements import Announcement, announcements
from twistedcam.sources.spec import SourceSpec


@dataclass
class FakeListener:
    """A port at an address."""

    host: str
    port: int
    is_tls: bool = False

    @property
    def bound_to(self) -> tuple[IPAddress, int]:
        return ipaddress.ip_address(self.host), self.port

    @property
    def is_reachable(self) -> bool:
        return not ipaddress.ip_address(self.host).is_loopback


LAN = ipaddress.ip_interface("192.168.7.2/24")
FOUND = [
    InterfaceAddress(LAN.ip, LAN.network, "eth0", 2),
    InterfaceAddress(ipaddress.ip_address("fd00::2"), ipaddress.ip_network("fd00::/64"), "eth0", 2),
]


def listeners(host: str = "0.0.0.0", *, is_tls: bool = False) -> dict[str, Any]:
    ports = {"frames": 9530, "http": 8080, "rtsp": 8554}
    return {name: [FakeListener(host, port, is_tls)] for name, port in ports.items()}


class AnnouncementTests(ServerCase):
    def found(self, ports: dict[str, Any]) -> list[Announcement]:
        return announcements(self.server, ports, "attic", FOUND)

    def test_each_port_is_a_service_and_rtsp_one_for_each_camera(self) -> None:
        found = self.found(listeners())
        assert [(each.type, each.name, each.port, dict(each.properties)) for each in found] == [
            ("_http._tcp", "twistedcam on attic", 8080, {"path": "/"}),
            ("_rtsp._tcp", "door on attic", 8554, {"path": "/door"}),
            ("_rtsp._tcp", "yard on attic", 8554, {"path": "/yard"}),
            ("_twistedcam._tcp", "attic", 9530, {"version": "0.1.0", "cameras": "door,yard"}),
        ]
        assert {each.addresses for each in found} == {("192.168.7.2",)}

    def test_ports_of_the_loopback_interface_are_not_announced(self) -> None:
        assert self.found(listeners("127.0.0.1")) == []

    def test_a_port_of_one_address_is_announced_there_only(self) -> None:
        [found] = self.found({"http": [FakeListener("192.168.9.9", 80)]})
        assert found.addresses == ("192.168.9.9",)

    def test_a_port_of_ipv6_has_all_addresses(self) -> None:
        [found] = self.found({"http": [FakeListener("::", 80)]})
        assert found.addresses == ("192.168.7.2", "fd00::2")

    def test_ports_with_tls_have_other_types(self) -> None:
        found = self.found(listeners(is_tls=True))
        assert {each.type for each in found} == {"_https._tcp", "_rtsps._tcp", "_twistedcam._tcp"}
        assert dict(found[-1].properties)["tls"] == "1"

    def test_a_second_port_of_a_kind_is_not_announced_again(self) -> None:
        found = self.found({"http": [FakeListener("0.0.0.0", 80), FakeListener("0.0.0.0", 81)]})
        assert [each.port for each in found] == [80]

    def test_names_are_unique_have_no_dots_and_fit(self) -> None:
        server = make_server(self.clock, self.folder)
        for name in ("Door", "door", "door.motion", "ü" * 60):
            server.add_camera(name, SourceSpec("fake", "", {}, "fake:"))
        names = [
            each.name for each in announcements(server, {"rtsp": listeners()["rtsp"]}, "h", FOUND)
        ]
        assert names[:3] == ["Door on h", "door on h (2)", "door motion on h"]
        assert names[3] == "ü" * 30

    def test_a_title_is_shown_and_the_path_has_the_name(self) -> None:
        self.door.title = "Haustür"
        found = self.found({"rtsp": listeners()["rtsp"]})[0]
        assert (found.name, found.properties) == ("Haustür on attic", (("path", "/door"),))


class SecretTests(TokenCase):
    def test_with_tokens_no_camera_is_named(self) -> None:
        found = announcements(self.server, listeners(), "attic", FOUND)
        assert len(found) == 3
        assert "door" not in repr(found)
        assert dict(found[-1].properties) == {"version": "0.1.0", "token": "1"}
