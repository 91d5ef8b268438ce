"""What is kept from before a recording begins."""

from __future__ import annotations

import sys

from tests.support.films import jpeg, timed_frames
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
