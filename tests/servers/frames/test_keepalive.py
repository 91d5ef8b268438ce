"""The timeouts of a client of the frame port."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from twistedcam.errors import Silence
from twistedcam.servers.frames.keepalive import (
    JOIN_TIMEOUT,
    MESSAGE_LIMIT,
    PING_AFTER,
    SILENCE_LIMIT,
    KeepAlive,
)


class KeepAliveTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.pings: list[float] = []
        self.timeouts: list[str] = []
        self.message: int | None = None
        self.it = KeepAlive(
            self.clock,
            lambda: self.pings.append(self.clock.seconds()),
            lambda why: self.timeouts.append(str(why)),
            lambda: self.message,
        )
        self.addCleanup(lambda: self.assertEqual(self.clock.getDelayedCalls(), []))
        self.addCleanup(self.it.close)

    def run_for(self, seconds: float) -> None:
        self.clock.pump([0.5] * round(seconds * 2))

    def test_a_join_has_a_time_limit(self) -> None:
        self.it.await_join()
        self.run_for(JOIN_TIMEOUT - 0.5)
        self.assertEqual(self.timeouts, [])
        self.run_for(0.5)
        self.assertEqual(self.timeouts, ["no JOIN was received within 10 s"])

    def test_a_silent_client_is_pinged_and_then_given_up(self) -> None:
        self.it.watch()
        self.run_for(SILENCE_LIMIT)
        self.assertEqual(self.pings, [PING_AFTER, 2 * PING_AFTER])
        self.assertEqual(self.timeouts, ["nothing was received for 15 s"])

    def test_a_client_that_sends_is_not_pinged(self) -> None:
        self.it.watch()
        for _ in range(60):
            self.it.received_at = self.clock.seconds()
            self.run_for(1)
        self.assertEqual((self.pings, self.timeouts), ([], []))

    def test_a_message_that_does_not_end_has_a_time_limit(self) -> None:
        self.it.watch()
        self.message = 7
        for _ in range(round(MESSAGE_LIMIT + 3 * PING_AFTER)):
            self.it.received_at = self.clock.seconds()
            self.run_for(1)
        self.assertEqual(self.timeouts, [f"a message took longer than {MESSAGE_LIMIT:g} s"])

    def test_a_client_with_a_closed_half_is_pinged_and_never_given_up(self) -> None:
        self.it.watch_half()
        self.run_for(10 * SILENCE_LIMIT)
        self.assertEqual(len(self.pings), 1 + 10 * SILENCE_LIMIT // PING_AFTER)
        self.assertEqual(self.timeouts, [])

    def test_after_the_end_nothing_is_called(self) -> None:
        self.it.watch()
        self.it.close()
        self.run_for(SILENCE_LIMIT)
        self.it._on_timeout(Silence("late"))
        self.assertEqual((self.pings, self.timeouts), ([], []))
