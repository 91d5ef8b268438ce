"""The device service says what the server is, and nothing of cameras before a login."""

from __future__ import annotations

from tests.support.http_site import SiteCase
from tests.support.onvif_site import DEVICE_ID, OnvifClient, add_services
from twistedcam.onvif.soap import NAMESPACES
from twistedcam.onvif.xml import children, element, text
from twistedcam.servers.onvif.device import ACTIONS, OPEN_ACTIONS
from twistedcam.version import __version__


class DeviceTests(SiteCase):
    def setUp(self) -> None:
        super().setUp()
        self.rtsp = add_services(self.router, self.server)
        self.client = OnvifClient(self.factory)

    def test_the_server_describes_itself(self) -> None:
        found = self.client.ask("tds:GetDeviceInformation")
        assert text(found, "FirmwareVersion") == __version__
        assert text(found, "SerialNumber") == DEVICE_ID

    def test_the_time_is_that_of_utc(self) -> None:
        found = self.client.ask("tds:GetSystemDateAndTime")
        assert int(text(found, "SystemDateAndTime", "UTCDateTime", "Date", "Year")) >= 2026

    def test_services_have_their_addresses_and_capabilities_if_wanted(self) -> None:
        found = self.client.ask("tds:GetServices", element("tds:IncludeCapability", True))
        services = {
            text(each, "Namespace"): text(each, "XAddr") for each in children(found, "Service")
        }
        assert services == {
            NAMESPACES["tds"]: "http://localhost/onvif/device_service",
            NAMESPACES["trt"]: "http://localhost/onvif/media_service",
            NAMESPACES["tr2"]: "http://localhost/onvif/media2_service",
            NAMESPACES["tev"]: "http://localhost/onvif/events_service",
        }
        assert len(list(children(found, "Service", "Capabilities", "Capabilities"))) == 4
        found = self.client.ask("tds:GetServices", element("tds:IncludeCapability", False))
        assert not list(children(found, "Service", "Capabilities"))

    def test_a_category_that_is_not_there_is_a_fault(self) -> None:
        found = self.client.ask("tds:GetCapabilities", element("tds:Category", "Media"))
        assert [each.tag.rpartition("}")[2] for each in found[0]] == ["Media"]
        codes = self.client.fault("tds:GetCapabilities", element("tds:Category", "Analytics"))
        assert codes == ("ter:ActionNotSupported", "ter:NoSuchService")

    def test_scopes_say_what_it_is(self) -> None:
        found = self.client.ask("tds:GetScopes")
        scopes = [text(each, "ScopeItem") for each in children(found, "Scopes")]
        assert "onvif://www.onvif.org/Profile/Streaming" in scopes
        assert not any(each.endswith("/ptz") for each in scopes)

    def test_ports_are_listed(self) -> None:
        found = self.client.ask("tds:GetNetworkProtocols")
        ports = {
            text(each, "Name"): text(each, "Port") for each in children(found, "NetworkProtocols")
        }
        assert ports["RTSP"] == "8554"

    def test_each_action_has_an_answer_of_its_name(self) -> None:
        for name in (*ACTIONS, *OPEN_ACTIONS):
            assert self.client.ask(f"tds:{name}").tag.endswith(f"}}{name}Response")
