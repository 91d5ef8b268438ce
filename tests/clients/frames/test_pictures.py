"""Pictures of received packets are decoded when a program looks at them."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.films import h264_packets
from twistedcam.clients.frames import pictures
from twistedcam.clients.frames.pictures import PictureGroups, VideoPacket
from twistedcam.media.frame import UndecodableFrame
from twistedcam.media.packet import Packet

#: The brightness of the pictures in the lower right says their number.
PACKETS = h264_packets([number / 10 for number in range(40)], keyframes=1.0)


def brightness(packet: VideoPacket) -> float:
    return float(packet.image[80:110, 100:150].mean())


def add(packets: list[Packet]) -> list[VideoPacket]:
    groups = PictureGroups()
    return [groups.add(each) for each in packets]


def test_each_packet_has_its_own_picture() -> None:
    came = add(PACKETS[:25])
    for number, packet in enumerate(came):
        assert packet.image.shape == (120, 160, 3)
        assert packet.image.dtype == np.uint8
        assert abs(brightness(packet) - number * 5) < 8
    assert (came[0].width, came[0].height) == (160, 120)
    assert came[3].image is came[3].image
    with pytest.raises(ValueError, match="read-only"):
        came[3].image[0, 0] = 0


def test_a_program_may_look_at_some_only_and_back() -> None:
    came = add(PACKETS[:25])
    for number in (7, 3, 9, 24, 12, 0):
        assert abs(brightness(came[number]) - number * 5) < 8


def test_a_packet_that_cannot_be_decoded_says_so() -> None:
    broken = PACKETS[1]
    broken = Packet(broken.track, 2, broken.time_us, broken.pts, b"\0\0\0\1\x41", False)
    came = add([PACKETS[0], broken])
    assert came[0].image.any()
    with pytest.raises(UndecodableFrame, match="frame 2 cannot be decoded as h264"):
        _ = came[1].image


def test_a_very_long_group_is_decoded_on_and_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "MAX_PACKETS", 4)
    came = add(PACKETS[:10])
    assert abs(brightness(came[9]) - 45) < 8
    with pytest.raises(UndecodableFrame):
        _ = came[0].image
