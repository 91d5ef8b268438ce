"""Events: in order, to all, whatever a listener does."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from twistedcam.events import Event, EventBus, Fault, MotionChanged, new_event_id


def fault(reason: str) -> Fault:
    return Fault("cam", "camera-failed", reason)


class EventBusTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.bus = EventBus()
        self.heard: list[Event] = []

    def test_all_hear_all_in_order(self) -> None:
        other: list[Event] = []
        self.bus.subscribe(self.heard.append)
        self.bus.subscribe(other.append)
        self.bus.publish(fault("a"))
        self.bus.publish(fault("b"))
        self.assertEqual(self.heard, [fault("a"), fault("b")])
        self.assertEqual(other, self.heard)

    def test_who_unsubscribed_hears_nothing(self) -> None:
        unsubscribe = self.bus.subscribe(self.heard.append)
        unsubscribe()
        unsubscribe()
        self.bus.publish(fault("a"))
        self.assertEqual(self.heard, [])

    def test_who_is_unsubscribed_by_another_listener_hears_no_more_of_that_very_event(self) -> None:
        self.bus.subscribe(lambda event: unsubscribe())
        unsubscribe = self.bus.subscribe(self.heard.append)
        self.bus.publish(fault("a"))
        self.assertEqual(self.heard, [])

    def test_two_subscriptions_of_one_listener_end_one_by_one(self) -> None:
        self.bus.subscribe(self.heard.append)
        self.bus.subscribe(self.heard.append)()
        self.bus.publish(fault("a"))
        self.assertEqual(self.heard, [fault("a")])

    def test_an_event_caused_by_a_listener_comes_after_its_cause_for_all(self) -> None:
        def cause(event: Event) -> None:
            if event == fault("a"):
                self.bus.publish(fault("b"))

        self.bus.subscribe(cause)
        self.bus.subscribe(self.heard.append)
        self.bus.publish(fault("a"))
        self.assertEqual(self.heard, [fault("a"), fault("b")])

    def test_a_listener_that_fails_costs_nobody_an_event(self) -> None:
        def fail(event: Event) -> None:
            raise RuntimeError("broken listener")

        self.bus.subscribe(fail)
        self.bus.subscribe(self.heard.append)
        self.bus.publish(fault("a"))
        self.assertEqual(self.heard, [fault("a")])
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

    def test_fields_that_are_none_are_not_told(self) -> None:
        event = Fault(None, "disk", "full")
        self.assertEqual(event.as_dict(), {"code": "disk", "reason": "full"})

    def test_the_id_of_a_motion_does_not_replace_the_name_of_the_event_in_json(self) -> None:
        event = MotionChanged("cam", "begin", "0a", 12.5, (0.0, 0.25, 0.5, 0.5))
        self.assertEqual(event.as_dict()["event"], "0a")
        self.assertEqual(event.as_json()["event"], "motion")
        self.assertEqual(event.as_json()["id"], "0a")

    def test_ids_are_distinct_and_in_the_order_of_time(self) -> None:
        first, second = new_event_id(1_700_000_000.0), new_event_id(1_700_000_000.001)
        self.assertLess(first, second)
        self.assertEqual(len({new_event_id(1.0) for _ in range(50)}), 50)
