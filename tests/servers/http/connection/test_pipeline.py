"""Pipelined requests are answered one after the other, however many are sent at once."""

from __future__ import annotations

from functools import partial
from typing import Any
from unittest.mock import patch

from twisted.internet.task import Clock

from tests.support.http_site import Connection, SiteCase
from twistedcam.runtime.scheduler import TIME_SLICE, Scheduler
from twistedcam.servers.http import Guard, HttpFactory
from twistedcam.servers.http.connection.pipeline import MAX_REQUESTS
from twistedcam.servers.http.connection.stall import StallWatch

PING = b"GET /api/v1/ping HTTP/1.1\r\nHost: localhost\r\n\r\n"


class Reactor(Clock):
    """One whose iterations take a millisecond, so that one can be looked at after the other."""

    def callLater(self, delay: float, *arguments: Any, **named: Any) -> Any:
        return super().callLater(max(delay, 0.001), *arguments, **named)


class PipelineTests(SiteCase):
    def answers(self, connection: Connection) -> int:
        return connection.take().count(b"HTTP/1.1 200 ")

    def costly(self) -> Connection:
        """A connection to a site on which each step takes a whole time slice."""
        self.spent = 0.0

        def measure() -> float:
            self.spent += TIME_SLICE
            return self.spent

        self.reactor = Reactor()
        self.server.scheduler = Scheduler(self.reactor, measure, immediate=TIME_SLICE)
        answer = partial(self.router.answer, Guard())
        self.factory = HttpFactory(answer, self.server)
        return self.connect()

    def test_many_requests_at_once_are_answered_one_a_time_slice(self) -> None:
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

    def test_no_request_is_parsed_while_responses_are_not_read(self) -> None:
        connection = self.connect()
        connection.transport.producer.pauseProducing()
        connection.send(PING * 100)
        self.clock.advance(1)
        self.assertEqual(self.answers(connection), 0)
        self.assertEqual(connection.transport.producerState, "paused")
        connection.transport.producer.resumeProducing()
        self.clock.advance(0)
        self.assertEqual(self.answers(connection), 100)

    def test_no_request_is_parsed_while_one_is_being_answered(self) -> None:
        connection = self.connect()
        connection.send(b"GET /snapshot?after=1 HTTP/1.1\r\nHost: localhost\r\n\r\n" + PING)
        self.assertEqual(connection.take(), b"")
        self.show(2)
        self.clock.advance(0)
        first, second = connection.take().split(b"HTTP/1.1 ")[1:]
        self.assertIn(b"X-Sequence: 2", first)
        self.assertIn(b"application/json", second)

    def test_no_request_is_parsed_while_the_kernel_has_responses(self) -> None:
        connection = self.connect()
        held = 1 << 20
        with patch.object(StallWatch, "unread", lambda _: held):
            connection.send(PING * 3)  # the first has nothing before it
            self.clock.advance(5)
            self.assertEqual(self.answers(connection), 1)
            held = 0
            self.clock.advance(1)
        self.assertEqual(self.answers(connection), 2)

    def test_the_last_of_many_requests_closes_the_connection(self) -> None:
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

    def test_a_lost_connection_leaves_nothing(self) -> None:
        connection = self.costly()
        connection.send(PING * 20)
        connection.channel.connectionLost()
        self.reactor.advance(60)
        self.assertEqual(self.clock.getDelayedCalls() + self.reactor.getDelayedCalls(), [])
