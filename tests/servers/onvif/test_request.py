"""The addresses that a client gets are those by which it has come."""

from __future__ import annotations

from tests.support.http_site import SiteCase
from tests.support.onvif_site import OnvifClient, add_services
from twistedcam.camera import Camera
from twistedcam.onvif.xml import element, text
from twistedcam.servers.onvif.request import StreamProfile


class RequestTests(SiteCase):
    def setUp(self) -> None:
        super().setUp()
        add_services(self.router, self.server)
        self.guarded(any_name=True)

    def address(self, host: str) -> str:
        client = OnvifClient(self.factory, Host=host)
        found = client.ask("tds:GetCapabilities", element("tds:Category", "Media"))
        return text(found, "Capabilities", "Media", "XAddr")

    def test_the_host_is_the_one_that_the_client_has_named(self) -> None:
        for host in ("cam.example.org:81", "192.168.7.2", "[fd00::2]:8080"):
            assert self.address(host) == f"http://{host}/onvif/media_service"

    def test_what_is_no_host_is_replaced_by_the_address_of_this_machine(self) -> None:
        for host in ('x"><y', "a b", "a/b", "u:p@h"):
            assert self.address(host) == "http://10.0.0.1:12345/onvif/media_service", host

    def test_the_video_s_address_has_the_host_too(self) -> None:
        client = OnvifClient(self.factory, Host="cam.example.org:81")
        found = client.ask("trt:GetStreamUri", element("trt:ProfileToken", "yard"))
        assert text(found, "MediaUri", "Uri") == "rtsp://cam.example.org:8554/yard"

    def profile(self, width: int, height: int) -> StreamProfile:
        camera: Camera = self.door
        camera.width, camera.height = width, height
        return StreamProfile(camera, is_small=True)

    def test_a_small_profile_keeps_the_shape_and_is_never_larger(self) -> None:
        assert self.profile(1920, 1080).size == (640, 360)
        assert self.profile(1080, 1920).size == (202, 360)
        assert self.profile(320, 240).size == (320, 240)
