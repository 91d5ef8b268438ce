"""Received packets are access units that agree with their header, and get a track."""

from __future__ import annotations

import pytest

from tests.support.films import h264_packets
from twistedcam import wire
from twistedcam.errors import BadMessage
from twistedcam.media.h264 import H264
from twistedcam.media.nal import join_units, split_units
from twistedcam.media.packet import Packet
from twistedcam.media.sound_config import sound_track
from twistedcam.media.track import Track
from twistedcam.rtsp.payloads.opus import opus_head
from twistedcam.wire import PacketChecker, SoundChecker
from twistedcam.wire.packet_checker import MAX_SOUND

#: A packet as it comes: its track has no parameter sets.
BARE = Track(0, "video", "h264", 160, 120)


def received(packet: Packet, data: bytes | None = None, track: Track = BARE) -> Packet:
    data = packet.data if data is None else data
    return Packet(track, packet.seq, packet.time_us, packet.pts, data, packet.is_keyframe)


def without_sets(data: bytes) -> bytes:
    return join_units(u for u in split_units(data) if H264.unit_type(u) not in H264.set_types)


def test_each_packet_gets_the_track_of_its_key_frame() -> None:
    checker, sent = PacketChecker(), h264_packets([0, 0.1, 0.2])
    came = [checker.check(received(each)) for each in sent]
    assert [each.data for each in came if each] == [each.data for each in sent]
    tracks = {each.track for each in came if each}
    assert len(tracks) == 1
    (track,) = tracks
    assert (track.size if hasattr(track, "size") else (track.width, track.height)) == (160, 120)
    assert track.extradata == sent[0].track.extradata


def test_packets_before_the_first_key_frame_are_left_out() -> None:
    checker, sent = PacketChecker(), h264_packets([0, 0.1, 0.2])
    assert checker.check(received(sent[1])) is None
    assert checker.check(received(sent[0])) is not None
    assert checker.check(received(sent[2])) is not None


def test_a_later_key_frame_without_parameter_sets_gets_those_of_the_first() -> None:
    checker, sent = PacketChecker(), h264_packets([0, 0.1, 0.2], keyframes=0.1)
    checker.check(received(sent[0]))
    came = checker.check(received(sent[1], without_sets(sent[1].data)))
    assert came is not None
    assert H264.has_parameter_sets(came.data)
    assert came.track.extradata == sent[0].track.extradata


def test_a_header_without_a_size_leaves_it_to_the_parameter_sets() -> None:
    sent = h264_packets([0])[0]
    came = PacketChecker().check(received(sent, track=Track(0, "video", "h264", 0, 0)))
    assert came is not None
    assert (came.track.width, came.track.height) == (160, 120)


def test_a_short_start_code_becomes_a_long_one() -> None:
    sent = h264_packets([0])[0]
    came = PacketChecker().check(received(sent, sent.data[1:]))
    assert came is not None
    assert came.data == sent.data


def test_what_is_no_access_unit_or_belies_its_header_is_one_clear_error() -> None:
    key, other = h264_packets([0, 0.1])
    cases = [
        (received(key, b"\xff\xd8 a JPEG"), "begin with a start code"),
        (received(key, b""), "begin with a start code"),
        (received(key, other.data), "marked as a key frame, but is none"),
        (received(key, without_sets(key.data)), "needs parameter sets"),
        (
            received(key, track=Track(0, "video", "h264", 640, 480)),
            "is 160x120, its header has 640x480",
        ),
        (received(key, track=Track(0, "video", "hevc", 160, 120)), "marked as a key frame|hevc"),
    ]
    for packet, why in cases:
        with pytest.raises(BadMessage, match=why):
            PacketChecker().check(packet)


@pytest.mark.parametrize(("codec", "config"), [("aac", b"\x14\x08"), ("opus", opus_head(1))])
def test_sound_gets_the_track_of_its_configuration(codec: str, config: bytes) -> None:
    track = sound_track(codec, config)
    checker = SoundChecker()
    sent = wire.configuration_message(track) + wire.frame_message(Packet(track, 3, 5, 9, b"ab"))
    described, packet = wire.Decoder().feed(sent)
    assert isinstance(described, wire.FrameMessage)
    assert isinstance(packet, wire.FrameMessage)
    assert (described.is_configuration, packet.is_configuration) == (True, False)
    assert described.encode() + packet.encode() == sent
    assert checker.configure(described.frame.track) == track
    came = checker.check(packet.frame)
    assert (came.track, came.seq, came.time_us, came.data) == (track, 3, 5, b"ab")


def test_sound_without_a_configuration_or_of_an_impossible_size_is_refused() -> None:
    checker, track = SoundChecker(), sound_track("opus", opus_head(1))
    with pytest.raises(BadMessage, match="sound 1 of opus comes before its configuration"):
        checker.check(Packet(track, 1, 0, 0, b"a"))
    with pytest.raises(BadMessage, match=r"the configuration of aac: .* cut"):
        checker.configure(Track(1, "audio", "aac", extradata=b"\x12"))
    checker.configure(track)
    for data in (b"", bytes(MAX_SOUND + 1)):
        with pytest.raises(BadMessage, match=f"sound 2 has {len(data)} bytes"):
            checker.check(Packet(track, 2, 0, 0, data))
    with pytest.raises(BadMessage, match="sound 3 of aac"):
        checker.check(Packet(Track(1, "audio", "aac"), 3, 0, 0, b"a"))
