"""The write queue has a limit, and drops frames evenly above it."""

from __future__ import annotations

from itertools import pairwise

from tests.support.films import START_US, h264_packets, timed_frames
from tests.support.sound import aac_packets
from twistedcam.media.frame import Frame
from twistedcam.media.packet import Packet
from twistedcam.media.track import VIDEO, Track
from twistedcam.stream import write_queue as queue
from twistedcam.stream.write_queue import WriteQueue

H264 = Track(VIDEO, "video", "h264", 160, 120)


def run(seconds: int, written_a_second: float, fps: int = 30) -> tuple[list[Frame], WriteQueue]:
    """A writer of that speed behind a camera; what it wrote."""
    waiting, written, credit = WriteQueue(), [], 0.0
    for frame in timed_frames(n / fps for n in range(seconds * fps)):
        waiting.offer(frame)
        assert len(waiting) <= queue.MAX_FRAMES
        credit = min(1.0, credit + written_a_second / fps)
        while credit >= 1 and waiting:
            written += waiting.take(1)
            credit -= 1
    return written, waiting


def test_a_writer_that_keeps_up_gets_every_frame() -> None:
    written, waiting = run(20, 30)
    assert len(written) + len(waiting) == 600
    assert waiting.dropped == 0


def test_a_writer_at_half_speed_gets_every_second_frame() -> None:
    written, waiting = run(60, 15)
    assert waiting.dropped + len(written) + len(waiting) == 1800
    late = written[-300:]
    gaps = [round((b.pts - a.pts) / 33_333) for a, b in pairwise(late)]
    assert set(gaps) <= {1, 2, 3}
    assert gaps.count(2) > len(gaps) * 0.9


def test_a_disk_that_stalls_for_four_seconds_costs_nothing() -> None:
    waiting = WriteQueue()
    assert all(waiting.offer(each) for each in timed_frames(n / 30 for n in range(120)))


def test_what_came_before_the_button_is_all_taken_and_takes_no_room() -> None:
    waiting = WriteQueue(timed_frames(n / 30 for n in range(900)))
    assert all(waiting.offer(each) for each in timed_frames(30 + n / 30 for n in range(120)))
    assert len(waiting) == 1020
    assert len(waiting.take(5000)) == 900
    assert len(waiting.take(5000)) == 120


def test_what_can_no_longer_be_written_is_counted() -> None:
    waiting = WriteQueue(timed_frames([0, 1, 2]))
    waiting.clear()
    assert (len(waiting), waiting.dropped) == (0, 3)


def slow(seconds: int, cost: float, first: int = 0) -> tuple[list[Frame], WriteQueue]:
    """A writer that takes so long for a frame, and says so; what it wrote until it is done."""
    waiting = WriteQueue(timed_frames(n / 30 for n in range(-first, 0)))
    written: list[Frame] = []
    busy_until = 0.0
    for number, frame in enumerate(timed_frames(n / 30 for n in range(seconds * 30))):
        waiting.offer(frame)
        while waiting and busy_until <= number / 30:
            batch = waiting.take(waiting.batch)
            written += batch
            busy_until = max(busy_until, number / 30) + len(batch) * cost
            waiting.wrote(len(batch), len(batch) * cost)
    waiting.drain_quickly()
    return written, waiting


def test_a_slow_encoder_s_frames_are_spread_over_all_of_the_time() -> None:
    written, waiting = slow(60, 0.5)
    assert len(written) + len(waiting) + waiting.dropped == 1800
    gaps = [b.pts - a.pts for a, b in pairwise(written[9:])]
    assert min(gaps) > 0.2e6 and max(gaps) < 0.6e6


def test_the_end_of_a_slow_writer_s_recording_is_not_waited_for_long() -> None:
    for cost in (0.05, 0.2, 0.5):
        _, waiting = slow(30, cost, first=300)
        assert len(waiting) * cost <= 2 * queue.MAX_WORK + cost


def test_a_disk_that_stalls_once_is_no_slow_one() -> None:
    waiting = WriteQueue()
    for frame in timed_frames(n / 30 for n in range(30)):
        waiting.offer(frame)
        waiting.wrote(len(waiting.take(1)), 0.001)
    for frame in timed_frames(1 + n / 30 for n in range(120)):
        waiting.offer(frame)
    waiting.wrote(len(waiting.take(8)), 4.0)
    assert (len(waiting), waiting.dropped) == (112, 0)


