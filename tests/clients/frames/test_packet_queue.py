"""A program gets the newest JPEG, or all packets in order; one that is too slow misses some."""

from __future__ import annotations

from tests.support.films import frame, h264_packets
from tests.support.sound import pcm_packets
from twistedcam.clients.frames import packet_queue
from twistedcam.clients.frames.packet_queue import MAX_SOUNDS, MAX_WAIT, PacketQueue
from twistedcam.clients.frames.pictures import PictureGroups, VideoPacket

PACKETS = h264_packets([number / 10 for number in range(30)], keyframes=1.0)


class Waiting:
    """A queue, and time."""

    def __init__(self) -> None:
        self.now = 0.0
        self.queue = PacketQueue(lambda: self.now)
        self.groups = PictureGroups()

    def put(self, first: int, last: int, seconds: float = 0.0) -> None:
        for packet in PACKETS[first : last + 1]:
            self.queue.put(self.groups.add(packet))
            self.now += seconds

    def take(self) -> list[int]:
        """The numbers of all that wait."""
        taken = []
        while (each := self.queue.take()) is not None:
            taken.append(each.seq)
        return taken


def test_of_jpegs_only_the_newest_waits() -> None:
    waiting = Waiting()
    for number in (1, 2, 3):
        waiting.queue.put(frame(0.1 * number, number))
    assert waiting.take() == [3]


def test_sound_comes_in_the_order_of_arrival_and_no_picture_drops_it() -> None:
    waiting = Waiting()
    sounds = pcm_packets(seconds=0.1)
    for number in range(3):
        waiting.queue.put_sound(sounds[number])
        waiting.now += 0.01
        waiting.queue.put(frame(0.1 * number, number + 100))
        waiting.now += 0.01
    assert len(waiting.queue) == 4
    assert waiting.take() == [0, 1, 2, 102]
    for each in range(MAX_SOUNDS + 5):
        waiting.queue.put_sound(sounds[each % 5])
    assert len(waiting.queue) == MAX_SOUNDS


def test_packets_come_in_order() -> None:
    waiting = Waiting()
    waiting.put(0, 15)
    assert waiting.take() == list(range(16))


def test_a_slow_program_continues_with_a_key_frame() -> None:
    waiting = Waiting()
    waiting.put(0, 14, seconds=0.1)
    assert waiting.take() == [10, 11, 12, 13, 14]


def test_a_slow_program_that_looks_at_pictures_continues_with_the_newest() -> None:
    waiting = Waiting()
    waiting.put(0, 2)
    first = waiting.queue.take()
    assert isinstance(first, VideoPacket)
    assert first.image.any()
    waiting.put(3, 6)
    waiting.now += MAX_WAIT + 0.1
    newest = waiting.queue.take()
    assert isinstance(newest, VideoPacket)
    assert newest.seq == 6
    assert newest.image.any()
    assert waiting.take() == []


def test_no_more_than_a_group_waits() -> None:
    waiting = Waiting()
    packet_queue.MAX_PACKETS, before = 5, packet_queue.MAX_PACKETS
    try:
        waiting.put(0, 12)
    finally:
        packet_queue.MAX_PACKETS = before
    assert waiting.take() == [10, 11, 12]
