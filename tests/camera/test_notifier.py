"""StateNotifier publishes events in order, between the steps of a machine."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.support.fakes import TINY_JPEG
from twistedcam.camera.notifier import StateNotifier
from twistedcam.errors import CameraFailed
from twistedcam.events import CameraChanged, Event, EventBus
from twistedcam.media.frame import Frame

FRAME = Frame(1, 0, 1, 1, TINY_JPEG)


class NotifierTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.order: list[str] = []
        bus = EventBus()
        bus.subscribe(self.hear)
        self.notifier = StateNotifier(bus, lambda _: self.order.append("frame"), self.clock)
        self.asks_for_more = False

    def hear(self, event: Event) -> None:
        assert isinstance(event, CameraChanged)
        self.order.append(event.state)
        if self.asks_for_more:
            self.asks_for_more = False
            self.notifier.step(self.enter, "stopped")

    def enter(self, state: str) -> None:
        self.order.append(f"enter {state}")
        first = FRAME if state == "live" else None
        self.notifier.add(CameraChanged("cam", state, "unplugged"), first)

    def test_an_event_is_published_after_the_step_and_before_its_frame_and_answers(self) -> None:
        started = self.notifier.wait()
        started.addCallback(lambda _: self.order.append("answer"))
        self.notifier.step(self.enter, "live")
        self.assertEqual(self.order, ["enter live", "live", "frame", "answer"])

    def test_what_a_listener_asks_for_is_done_at_once_and_published_in_its_turn(self) -> None:
        self.asks_for_more = True
        self.notifier.step(self.enter, "live")
        self.assertEqual(self.order, ["enter live", "live", "enter stopped", "frame", "stopped"])

    def test_a_start_fails_with_the_reason_unless_it_is_live(self) -> None:
        for state, said in (("stopped", "unplugged"), ("recovering", "keeps trying")):
            started = self.notifier.wait()
            self.notifier.step(self.enter, "starting")
            self.assertNoResult(started)
            self.notifier.step(self.enter, state)
            self.assertIn(said, str(self.failureResultOf(started, CameraFailed).value))

    def test_waiting_ends_at_its_limit(self) -> None:
        self.notifier.limit(1.0, None)  # nobody waits
        self.assertEqual(self.clock.getDelayedCalls(), [])
        started = self.notifier.wait()
        self.notifier.limit(2.0, None)
        self.clock.advance(2.0)
        self.assertIn("within 2 s", str(self.failureResultOf(started, CameraFailed).value))
        started = self.notifier.wait()
        self.notifier.limit(2.0, None)
        self.notifier.step(self.enter, "live")
        self.successResultOf(started)
        self.assertEqual(self.clock.getDelayedCalls(), [])