def coded(count: int, data: bytes = b"") -> list[Packet]:
    """Packets of H.264 at 30 a second; the first is a key frame."""
    return [Packet(H264, n, n * 33_333, n * 33_333, data, not n) for n in range(count)]


def test_coded_frames_that_wait_are_never_thinned() -> None:
    waiting = WriteQueue[Packet]()
    assert all(map(waiting.offer, coded(60)))
    for _ in range(20):
        assert waiting.wrote(1, 1.0) == []
    assert len(waiting) == 60
    assert not waiting.offer(timed_frames([3.0])[0])


def test_coded_frames_wait_without_loss_for_a_minute_and_more_whatever_the_writer() -> None:
    for cost in (0.001, 1.0):
        waiting = WriteQueue[Packet]()
        for _ in range(20):
            waiting.wrote(1, cost)
        packets = coded(queue.MAX_PACKETS + 1)
        assert [waiting.offer(each) for each in packets] == [True] * queue.MAX_PACKETS + [False]
        assert waiting.dropped == 1
    waiting = WriteQueue[Packet]()
    taken = [waiting.offer(each) for each in coded(70, bytes(queue.MAX_BYTES // 64))]
    assert taken == [True] * 64 + [False] * 6


def test_coded_frames_from_before_the_start_are_all_written_at_the_end() -> None:
    waiting = WriteQueue(coded(900))
    waiting.drain_quickly()
    assert (len(waiting.take(1000)), waiting.dropped) == (900, 0)


def test_the_time_from_the_oldest_to_the_newest_that_waits() -> None:
    waiting = WriteQueue()
    assert waiting.span_us == 0
    for frame in timed_frames([0.0, 0.04, 0.12]):
        waiting.offer(frame)
    assert waiting.span_us == 120_000
    waiting.take(2)
    assert waiting.span_us == 0


def test_large_frames_are_bounded_by_their_bytes() -> None:
    waiting, big = WriteQueue(), bytes(queue.MAX_BYTES // 50)
    for number in range(200):
        waiting.offer(Frame(number, number, 1, 1, big))
    assert len(waiting) <= 51


def test_coded_packets_are_written_in_larger_batches_than_pictures() -> None:
    coded, pictures = WriteQueue(), WriteQueue()
    for each in h264_packets(n / 100 for n in range(100)):
        coded.offer(each)
    for frame in timed_frames(n / 100 for n in range(100)):
        pictures.offer(frame)
    for one in (coded, pictures):
        for _ in range(8):
            one.wrote(1, 0.0001)
    assert (coded.batch, pictures.batch) == (64, 8)


def test_sound_is_written_with_the_pictures_and_not_counted_as_one() -> None:
    waiting: WriteQueue = WriteQueue()
    arrivals = [*timed_frames(n / 30 for n in range(600)), *aac_packets(0.0, 20.0, START_US)]
    for each in sorted(arrivals, key=lambda each: each.pts):
        waiting.offer(each)
    for _ in range(queue._MEASURED_WRITES):
        waiting.wrote(1, 0.5)  # a slow writer: pictures are left out, but not sound
    kept = waiting.take(10_000)
    assert [each.seq for each in kept if each.track.kind == "audio"] == list(range(938))
    assert sum(each.track.kind == "video" for each in kept) < 20
    assert (len(waiting), waiting._bytes, waiting._sounds) == (0, 0, 0)


def test_sound_does_not_make_a_slow_writer_drop_pictures() -> None:
    waiting: WriteQueue = WriteQueue()
    for each in aac_packets(0.0, 60.0, START_US):
        waiting.offer(each)
    assert all(waiting.offer(each) for each in timed_frames(n / 30 for n in range(100)))


def test_sound_before_the_start_stays_when_pictures_are_left_out() -> None:
    sounds = aac_packets(0.0, 20.0, START_US)
    arrivals = sorted([*timed_frames(n / 30 for n in range(600)), *sounds], key=lambda e: e.pts)
    waiting: WriteQueue = WriteQueue(arrivals)
    waiting.drain_quickly()
    kept = waiting.take(10_000)
    assert [each.seq for each in kept if each.track.kind == "audio"] == list(range(938))
    assert len(kept) - 938 == queue.MAX_FRAMES
