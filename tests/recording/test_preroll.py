"""What is kept from before a recording begins."""

from __future__ import annotations

import sys

from tests.support.films import START_US, jpeg, timed_frames
from tests.support.sound import aac_packets
from twistedcam.media.frame import Frame
from twistedcam.recording.preroll import PreRoll


def test_a_preroll_keeps_the_last_seconds_and_no_more() -> None:
    preroll = PreRoll(2.0, 10**9)
    for frame in timed_frames(n / 10 for n in range(100)):
        preroll.add(frame)
    assert len(preroll) == 21
    assert preroll.span == 2.0
    assert len(preroll.last(1.0, timed_frames([9.9])[0].pts)) == 11
    assert preroll.last(1.0, timed_frames([30])[0].pts) == []


def test_a_preroll_s_memory_is_its_frames_and_at_most_five_percent() -> None:
    picture = jpeg(1, 640, 480)
    preroll = PreRoll(100, 10**9)
    frames = [bytes(bytearray(picture)) for _ in range(300)]
    for number, each in enumerate(frames):
        preroll.add(Frame(number, number, 640, 480, each))
    assert preroll.bytes == sum(map(len, frames))
    own = sum(sys.getsizeof(frame) + 3 * 32 + 8 for frame in preroll.last(100, 0))
    own += sum(sys.getsizeof(each) - len(each) for each in frames)
    assert own < 0.05 * preroll.bytes


def test_a_preroll_goes_back_less_far_rather_than_take_more_memory() -> None:
    preroll = PreRoll(100, 1000)
    for number in range(50):
        preroll.add(Frame(number, number, 1, 1, bytes(300)))
        assert preroll.bytes <= 1000
    assert len(preroll) == 3
    preroll.add(Frame(51, 51, 1, 1, bytes(2000)))
    assert len(preroll) == 0


def test_sound_is_kept_for_the_time_of_the_pictures() -> None:
    preroll = PreRoll(2.0, 10**9)
    arrivals = [*timed_frames(n / 10 for n in range(100)), *aac_packets(-3.0, 10.0, START_US)]
    for each in sorted(arrivals, key=lambda each: each.pts):
        preroll.add(each)
    last = preroll.last(1.0, START_US + 9_900_000)
    assert last == sorted(last, key=lambda each: each.pts)
    kinds = [each.track.kind for each in last]
    assert kinds[0] == "video"
    assert (kinds.count("video"), kinds.count("audio")) == (11, 51)
    assert len(preroll.last(2.0, START_US + 9_900_000)) == 21 + 98
    assert preroll.bytes == sum(len(each.data) for each in preroll.last(3.0, START_US + 9_900_000))


def test_sound_without_pictures_does_not_grow() -> None:
    preroll = PreRoll(1.0, 10**9)
    for each in aac_packets(0.0, 60.0, START_US):
        preroll.add(each)
    assert preroll.bytes < 6 * 12 * 47
    preroll.clear()
    assert preroll.bytes == 0
