"""Sound goes to viewers that keep up, and is left out for those that do not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from twisted.internet.task import Clock

from twistedcam.delivery.sound_subscription import MAX_DELAY, SoundFeed, SoundSubscription
from twistedcam.delivery.subscription import STALL_LIMIT
from twistedcam.delivery.udp_sender import UdpSender
from twistedcam.media.packet import Packet
from twistedcam.media.sound_config import sound_track
from twistedcam.stream.hub import Hub
from twistedcam.stream.viewers import Viewer

TRACK = sound_track("aac", b"\x14\x08")


class FakeSender:
    """Has the bytes that were sent; the test says how many are unsent."""

    path = "write"

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.unsent = 0
        self.is_aborted = False

    def send_message(self, data: bytes) -> None:
        self.sent.append(data)

    def queued_bytes(self) -> int:
        return 0

    def unsent_bytes(self) -> int:
        return self.unsent

    def finish(self, done: Callable[[], None]) -> None:
        done()

    def abort(self) -> None:
        self.is_aborted = True


class Listener:
    """A subscription to a hub, and what belongs to it."""

    def __init__(self, window: int = 0) -> None:
        self.clock, self.hub = Clock(), Hub[Packet]()
        self.sender = FakeSender()
        self.viewer = Viewer(1, "here", "tcp", "cam", "write", lambda _: None)
        self.tracks: list[Any] = []
        self.seq = 0

        def join(sink: Any) -> Callable[[], object]:
            self.hub.add(sink)
            return lambda: self.hub.remove(sink)

        self.subscription = SoundSubscription(
            self.viewer,
            self.sender,
            join,
            lambda packet: packet.data,
            self.clock,
            self.tracks.append,
            window,
        )
        self.subscription.start()

    def give(self, count: int = 1, after: float = 0.125) -> int:
        """Let the camera give packets of ten bytes; return how many were sent."""
        before = len(self.sender.sent)
        for _ in range(count):
            self.seq += 1
            self.clock.advance(after)
            self.hub.publish(Packet(TRACK, self.seq, self.seq, self.seq, bytes(10)))
        return len(self.sender.sent) - before


def test_each_packet_is_sent_after_its_track_and_counted() -> None:
    it = Listener()
    assert it.give(30) == 30
    assert it.tracks == [TRACK]
    assert (it.viewer.bytes, it.viewer.drops) == (300, 0)
    it.subscription.stop()
    assert it.give() == 0
    assert len(it.hub) == 0


def test_sound_is_left_out_while_older_bytes_are_unsent() -> None:
    it = Listener()
    it.give(5)
    it.viewer.bytes += 1000  # a picture
    received = 40  # all but the packet before it

    def send_message(data: bytes) -> None:
        it.sender.sent.append(data)
        it.sender.unsent = it.viewer.bytes + len(data) - received

    it.sender.send_message = send_message  # type: ignore[method-assign]
    it.sender.unsent = it.viewer.bytes - received
    assert it.give(20) == MAX_DELAY / 0.125 - 1
    assert it.viewer.drops > 10
    received = it.viewer.bytes - 20
    it.sender.unsent = 20
    assert it.give(3) == 0
    it.sender.unsent = 0
    assert it.give(3) == 3


def test_a_viewer_with_little_under_way_gets_all() -> None:
    it = Listener()
    for _ in range(40):
        it.sender.unsent = 30
        assert it.give() == 1


def test_a_viewer_that_receives_nothing_is_disconnected() -> None:
    it = Listener()
    it.sender.unsent = 10**6
    it.give(int((STALL_LIMIT - 1) / 0.125))
    assert not it.sender.is_aborted
    it.give(20)
    assert it.sender.is_aborted
    assert len(it.hub) == 0


def test_with_a_window_acknowledgements_count() -> None:
    it = Listener(window=2)
    it.sender.unsent = 10**6
    assert not it.subscription.waits
    sent = it.give(20)
    assert sent == int(MAX_DELAY / 0.125)
    assert it.subscription.waits_for(1)
    it.subscription.acknowledge(sent)
    assert not it.subscription.waits
    assert it.give(3) == 3
    it.subscription.ignore_acks()
    it.sender.unsent = 0
    assert it.give(30) == 30


@pytest.mark.parametrize("window", [0, 2])
def test_its_end_is_that_of_the_sender(window: int) -> None:
    it, ended = Listener(window), []
    it.subscription.finish(lambda: ended.append(True))
    assert ended == [True]
    assert len(it.hub) == 0


def test_an_address_that_cannot_be_reached_ends_the_session() -> None:
    class Unreachable(UdpSender):
        def offer(self, frame: Packet, is_caught_up: bool = False) -> int:
            raise OSError("Network is unreachable")

    ended: list[bool] = []
    sockets: Any = None
    local = ("127.0.0.1", 9)
    sender = Unreachable(sockets, local, local, lambda _: None, lambda: ended.append(True))  # type: ignore[arg-type,return-value]
    hub = Hub[Packet]()
    feed = SoundFeed(hub, sender, bytes)  # type: ignore[arg-type]
    hub.publish(Packet(TRACK, 1, 0, 0, b"sound"))
    assert ended == [True]
    feed.close()
