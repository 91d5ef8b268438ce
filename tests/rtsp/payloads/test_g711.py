"""G.711 payloads: the samples as they come."""

from __future__ import annotations

from twistedcam.rtsp.payloads.g711 import G711Depacketizer, packetize
from twistedcam.rtsp.payloads.unit import AccessUnit


def test_a_payload_is_its_samples_and_an_empty_one_is_none() -> None:
    depacketizer = G711Depacketizer()
    assert depacketizer.push(b"\xd5" * 160, 160, False) == (AccessUnit(160, b"\xd5" * 160),)
    depacketizer.lost()
    assert depacketizer.push(b"", 320, True) == ()


def test_samples_are_cut_into_packets() -> None:
    assert packetize(bytes(range(10)), 4) == [b"\0\1\2\3", b"\4\5\6\7", b"\x08\x09"]
