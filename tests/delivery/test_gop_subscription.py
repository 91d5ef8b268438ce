"""A subscription to H.264 sends whole groups, and skips to a key frame rather than be late."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import pytest
from twisted.internet.task import Clock

from tests.delivery.test_latest_subscription import SlowSender
from twistedcam.delivery.gop_subscription import MAX_DELAY, OPENING_BYTES, GopSubscription
from twistedcam.delivery.subscription import STALL_LIMIT
from twistedcam.events import EventBus
from twistedcam.media.packet import Packet
from twistedcam.media.track import Track
from twistedcam.stream.hub import GroupHub
from twistedcam.stream.viewers import Viewers

TRACK = Track(0, "video", "h264", 640, 480)
PERIOD = 1 / 32  # a power of two, so that times add up


class PacketSender(SlowSender):
    """A sender that a test steers, of packets of any codec."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes: dict[int, int] = {}

    def offer(self, packet: Packet, is_caught_up: bool = False) -> int:  # type: ignore[override]
        if not self.clear:
            return 0
        self.sent.append(packet.seq)
        self.sizes[packet.seq] = len(packet.data)
        if is_caught_up:
            self.caught_up.append(packet.seq)
        return len(packet.data)


class Line:
    """A line that holds everything, and delivers some bytes a second; the viewer answers at once.

    It is called once for each packet. ``delays`` are the seconds from a packet's time until then.
    """

    def __init__(self, watching: Watching, rate: float) -> None:
        self._watching, self._rate = watching, rate
        self._free = 0.0
        self._seen = 0
        self._arrivals = deque[tuple[float, int]]()
        self.delays: list[float] = []

    def __call__(self) -> None:
        watching, now = self._watching, self._watching.clock.seconds()
        while self._arrivals and self._arrivals[0][0] <= now:
            at, seq = self._arrivals.popleft()
            self.delays.append(at - (seq - 1) * PERIOD)
            watching.subscription.acknowledge(seq)
        for seq in watching.sender.sent[self._seen :]:
            self._free = max(self._free, now) + watching.sender.sizes[seq] / self._rate
            self._arrivals.append((self._free, seq))
        self._seen = len(watching.sender.sent)


class Watching:
    """A hub of H.264, a viewer, and time. A line delivers after ``delay`` packets, or None: never.

    Arguments:
        window: as in JOIN.
        group: packets in a group of pictures.
        max_fps: the viewer's limit.
        on_demand: True if the encoder makes a key frame when it is asked for one.
    """

    def __init__(
        self,
        window: int = 2,
        group: int = 32,
        max_fps: float | None = None,
        on_demand: bool = False,
    ) -> None:
        self.clock = Clock()
        self.hub = GroupHub()
        self.sender = PacketSender()
        self.viewer = Viewers(EventBus(), self.clock).join(
            "nowhere", "tcp", "cam", "fake", lambda _: None
        )
        self.subscription = GopSubscription(
            self.viewer, self.hub, self.sender, self.clock, max_fps, window
        )
        self.requests = 0
        self.keyframes: list[int] = []
        self._group = group
        self._on_demand = on_demand
        self._is_requested = False
        self._seq = 0
        self.hub.on_keyframe_request = self._requested

    def _requested(self) -> None:
        self.requests += 1
        self._is_requested = self._on_demand

    def packets(self, count: int, each: Callable[[], None] = lambda: None, size: int = 100) -> None:
        for _ in range(count):
            self._seq += 1
            last = self.keyframes[-1] if self.keyframes else -self._group
            is_keyframe = self._is_requested or self._seq - last >= self._group
            if is_keyframe:
                self._is_requested = False
                self.keyframes.append(self._seq)
            time_us = round(self._seq * PERIOD * 1e6)
            self.hub.publish(Packet(TRACK, self._seq, time_us, time_us, bytes(size), is_keyframe))
            each()
            self.clock.advance(PERIOD)

    def acknowledge_all(self) -> None:
        if self.sender.sent:
            self.subscription.acknowledge(self.sender.sent[-1])

    def assert_decodable(self) -> None:
        """Every packet that was sent follows the one before, or is a key frame."""
        before = 0
        for seq in self.sender.sent:
            assert seq == before + 1 or seq in self.keyframes, self.sender.sent
            before = seq


