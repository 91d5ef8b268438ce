"""Requests are answered in turns: of one connection, of many, and of several addresses."""

from __future__ import annotations

from functools import partial
from typing import Any
from unittest.mock import patch

from twisted.internet.task import Clock

from tests.support.http_site import Connection, SiteCase
from twistedcam.servers.http import Guard, HttpFactory
from twistedcam.servers.http.connection.paced import MAX_REQUESTS
from twistedcam.servers.http.connection.stall import StallWatch
from twistedcam.servers.http.connection.turns import TURN, Turns

PING = b"GET /api/v1/ping HTTP/1.1\r\nHost: localhost\r\n\r\n"


class Reactor(Clock):
    """One whose turns take a millisecond, so that one can be looked at after the other."""

    def callLater(self, delay: float, *arguments: Any, **named: Any) -> Any:
        return super().callLater(max(delay, 0.001), *arguments, **named)

    def turn(self) -> None:
        self.advance(0.0015)


class Job:
    """Work of so many steps, each of which takes some time."""

    def __init__(self, turns: Time, source: str, steps: int, cost: float = TURN) -> None:
        self.turns, self.source, self.left, self.cost = turns, source, steps, cost

    def work(self) -> bool:
        self.turns.spent += self.cost
        self.turns.done.append(self.source)
        self.left -= 1
        return self.left > 0


class Time:
    """A scheduler on a clock that stands still, and what was done on it."""

    def __init__(self) -> None:
        self.clock = Reactor()
        self.spent = 0.0
        self.done: list[str] = []
        #: How much had been done at each pause.
        self.pauses: list[int] = []
        self.turns = Turns(
            self.clock, lambda: self.spent, lambda: self.pauses.append(len(self.done))
        )

    def ask(self, source: str, steps: int, cost: float = TURN) -> Job:
        job = Job(self, source, steps, cost)
        self.turns.ask(source, job)
        return job


def test_who_asks_alone_is_served_at_once() -> None:
    time = Time()
    time.ask("a", 1)
    assert time.done == ["a"]
    assert time.clock.getDelayedCalls() == []


def test_a_turn_ends_after_some_milliseconds_and_the_rest_follows() -> None:
    time = Time()
    time.ask("a", 10, TURN / 2)
    for count in (1, 3, 5, 7, 9, 10):  # two in each turn
        assert time.done == ["a"] * count
        time.clock.turn()
    assert time.clock.getDelayedCalls() == []


def test_addresses_take_turns_however_many_connections_one_has() -> None:
    time = Time()
    for _ in range(20):
        time.ask("many", 5, TURN / 8)
    time.ask("one", 1, TURN / 8)
    time.clock.turn()
    assert time.done.index("one") < 20


def test_an_address_alone_gets_all_the_time_and_others_are_served_in_between() -> None:
    time = Time()
    time.ask("greedy", 10_000)
    for count in range(2, 1000):
        time.clock.turn()
        assert len(time.done) == count
    time.ask("other", 1)
    time.clock.turn()
    time.clock.turn()
    assert "other" in time.done


def test_other_threads_may_run_after_each_turn_s_work() -> None:
    time = Time()
    time.ask("a", 7, TURN / 2)
    for _ in range(3):
        time.clock.turn()
    assert time.pauses == [3, 5]


def test_one_that_has_gone_is_not_asked_any_more() -> None:
    time = Time()
    job = time.ask("a", 10)
    time.turns.forget("a", job)
    time.turns.forget("a", job)
    time.clock.advance(1)
    assert time.done == ["a"]


def test_nothing_is_kept_of_an_address_that_has_no_work() -> None:
    time = Time()
    for number in range(100):
        time.ask(str(number), 3)
    time.clock.pump([0.0015] * 400)
    assert len(time.done) == 300
    assert not time.turns._waiting and not time.turns._queued


