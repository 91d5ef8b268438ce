"""Opus payloads: one packet each."""

from __future__ import annotations

from twistedcam.rtsp.payloads.opus import OpusDepacketizer, opus_head, packetize
from twistedcam.rtsp.payloads.unit import AccessUnit


def test_a_payload_is_a_packet_and_an_empty_one_is_none() -> None:
    depacketizer = OpusDepacketizer()
    assert depacketizer.push(b"sound", 960, False) == (AccessUnit(960, b"sound"),)
    depacketizer.lost()
    assert depacketizer.push(b"", 1920, True) == ()


def test_the_head_says_the_channels() -> None:
    head = opus_head(2)
    assert head[:10] == b"OpusHead\x01\x02"
    assert len(head) == 19


def test_a_packet_is_never_cut() -> None:
    assert packetize(b"x" * 2000, 1400) == [b"x" * 2000]
    assert packetize(b"", 1400) == []
