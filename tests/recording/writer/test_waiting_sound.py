"""Sound that waits for the pictures of its time."""

from __future__ import annotations

from dataclasses import replace

from tests.support.films import START_US
from tests.support.sound import aac_packets
from twistedcam.recording.containers import CONTAINERS
from twistedcam.recording.writer.waiting_sound import WaitingSound


def test_it_gives_what_is_due_and_keeps_no_more_than_seconds() -> None:
    packets = aac_packets(0.0, 20.0, START_US)
    waiting = WaitingSound(CONTAINERS[".mp4"], packets[0].track)
    for each in packets[:100]:
        waiting.add(each)
    assert [each.seq for each in waiting.before(packets[3].pts)] == [0, 1, 2]
    late = list(waiting.late(packets[99].pts))
    assert [each.seq for each in late] == list(range(3, late[-1].seq + 1))
    assert (
        packets[99].pts - late[-1].pts > 500_000 >= packets[99].pts - packets[late[-1].seq + 1].pts
    )
    assert list(waiting.late(late[-1].pts)) == []
    for each in packets[100:]:
        waiting.add(each)
    kept = list(waiting.before(packets[-1].pts + 1))
    assert 10_900_000 < kept[-1].pts - kept[0].pts <= 11_000_000
    assert not waiting


def test_a_file_is_over_when_the_camera_s_sound_is_another() -> None:
    track = aac_packets(0.0, 0.1, START_US)[0].track
    waiting = WaitingSound(CONTAINERS[".mp4"], None)
    assert (waiting.usable_track(), waiting.is_other_than(None)) == (None, False)
    waiting.track = track
    assert waiting.usable_track() == track
    assert (waiting.is_other_than(None), waiting.is_other_than(track)) == (True, False)
    waiting.track = replace(track, codec="opus")  # not in MP4
    assert (waiting.usable_track(), waiting.is_other_than(track)) == (None, False)
    waiting.track = replace(track, extradata=b"")
    assert (waiting.usable_track(), waiting.is_other_than(track)) == (None, False)
    assert waiting.fault == "the configuration of AAC is missing"
