"""A subscription sends the newest frame, and drops frames and viewers that do not read."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.support.sockets import frame
from twistedcam.delivery import LatestSubscription
from twistedcam.delivery.subscription import STALL_LIMIT
from twistedcam.events import EventBus
from twistedcam.media.frame import Frame
from twistedcam.stream.hub import Hub
from twistedcam.stream.viewers import Viewers


class SlowSender:
    """A sender that a test controls."""

    path = "fake"

    def __init__(self) -> None:
        self.clear = True
        self.bytes_held = 0
        self.sent: list[int] = []
        #: The numbers of those that were sent to who had acknowledged all before.
        self.caught_up: list[int] = []
        self.over = ""

    def is_ready(self) -> bool:
        return self.clear

    def offer(self, frame: Frame, is_caught_up: bool = False) -> int:
        if not self.clear:
            return 0
        self.sent.append(frame.seq)
        if is_caught_up:
            self.caught_up.append(frame.seq)
        return len(frame.jpeg)

    def say(self, data: bytes) -> None:
        raise AssertionError("a subscription has nothing to say")

    def unsent_bytes(self) -> int:
        return self.bytes_held

    def finish(self, done: Callable[[], None]) -> None:
        self.over = "finished"
        done()

    def abort(self) -> None:
        self.over = "aborted"

    def close(self) -> None:
        self.over = "closed"


class Watching:
    """A hub, a viewer, and time."""

    def __init__(self, window: int = 0) -> None:
        self.clock = Clock()
        self.hub = Hub()
        self.sender = SlowSender()
        viewers = Viewers(EventBus(), self.clock)
        self.viewer = viewers.join("nowhere", "tcp", "cam", "fake", lambda _: None)
        self.subscription = LatestSubscription(
            self.viewer, self.hub, self.sender, self.clock, None, window
        )
        self.subscription.start()
        self._seq = 0

    def seconds(self, count: float, each: Callable[[], None] = lambda: None) -> None:
        for _ in range(round(count * 10)):
            self._seq += 1
            self.hub.publish(frame(self._seq, 100))
            each()
            self.clock.advance(0.1)


def test_a_viewer_that_reads_nothing_is_disconnected_after_the_limit() -> None:
    watching = Watching()
    watching.sender.clear, watching.sender.bytes_held = False, 70_000
    watching.seconds(STALL_LIMIT)
    assert watching.sender.over == ""
    assert len(watching.hub) == 1
    watching.seconds(0.2)
    assert watching.sender.over == "aborted"
    assert len(watching.hub) == 0


def test_a_viewer_that_reads_very_slowly_stays() -> None:
    watching = Watching()
    watching.sender.clear, watching.sender.bytes_held = False, 70_000

    def read() -> None:
        watching.sender.bytes_held -= 1

    watching.seconds(4 * STALL_LIMIT, read)
    assert watching.sender.over == ""


def test_a_pause_shorter_than_the_limit_is_allowed() -> None:
    watching = Watching()
    for _ in range(5):
        watching.sender.clear, watching.sender.bytes_held = False, 70_000
        watching.seconds(STALL_LIMIT - 1)
        watching.sender.clear = True
        watching.seconds(0.1)
    assert watching.sender.over == ""
    assert len(watching.sender.sent) == 5


def test_a_blocked_viewer_gets_no_old_frame_when_it_is_ready_again() -> None:
    watching = Watching()
    watching.sender.clear = False
    watching.seconds(3)
    watching.sender.clear = True
    watching.subscription.ready()
    assert watching.sender.sent == [30]
    assert watching.viewer.drops == 29


def test_a_viewer_that_is_ready_before_its_turn_gets_the_frame_once() -> None:
    watching = Watching()
    watching.hub.newest = newest = frame(7, 100)
    watching.subscription.ready()
    watching.subscription.take(newest)
    assert watching.sender.sent == [7]
    assert watching.viewer.drops == 0


def test_a_full_window_is_no_stall() -> None:
    watching = Watching(window=2)
    watching.seconds(5 * STALL_LIMIT)
    assert watching.sender.sent == [1, 2]
    assert watching.sender.over == ""
    watching.subscription.acknowledge(1)
    assert watching.sender.sent == [1, 2, 500]


def test_a_viewer_that_has_acknowledged_everything_is_caught_up() -> None:
    watching = Watching(window=2)
    watching.seconds(0.2)  # frames 1 and 2
    watching.subscription.acknowledge(1)
    watching.seconds(0.1)
    watching.subscription.acknowledge(3)
    watching.seconds(0.1)
    assert watching.sender.sent == [1, 2, 3, 4]
    assert watching.sender.caught_up == [1, 4]


def test_without_a_window_a_viewer_is_never_caught_up() -> None:
    watching = Watching(window=0)
    watching.seconds(1)
    assert watching.sender.caught_up == []


def test_finish_goes_through_the_sender() -> None:
    watching = Watching()
    ended: list[bool] = []
    watching.subscription.finish(lambda: ended.append(True))
    watching.seconds(1)
    assert watching.sender.over == "finished"
    assert ended == [True]
    assert watching.sender.sent == []


def test_a_connection_that_fails_when_it_is_ready_again_is_closed() -> None:
    watching = Watching()
    watching.sender.clear = False
    watching.seconds(1)

    def broken(_: Frame) -> int:
        raise ConnectionResetError("it is gone")

    watching.sender.offer = broken  # type: ignore[method-assign]
    watching.subscription.ready()
    assert watching.sender.over == "aborted"
    assert watching.sender.sent == []


class FaultTests(SynchronousTestCase):
    def test_an_internal_error_closes_the_connection(self) -> None:
        watching = Watching()

        def offer(frame: Frame, is_caught_up: bool = False) -> int:
            raise RuntimeError("broken picture")

        self.patch(watching.sender, "offer", offer)
        watching.seconds(0.1)
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)
        self.assertEqual(watching.sender.over, "aborted")
        self.assertEqual(len(watching.hub), 0)
