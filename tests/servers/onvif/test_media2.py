"""The second media service, which offers H.265 as it is."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from tests.support.http_site import SiteCase
from tests.support.onvif_site import OnvifClient, add_services
from twistedcam.media.packet import Packet
from twistedcam.media.track import Track
from twistedcam.onvif.xml import children, element, text
from twistedcam.servers.onvif.media2 import ACTIONS

HEVC = Track(0, "video", "hevc", 1920, 1080)
SOUND = Track(1, "audio", "pcm_alaw", rate=Fraction(8000), channels=1)


class Media2Tests(SiteCase):
    def setUp(self) -> None:
        super().setUp()
        add_services(self.router, self.server)
        self.client = OnvifClient(self.factory)
        self.door.width, self.door.height = 1920, 1080

    def h265(self) -> None:
        self.door.stream.publish(Packet(HEVC, 1, 1_000_000, 1_000_000, b"\0\0\0\1\x26\1x"))
        self.door.stream.publish(Packet(SOUND, 1, 1_000_000, 1_000_000, b"alaw"))

    def token(self, name: str, value: str) -> Any:
        return element(f"tr2:{name}Token", value)

    def test_profiles_have_the_configurations_that_are_asked_for(self) -> None:
        self.h265()
        found = list(children(self.client.ask("tr2:GetProfiles"), "Profiles"))
        assert [each.get("token") for each in found] == ["door", "door~small", "yard", "yard~small"]
        assert not list(children(found[0], "Configurations"))
        kind = element("tr2:Type", "All")
        asked = self.client.ask("tr2:GetProfiles", element("tr2:Token", "door"), kind)
        [profile] = children(asked, "Profiles")
        encoder = next(children(profile, "Configurations", "VideoEncoder"))
        assert (text(encoder, "Encoding"), text(encoder, "Resolution", "Width")) == ("H265", "1920")
        sound = next(children(profile, "Configurations", "AudioEncoder"))
        assert (text(sound, "Encoding"), text(sound, "SampleRate")) == ("PCMA", "8")
        kind = element("tr2:Type", "VideoSource")
        asked = self.client.ask("tr2:GetProfiles", element("tr2:Token", "door~small"), kind)
        [configurations] = children(asked, "Profiles", "Configurations")
        assert len(configurations) == 1

    def test_h265_has_its_own_address_here_and_h264_in_media_1(self) -> None:
        self.h265()
        for prefix, path, profile, end in (
            ("tr2", ("Uri",), "door", "door"),
            ("tr2", ("Uri",), "door~small", "door?size=640x360"),
            ("trt", ("MediaUri", "Uri"), "door", "door?codec=h264"),
        ):
            token = element(f"{prefix}:ProfileToken", profile)
            found = self.client.ask(f"{prefix}:GetStreamUri", token)
            assert text(found, *path) == f"rtsp://localhost:8554/{end}"
        found = self.client.ask("tr2:GetSnapshotUri", self.token("Profile", "door"))
        assert text(found, "Uri") == "http://localhost/snapshot/door"
        multicast = element("tr2:Protocol", "RtspMulticast"), self.token("Profile", "door")
        assert self.client.fault("tr2:GetStreamUri", *multicast)[-1] == "ter:InvalidStreamSetup"

    def test_configurations_and_options_are_listed_by_profile_or_token(self) -> None:
        self.h265()
        kinds = {"VideoSource": 2, "VideoEncoder": 4, "AudioSource": 1, "AudioEncoder": 1}
        for kind, count in kinds.items():
            found = list(
                children(self.client.ask(f"tr2:Get{kind}Configurations"), "Configurations")
            )
            assert len(found) == count, kind
            number = found[0].get("token") or ""
            one = self.client.ask(
                f"tr2:Get{kind}Configurations", self.token("Configuration", number)
            )
            assert len(list(children(one, "Configurations"))) == 1
            wrong = self.token("Configuration", "nothing")
            assert self.client.fault(f"tr2:Get{kind}Configurations", wrong)[-1] == "ter:NoConfig"
        found = self.client.ask(
            "tr2:GetVideoEncoderConfigurationOptions", self.token("Profile", "door")
        )
        [options] = children(found, "Options")
        assert text(options, "Encoding") == "H265"
        found = self.client.ask("tr2:GetAudioEncoderConfigurationOptions")
        assert [text(each, "Encoding") for each in children(found, "Options")] == ["PCMA"]
        found = self.client.ask(
            "tr2:GetVideoEncoderInstances", self.token("Configuration", "source.door")
        )
        codecs = [text(each, "Encoding") for each in children(found, "Info", "Codec")]
        assert (codecs, text(found, "Info", "Total")) == (["H265", "H264"], "2")

    def test_every_action_is_answered_and_the_service_is_listed(self) -> None:
        content = self.token("Profile", "door"), self.token("Configuration", "source.door")
        for name in ACTIONS:
            if "EncoderConfiguration" in name or "Audio" in name:
                assert self.client.ask(f"tr2:{name}", content[0]) is not None
            else:
                assert self.client.ask(f"tr2:{name}", *content) is not None
        services = children(self.client.ask("tds:GetServices"), "Service")
        assert "http://www.onvif.org/ver20/media/wsdl" in [
            text(each, "Namespace") for each in services
        ]
