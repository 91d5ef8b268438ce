"""What both media services say of a camera."""

from __future__ import annotations

from fractions import Fraction

from tests.support.server_case import ServerCase
from twistedcam.media.frame import Frame
from twistedcam.media.packet import Packet
from twistedcam.media.track import Track
from twistedcam.servers.onvif.configurations import (
    kbits,
    multicast,
    sound_source_configuration,
    source_configuration,
)
from twistedcam.servers.onvif.request import StreamProfile

OPUS = Track(1, "audio", "opus", rate=Fraction(48000), channels=1)


class ConfigurationTests(ServerCase):
    def test_a_source_has_the_size_of_the_camera_in_both_profiles(self) -> None:
        self.door.width, self.door.height = 1920, 1080
        for is_small in (False, True):
            shown = source_configuration(StreamProfile(self.door, is_small), "x")
            assert '<tt:Bounds x="0" y="0" width="1920" height="1080"/>' in shown
            assert 'token="source.door"' in shown

    def test_bits_grow_with_the_picture(self) -> None:
        self.door.width, self.door.height = 1920, 1080
        assert kbits(StreamProfile(self.door)) == round(1920 * 1080 * 25 * 0.15 / 1000)
        assert kbits(StreamProfile(self.door, True)) == round(640 * 360 * 25 * 0.15 / 1000)
        assert "0.0.0.0" in multicast()

    def test_a_microphone_is_there_if_there_is_sound(self) -> None:
        profile = StreamProfile(self.door)
        assert sound_source_configuration(profile, "x") is None
        self.door.stream.publish(Frame(1, 1_000_000, 64, 48, b"jpeg"))
        self.door.stream.publish(Packet(OPUS, 1, 1_000_000, 1_000_000, b"x"))
        shown = sound_source_configuration(profile, "x")
        assert shown is not None
        assert 'token="sound.door"' in shown
