"""Received packets are access units that agree with their header, and get a track."""

from __future__ import annotations

import pytest

from tests.support.films import h264_packets
from twistedcam.errors import BadMessage
from twistedcam.media.h264 import H264
from twistedcam.media.nal import join_units, split_units
from twistedcam.media.packet import Packet
from twistedcam.media.track import Track
from twistedcam.wire import PacketChecker

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
