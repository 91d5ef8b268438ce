"""The media service has two profiles for each camera, with their addresses."""

from __future__ import annotations

from fractions import Fraction

from tests.support.http_site import SiteCase
from tests.support.onvif_site import OnvifClient, add_services
from twistedcam.media.frame import Frame
from twistedcam.media.packet import Packet
from twistedcam.media.track import Track
from twistedcam.onvif.soap import SoapFault
from twistedcam.onvif.xml import children, element, text
from twistedcam.servers.onvif.media import ACTIONS

SOUND = Track(1, "audio", "aac", rate=Fraction(48000), channels=1, extradata=b"\x11\x90")


class MediaTests(SiteCase):
    def setUp(self) -> None:
        super().setUp()
        self.rtsp = add_services(self.router, self.server)
        self.client = OnvifClient(self.factory)
        self.door.width, self.door.height = 1920, 1080

    def sound(self) -> None:
        self.door.stream.publish(Frame(2, 1_000_000, 1920, 1080, b"jpeg"))
        self.door.stream.publish(Packet(SOUND, 1, 1_000_000, 1_000_000, b"\x21\x00"))

    def profile(self, token: str) -> object:
        return element("trt:ProfileToken", token)

    def test_each_camera_has_a_profile_and_a_smaller_one(self) -> None:
        self.door.title = "Front <door>"
        found = list(children(self.client.ask("trt:GetProfiles"), "Profiles"))
        assert [each.get("token") for each in found] == ["door", "door~small", "yard", "yard~small"]
        assert text(found[0], "Name") == "Front <door>"
        sizes = [
            (
                text(each, "VideoEncoderConfiguration", "Resolution", "Width"),
                text(each, "VideoEncoderConfiguration", "Resolution", "Height"),
            )
            for each in found
        ]
        assert sizes == [("1920", "1080"), ("640", "360"), ("1280", "720"), ("640", "360")]
        assert not list(children(found[0], "AudioEncoderConfiguration"))

    def test_sound_is_described_if_there_is_some(self) -> None:
        self.sound()
        found = self.client.ask("trt:GetProfile", self.profile("door"))
        configuration = next(children(found, "Profile", "AudioEncoderConfiguration"))
        assert (text(configuration, "Encoding"), text(configuration, "SampleRate")) == ("AAC", "48")
        assert len(list(children(self.client.ask("trt:GetAudioSources"), "AudioSources"))) == 1

    def test_video_and_pictures_have_addresses(self) -> None:
        for token, end in (("door", "door"), ("door~small", "door?size=640x360")):
            found = self.client.ask("trt:GetStreamUri", self.profile(token))
            assert text(found, "MediaUri", "Uri") == f"rtsp://localhost:8554/{end}"
        found = self.client.ask("trt:GetSnapshotUri", self.profile("door~small"))
        assert text(found, "MediaUri", "Uri") == "http://localhost/snapshot/door"

    def test_h265_is_offered_as_h264(self) -> None:
        track = Track(0, "video", "hevc", 1920, 1080)
        self.door.stream.publish(Packet(track, 2, 2_000_000, 2_000_000, b"\0\0\0\1\x26\1", True))
        found = self.client.ask("trt:GetStreamUri", self.profile("door"))
        assert text(found, "MediaUri", "Uri").endswith("/door?codec=h264")

    def test_wrong_names_are_faults(self) -> None:
        for action in ("GetProfile", "GetStreamUri", "GetSnapshotUri"):
            codes = self.client.fault(f"trt:{action}", self.profile("cellar"))
            assert codes == ("ter:InvalidArgVal", "ter:NoProfile")
        wrong = element("trt:ConfigurationToken", "x")
        for action in ("GetVideoSourceConfiguration", "GetVideoEncoderConfigurationOptions"):
            assert self.client.fault(f"trt:{action}", wrong)[1] == "ter:NoConfig"

    def test_a_transport_that_is_not_possible_is_a_fault(self) -> None:
        for stream, protocol, is_possible in (
            ("RTP-Unicast", "UDP", True),
            ("RTP-Unicast", "RTSP", True),
            ("RTP-Unicast", "HTTP", False),
            ("RTP-Multicast", "UDP", False),
        ):
            transport = element("tt:Transport", element("tt:Protocol", protocol))
            setup = element("trt:StreamSetup", element("tt:Stream", stream), transport)
            asked = ("trt:GetStreamUri", setup, self.profile("door"))
            if is_possible:
                assert text(self.client.ask(*asked), "MediaUri", "Uri").startswith("rtsp://")
            else:
                codes = self.client.fault(*asked)
                assert codes == ("ter:InvalidArgVal", "ter:InvalidStreamSetup")

    def test_without_a_port_of_rtsp_that_the_client_reaches_there_is_no_address(self) -> None:
        self.rtsp[0].host = "192.168.7.2"
        codes = self.client.fault("trt:GetStreamUri", self.profile("door"))
        assert (codes, self.client.status) == (
            ("ter:Action", "ter:IncompleteConfiguration"),
            500,
        )

    def test_every_configuration_that_is_listed_can_be_asked_for(self) -> None:
        self.sound()
        for kind in ("VideoSource", "VideoEncoder", "AudioSource", "AudioEncoder"):
            listed = self.client.ask(f"trt:Get{kind}Configurations")
            tokens = [each.get("token") for each in children(listed, "Configurations")]
            assert tokens, kind
            for token in tokens:
                one = self.client.ask(
                    f"trt:Get{kind}Configuration", element("trt:ConfigurationToken", token)
                )
                assert one[0].get("token") == token

    def test_each_action_is_answered(self) -> None:
        for name in ACTIONS:
            token = self.profile("door")
            try:
                found = self.client.ask(f"trt:{name}", token)
            except SoapFault as error:
                assert error.codes[1] == "ter:NoConfig", name
            else:
                assert found.tag.endswith(f"}}{name}Response")