class PipelineTests(SiteCase):
    def answers(self, connection: Connection) -> int:
        return connection.take().count(b"HTTP/1.1 200 ")

    def costly(self) -> Connection:
        """A connection to a site on which each step takes a whole turn."""
        self.spent = 0.0

        def measure() -> float:
            self.spent += TURN
            return self.spent

        self.reactor = Reactor()
        answer = partial(self.router.answer, Guard())
        self.factory = HttpFactory(answer, self.clock, turns=Turns(self.reactor, measure))
        return self.connect()

    def test_many_requests_at_once_are_answered_one_a_turn(self) -> None:
        connection = self.costly()
        connection.send(PING * 20)
        for _ in range(20):
            self.assertEqual(self.answers(connection), 1)
            self.reactor.advance(0.1)
        self.assertEqual(self.answers(connection), 0)

    def test_nothing_is_read_while_requests_wait(self) -> None:
        connection = self.costly()
        connection.send(PING * 3)
        self.assertEqual(connection.transport.producerState, "paused")
        for _ in range(3):
            self.reactor.advance(0.1)
        self.assertEqual(connection.transport.producerState, "producing")

    def test_no_request_is_looked_at_while_answers_are_not_taken(self) -> None:
        connection = self.connect()
        connection.transport.producer.pauseProducing()
        connection.send(PING * 100)
        self.clock.advance(1)
        self.assertEqual(self.answers(connection), 0)
        self.assertEqual(connection.transport.producerState, "paused")
        connection.transport.producer.resumeProducing()
        self.clock.advance(0)
        self.assertEqual(self.answers(connection), 100)

    def test_no_request_is_looked_at_while_one_is_being_answered(self) -> None:
        connection = self.connect()
        connection.send(b"GET /snapshot?after=1 HTTP/1.1\r\nHost: localhost\r\n\r\n" + PING)
        self.assertEqual(connection.take(), b"")
        self.show(2)
        self.clock.advance(0)
        first, second = connection.take().split(b"HTTP/1.1 ")[1:]
        self.assertIn(b"X-Sequence: 2", first)
        self.assertIn(b"application/json", second)

    def test_no_request_is_looked_at_while_the_kernel_has_answers(self) -> None:
        connection = self.connect()
        held = 1 << 20
        with patch.object(StallWatch, "unread", lambda _: held):
            connection.send(PING * 3)  # the first has nothing before it
            self.clock.advance(5)
            self.assertEqual(self.answers(connection), 1)
            held = 0
            self.clock.advance(1)
        self.assertEqual(self.answers(connection), 2)

    def test_a_connection_ends_after_many_requests_and_says_so(self) -> None:
        connection = self.connect()
        for _ in range(MAX_REQUESTS - 1):
            connection.send(PING)
        self.assertNotIn(b"Connection: close", connection.take())
        connection.send(PING * 2)
        last = connection.take()
        self.assertEqual(last.count(b" 200 OK"), 1)
        self.assertIn(b"Connection: close", last)
        self.assertTrue(connection.transport.disconnecting)

    def test_a_body_of_tiny_chunks_is_taken_in_steps(self) -> None:
        head = PING.replace(b"GET", b"POST")[:-2] + b"Transfer-Encoding: chunked\r\n\r\n"
        connection = self.connect()
        connection.send(head + b"1\r\n \r\n" * 5000 + b"0\r\n\r\n" + PING)
        self.assertEqual(connection.take(), b"")
        self.clock.advance(0)
        refused, answered = connection.take().split(b"HTTP/1.1 ")[1:]
        self.assertTrue(refused.startswith(b"405 "))
        self.assertTrue(answered.startswith(b"200 "))

    def test_a_connection_that_is_lost_leaves_nothing(self) -> None:
        connection = self.costly()
        connection.send(PING * 20)
        connection.channel.connectionLost()
        self.reactor.advance(60)
        self.assertEqual(self.clock.getDelayedCalls() + self.reactor.getDelayedCalls(), [])
