"""Tests of server-sent events."""

from __future__ import annotations

import json

from tests.support.http_site import SiteCase
from twistedcam.events import CameraChanged, Fault
from twistedcam.servers.http.streams import sse as events


class EventTests(SiteCase):
    def test_events_are_sent_at_once(self) -> None:
        connection = self.connect()
        connection.send(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        self.assertIn(b"Content-Type: text/event-stream", connection.take())
        self.server.events.publish(CameraChanged("yard", "starting"))
        kind, data, *_ = connection.take().decode().split("\n")
        self.assertEqual(kind, "event: state")
        told = json.loads(data.removeprefix("data: "))
        self.assertEqual((told["camera"], told["state"]), ("yard", "starting"))

    def test_events_may_be_of_one_camera(self) -> None:
        connection = self.connect()
        connection.send(b"GET /events?camera=door HTTP/1.1\r\nHost: localhost\r\n\r\n")
        connection.take()
        self.server.events.publish(CameraChanged("yard", "starting"))
        self.assertEqual(connection.take(), b"")
        self.assertEqual(self.ask("GET", "/events?camera=attic").json["code"], "no-such-camera")

    def test_a_client_that_does_not_read_is_disconnected(self) -> None:
        connection = self.connect()
        connection.send(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        connection.transport.producer.pauseProducing()
        for number in range(5000):
            self.server.events.publish(CameraChanged("yard", "recovering", f"reason {number}"))
        self.assertTrue(connection.transport.aborted)
        self.assertLess(len(connection.take()), 300_000)

    def test_the_bytes_of_events_that_wait_are_limited(self) -> None:
        connection = self.connect()
        connection.ask("GET", "/events")
        connection.transport.producer.pauseProducing()
        fault = Fault("door", "test", "x" * 1000)
        for _ in range(events.MAX_WAITING // 1100):
            self.server.events.publish(fault)
        self.assertFalse(connection.transport.aborted)
        connection.transport.producer.resumeProducing()
        connection.transport.producer.pauseProducing()
        for _ in range(events.MAX_WAITING // 1000):
            self.server.events.publish(fault)
        self.assertTrue(connection.transport.aborted)

    def test_statistics_do_not_wait_for_a_client_that_is_busy(self) -> None:
        connection = self.connect()
        connection.ask("GET", "/events?figures=1")
        connection.transport.producer.pauseProducing()
        for _ in range(1000):  # 1 MB
            self.stats._notify()
        self.server.events.publish(CameraChanged("yard", "starting"))
        self.assertFalse(connection.transport.aborted)
        self.assertNotIn(b"figures", waited := connection.take())
        self.assertIn(b"event: state", waited)
        connection.transport.producer.resumeProducing()
        self.stats._notify()
        self.assertIn(b"event: figures", connection.take())
        connection.channel.connectionLost()

    def test_a_client_that_never_reads_is_disconnected(self) -> None:
        connection = self.connect()
        connection.ask("GET", "/events?figures=1")
        connection.transport.producer.pauseProducing()
        self.clock.pump([events.HEARTBEAT] * (events.MAX_UNREAD - 1))
        self.assertFalse(connection.transport.aborted)
        self.clock.advance(events.HEARTBEAT)
        self.assertTrue(connection.transport.aborted)

    def test_a_parameter_that_is_not_utf_8_is_refused(self) -> None:
        answer = self.ask("GET", "/events?camera=%ff")
        self.assertEqual((self.status, answer.json["code"]), (400, "bad-argument"))

    def test_a_half_closed_client_still_gets_events(self) -> None:
        connection = self.connect()
        connection.ask("GET", "/events")
        connection.channel.readConnectionLost()
        self.clock.advance(30)
        self.assertFalse(connection.transport.disconnecting)
        self.assertIn(b"still here", connection.take())
        connection.channel.connectionLost()
        self.assertEqual(self.clock.getDelayedCalls(), [])