def test_a_viewer_that_acknowledges_gets_every_packet() -> None:
    watching = Watching()
    watching.subscription.start()
    watching.packets(100, watching.acknowledge_all)
    assert watching.sender.sent == list(range(1, 101))
    assert watching.viewer.drops == 0
    assert watching.viewer.frames == 100
    assert watching.requests <= 1  # before the first


def test_the_kernel_is_not_asked_about_viewers_that_acknowledge() -> None:
    for window in (0, 2):
        watching = Watching(window)
        watching.subscription.start()
        watching.packets(5, watching.acknowledge_all)
        assert watching.sender.caught_up == ([1, 2, 3, 4, 5] if window else [])


def test_packets_are_sent_before_earlier_ones_are_acknowledged() -> None:
    watching = Watching(window=1)
    watching.subscription.start()
    watching.packets(6)
    assert watching.sender.sent == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("window", [0, 2])
def test_a_new_viewer_begins_with_the_cached_group(window: int) -> None:
    watching = Watching(window)
    watching.packets(40)
    watching.subscription.start()
    assert watching.sender.sent == list(range(33, 41))
    watching.packets(3, watching.acknowledge_all)
    assert watching.sender.sent == list(range(33, 44))
    assert watching.viewer.drops == 0
    assert watching.requests == 0


def test_the_cached_group_is_sent_no_faster_than_it_is_acknowledged() -> None:
    watching = Watching()
    size = OPENING_BYTES // 4
    watching.packets(20, size=size)
    watching.subscription.start()
    assert watching.sender.sent == [1, 2, 3, 4]
    watching.subscription.acknowledge(2)
    assert watching.sender.sent == [1, 2, 3, 4, 5, 6, 7, 8]  # two more are on their way
    while watching.sender.sent[-1] < 20:
        watching.acknowledge_all()
    watching.packets(1, watching.acknowledge_all, size=size)
    watching.acknowledge_all()
    assert watching.sender.sent == list(range(1, 22))
    assert watching.viewer.drops == 0


def test_a_viewer_too_slow_for_the_cached_group_continues_with_a_key_frame() -> None:
    watching = Watching(group=1000, on_demand=False)
    watching.packets(100, size=OPENING_BYTES)
    watching.subscription.start()
    assert watching.sender.sent == [1]
    asked = watching.requests
    assert asked == 1

    line = Line(watching, OPENING_BYTES / PERIOD / 2)  # half of what comes
    watching.packets(64, line, size=OPENING_BYTES)
    watching.assert_decodable()
    sent = watching.sender.sent[-1]
    assert sent < 30
    assert watching.requests > asked
    watching.packets(900, line, size=100)
    assert watching.sender.sent[sent] == 1001
    watching.assert_decodable()


def test_a_viewer_that_does_not_acknowledge_gets_packets_of_400_ms_at_most() -> None:
    watching = Watching(on_demand=True)
    watching.subscription.start()
    watching.packets(20, watching.acknowledge_all)
    before = len(watching.sender.sent)
    watching.packets(100)
    assert len(watching.sender.sent) - before <= MAX_DELAY / PERIOD + 1
    assert watching.viewer.drops == 120 - len(watching.sender.sent)


