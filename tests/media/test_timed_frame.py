"""Frames on their way into a recording."""

from __future__ import annotations

from tests.support.films import START_US, frame
from twistedcam.media.timed_frame import H264Packet, TimedFrame


def test_a_timed_frame_has_the_frame_s_picture_and_its_own_time() -> None:
    packet = H264Packet(b"data", 9000, is_keyframe=True)
    made = TimedFrame.of(frame(1.5), 42, packet)
    assert made == (42, START_US + 1_500_000, 160, 120, frame(1.5).jpeg, packet)
    assert TimedFrame.of(frame(0), 0).packet is None


def test_a_packet_belongs_to_the_first_stream_by_default() -> None:
    assert H264Packet(b"", 0, is_keyframe=False).generation == 0
