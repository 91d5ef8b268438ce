"""The newest packets of sound are kept: for some seconds, of one track, and not too many bytes."""

from __future__ import annotations

from tests.support.sound import START_US, aac_packets, pcm_packets
from twistedcam.stream.recent_packets import RecentPackets


def test_the_packets_since_a_time_are_kept_for_ten_seconds() -> None:
    recent = RecentPackets()
    packets = aac_packets(0, 12, START_US)
    for each in packets:
        recent.add(each)
    assert recent.since(packets[-5].pts) == packets[-5:]
    kept = recent.since(0)
    assert kept == packets[-len(kept) :]
    assert 9.9e6 < kept[-1].pts - kept[0].pts <= 10e6
    recent.clear()
    assert recent.since(0) == []


def test_samples_are_limited_in_bytes() -> None:
    recent = RecentPackets()
    packets = pcm_packets(channels=2, seconds=6)
    for each in packets:
        recent.add(each)
    kept = recent.since(0)
    assert kept == packets[-len(kept) :]
    assert 500 * 1024 < sum(len(each.data) for each in kept) <= 512 * 1024


def test_another_track_begins_anew() -> None:
    recent = RecentPackets()
    for each in (*aac_packets(0, 1, START_US), *aac_packets(1, 2, START_US, rate=8_000)):
        recent.add(each)
    assert {each.track.rate for each in recent.since(0)} == {8_000}