def test_after_a_dead_line_of_3_s_a_viewer_is_in_step_again_within_a_packet() -> None:
    watching = Watching(group=64, on_demand=True)
    watching.subscription.start()
    watching.packets(50, watching.acknowledge_all)
    watching.packets(96)
    watching.acknowledge_all()
    watching.packets(2, watching.acknowledge_all)
    assert watching.sender.sent[-1] == 148
    watching.assert_decodable()
    watching.packets(50, watching.acknowledge_all)
    assert watching.sender.sent[-50:] == list(range(149, 199))
    watching.assert_decodable()


def test_after_a_dead_line_a_viewer_of_a_camera_that_encodes_catches_up_in_the_group() -> None:
    watching = Watching(group=1000)
    watching.subscription.start()
    watching.packets(50, watching.acknowledge_all)
    watching.packets(96)
    watching.packets(60, watching.acknowledge_all)
    assert watching.sender.sent == list(range(1, 207))
    assert watching.viewer.drops == 0


def test_a_slow_viewer_gets_nothing_old_and_whole_groups() -> None:
    """A line that carries half of the stream's bytes."""
    watching = Watching(group=64, on_demand=True)
    watching.subscription.start()
    delays: list[float] = []
    credit = 0.0
    acknowledged = 0

    def line() -> None:
        nonlocal credit, acknowledged
        now = watching.clock.seconds()
        credit = min(credit + 0.5, 3)
        waiting = [seq for seq in watching.sender.sent if seq > acknowledged]
        while waiting and credit >= 1:
            credit -= 1
            acknowledged = waiting.pop(0)
            delays.append(now - (acknowledged - 1) * PERIOD)
            watching.subscription.acknowledge(acknowledged)

    watching.packets(1000, line, size=10_000)
    watching.assert_decodable()
    assert 300 < len(watching.sender.sent) < 600
    assert max(delays) < MAX_DELAY + 6 * PERIOD
    assert sorted(delays)[len(delays) // 2] < MAX_DELAY
    assert watching.viewer.drops == 1000 - len(watching.sender.sent)


def test_without_acknowledgements_packets_wait_while_bytes_are_unsent() -> None:
    watching = Watching(window=0)
    watching.subscription.start()
    watching.packets(3)
    watching.sender.clear = False
    watching.packets(4)
    assert watching.viewer.drops == 4
    watching.sender.clear = True
    watching.subscription.ready()
    assert watching.sender.sent == [1, 2, 3, 4, 5, 6, 7]
    assert watching.viewer.drops == 0


def test_without_acknowledgements_a_blocked_viewer_skips_to_a_key_frame() -> None:
    watching = Watching(window=0, group=64, on_demand=True)
    watching.subscription.start()
    watching.packets(3)
    watching.sender.clear = False
    watching.packets(20)
    watching.sender.clear = True
    watching.subscription.ready()
    watching.packets(3)
    assert watching.keyframes[-1] in watching.sender.sent
    assert watching.sender.sent[-1] == 26
    watching.assert_decodable()


def test_a_viewer_that_reads_nothing_is_disconnected_after_the_limit() -> None:
    watching = Watching(window=0)
    watching.subscription.start()
    watching.sender.clear, watching.sender.bytes_held = False, 70_000
    watching.packets(round(STALL_LIMIT / PERIOD) - 1)
    assert watching.sender.over == ""
    watching.packets(66)
    assert watching.sender.over == "aborted"
    assert len(watching.hub) == 0


def test_a_lower_limit_of_frames_gives_key_frames() -> None:
    watching = Watching(group=32, max_fps=5)
    watching.packets(70)
    watching.subscription.start()
    watching.packets(100, watching.acknowledge_all)
    assert watching.sender.sent == [65, 97, 129, 161]
    assert watching.viewer.drops == 0


def test_a_lower_limit_is_kept_in_the_first_group_after_the_codec_has_changed() -> None:
    watching = Watching(max_fps=4, group=64)
    watching.subscription.follow(0)  # as after another codec
    watching.hub.add(watching.subscription)
    watching.packets(128, watching.acknowledge_all)
    assert 65 in watching.sender.sent
    assert len(watching.sender.sent) < 12


def test_a_limit_that_the_stream_keeps_changes_nothing() -> None:
    watching = Watching(group=32, max_fps=32)
    watching.packets(40)
    watching.subscription.start()
    watching.packets(100, watching.acknowledge_all)
    assert watching.sender.sent == list(range(33, 141))


def test_a_limit_below_the_rate_of_key_frames_is_kept() -> None:
    watching = Watching(group=4, max_fps=2)
    watching.packets(16)
    watching.subscription.start()
    before = len(watching.sender.sent)
    watching.packets(320, watching.acknowledge_all)
    assert 18 <= len(watching.sender.sent) - before <= 22
    assert set(watching.sender.sent) <= set(watching.keyframes)


def test_nothing_of_before_a_stop_is_sent_after_it() -> None:
    watching = Watching()
    watching.subscription.start()
    watching.packets(5, watching.acknowledge_all)
    watching.sender.clear = False
    watching.packets(2)
    watching.hub.clear()
    watching.sender.clear = True
    watching.subscription.ready()
    assert watching.sender.sent == [1, 2, 3, 4, 5]
    watching.keyframes.clear()
    watching.packets(2, watching.acknowledge_all)
    assert watching.sender.sent == [1, 2, 3, 4, 5, 8, 9]


def test_an_input_that_ends_leaves_a_viewer_without_acknowledgements() -> None:
    watching = Watching(window=2, group=1000)
    watching.subscription.start()
    watching.packets(30)
    assert watching.subscription.waits
    assert watching.sender.sent[-1] < 30
    watching.subscription.ignore_acks()
    watching.packets(40)
    assert watching.sender.sent[-1] == 70
    assert not watching.subscription.waits
    watching.assert_decodable()


def test_a_long_round_trip_is_no_slow_line() -> None:
    watching = Watching(group=64)
    watching.subscription.start()

    def answer() -> None:
        if watching._seq > 10:  # a third of a second
            watching.subscription.acknowledge(watching._seq - 10)

    watching.packets(300, answer)
    assert watching.sender.sent == list(range(1, 301))
    assert watching.viewer.drops == 0


def test_a_key_frame_that_fills_a_line_for_a_while_is_followed_by_all_others() -> None:
    """3 Mbit/s, packets of 2 Mbit/s, key frames that take 0.24 s."""
    watching = Watching(group=64)
    watching.subscription.start()
    line = Line(watching, 375_000)
    for number in range(320):
        size = 90_000 if number % 64 == 0 else 8_000
        watching.packets(1, line, size=size)
    assert len(watching.sender.sent) > 310
    watching.assert_decodable()


def test_a_line_of_a_third_of_the_stream_gets_nothing_old_from_the_first_packet_on() -> None:
    """1.5 Mbit/s, packets of 5 Mbit/s: the line's rate is not known at first."""
    watching = Watching(group=64, on_demand=True)
    watching.subscription.start()
    line = Line(watching, 187_500)
    for number in range(640):
        is_key = number % 64 == 0 or watching._is_requested
        watching.packets(1, line, size=50_000 if is_key else 20_000)
    watching.assert_decodable()
    assert max(line.delays) < 1.0
    assert max(line.delays[20:]) < MAX_DELAY + PERIOD
    assert len(line.delays) > 80


def test_a_fast_line_with_a_long_round_trip_loses_nothing_at_the_start() -> None:
    """Packets of 8 Mbit/s that are acknowledged after an eighth of a second."""
    watching = Watching(group=64)
    watching.subscription.start()

    def answer() -> None:
        if watching._seq > 4:
            watching.subscription.acknowledge(watching._seq - 4)

    for number in range(200):
        watching.packets(1, answer, size=100_000 if number % 64 == 0 else 32_000)
    assert watching.sender.sent == list(range(1, 201))
    assert watching.viewer.drops == 0
    assert watching.requests <= 1
