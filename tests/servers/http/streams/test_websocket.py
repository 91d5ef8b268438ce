"""Tests of frames over a WebSocket."""

from __future__ import annotations

import json
import struct
from typing import Any

from wsproto import ConnectionType, WSConnection
from wsproto.events import BytesMessage, CloseConnection, Event, Ping, Pong, Request, TextMessage

from tests.support.http_site import Connection, SiteCase
from twistedcam.delivery.sender import HIGH_WATER
from twistedcam.servers.http.streams import websocket
from twistedcam.servers.http.streams.websocket import ACK_TIMEOUT


class WebSocketTests(SiteCase):
    def setUp(self) -> None:
        super().setUp()
        self.open()

    def open(self) -> None:
        self.early: list[Any] = []
        self.client = WSConnection(ConnectionType.CLIENT)
        self.connection = self.connect()
        self.say(Request(host="localhost", target="/live/door"))
        self.early = self.events()

    def say(self, event: Event) -> None:
        self.connection.send(self.client.send(event))

    def events(self) -> list[Any]:
        self.client.receive_data(self.connection.take())
        early, self.early = self.early, []
        return early + list(self.client.events())

    def pictures(self) -> list[tuple[int, int]]:
        """Return sequence numbers and times of all received frames."""
        found = [each for each in self.events() if isinstance(each, BytesMessage)]
        return [struct.unpack("!QQ", bytes(each.data[:16])) for each in found]  # type: ignore[misc]

    def ack(self, seq: int) -> None:
        self.say(TextMessage(json.dumps({"ack": seq})))

    def test_at_most_two_frames_are_unacknowledged_and_the_newest_is_next(self) -> None:
        for seq in range(2, 7):
            self.show(seq)
        self.assertEqual(self.pictures(), [(1, 1_001_000_000), (2, 1_002_000_000)])
        self.ack(1)
        self.assertEqual(self.pictures(), [(6, 1_006_000_000)])

    def test_a_ping_is_answered(self) -> None:
        self.say(Ping(b"x"))
        self.assertTrue(any(isinstance(each, Pong) for each in self.events()))

    def test_a_viewer_that_acknowledges_nothing_is_disconnected(self) -> None:
        self.clock.advance(ACK_TIMEOUT)
        self.assertEqual(len(self.server.viewers), 1)
        self.clock.advance(ACK_TIMEOUT)
        self.assertEqual(len(self.server.viewers), 0)
        self.assertTrue(any(isinstance(each, CloseConnection) for each in self.events()))
        self.assertTrue(self.connection.transport.disconnecting)

    def test_an_acknowledgement_of_an_unsent_frame_is_ignored(self) -> None:
        self.show(2)
        self.pictures()
        for _ in range(4):
            self.clock.advance(ACK_TIMEOUT / 2)
            if not self.connection.transport.disconnecting:
                self.ack(0)
        self.assertTrue(self.connection.transport.disconnecting)

    def test_pings_are_answered_in_steps_and_reading_pauses_meanwhile(self) -> None:
        transport = self.connection.transport
        self.events()
        self.connection.channel.dataReceived(self.client.send(Ping(b"x")) * 1000)
        self.assertEqual(transport.producerState, "paused")
        self.assertLess(len(self.events()), 100)
        while self.clock.getDelayedCalls():
            if transport.producerState == "producing":
                break
            self.clock.advance(0)
        self.assertEqual(transport.producerState, "producing")

    def test_a_viewer_that_does_not_read_pongs_is_disconnected(self) -> None:
        transport = self.connection.transport
        self.ack(1)
        self.events()
        transport.producer.pauseProducing()  # as transports do
        self.connection.channel.dataReceived(self.client.send(Ping(b"x" * 100)) * 1000)
        for _ in range(10):
            self.clock.advance(0)
        self.assertEqual(transport.producerState, "paused")
        self.assertLess(len(transport.value()), 2 * HIGH_WATER)
        for _ in range(2):
            self.clock.advance(ACK_TIMEOUT)
        self.assertTrue(transport.disconnecting)
        self.assertEqual(len(self.server.viewers), 0)

    def test_an_acknowledgement_may_arrive_byte_by_byte(self) -> None:
        self.pictures()
        self.show(2)
        for byte in self.client.send(TextMessage('{"ack": 1}')):
            self.connection.send(bytes([byte]))
        self.show(3)
        self.assertEqual([seq for seq, _ in self.pictures()], [2, 3])

    def test_data_with_the_request_is_handled(self) -> None:
        client = WSConnection(ConnectionType.CLIENT)
        request = client.send(Request(host="localhost", target="/live/door"))
        connection = self.connect()
        ping = bytes([0x89, 0x81, 0, 0, 0, 0]) + b"x"
        connection.channel.dataReceived(request + ping)
        self.clock.advance(0)
        self.assertTrue(connection.take().endswith(b"\x8a\x01x"))

    def test_invalid_messages_close_the_connection(self) -> None:
        for text in ("x", "{}", "[]", '{"ack": "1"}', "1", "x" * 2000):
            self.open()
            self.say(TextMessage(text))
            self.assertTrue(self.connection.transport.disconnecting, text)

    def test_closing_leaves_nothing(self) -> None:
        self.connection.channel.connectionLost()
        self.assertEqual((len(self.server.viewers), len(self.door.hub)), (0, 0))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_a_page_of_another_site_gets_no_error_page(self) -> None:
        client = WSConnection(ConnectionType.CLIENT)
        connection: Connection = self.connect()
        origin = [(b"Origin", b"http://evil.example")]
        request = Request(host="localhost", target="/live", extra_headers=origin)
        connection.send(client.send(request))
        self.assertTrue(connection.take().startswith(b"HTTP/1.1 403 "))

    def test_a_plain_request_gets_the_https_address(self) -> None:
        self.assertIn("/stream", self.ask("GET", "/live").json["message"])
        self.assertEqual(self.status, 400)


class HandshakeTests(SiteCase):
    def test_a_handshake_needs_get_over_http_1_1(self) -> None:
        upgrade = (
            b"Host: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEA==\r\n"
        )
        for first, more, status in (
            (b"GET /live HTTP/1.1", b"", b"101"),
            (b"GET /live HTTP/1.1", b"Transfer-Encoding: identity\r\n", b"101"),
            (b"GET /live HTTP/1.1", b"Connection: close\r\n", b"400"),
            (b"GET /live HTTP/1.1", b"X: \xff\r\n", b"101"),
            (b"GET /live HTTP/1.0", b"", b"400"),
            (b"HEAD /live HTTP/1.1", b"", b"400"),
            (b"GET /live HTTP/1.1", b"Sec-WebSocket-Version: \xff\r\n", b"400"),
            (b"GET /live HTTP/1.1", b"Transfer-Encoding: gzip\r\n", b"400"),
        ):
            data = first + b"\r\n" + upgrade + more + b"\r\n"
            self.assertEqual(self.answered(data), status, data)
        self.assertEqual(self.answered(b"GET /live HTTP/1.0\r\n\r\n"), b"400")
        # Data in the same packet reaches the WebSocket.
        self.assertEqual(self.answered(b"GET /live HTTP/1.1\r\n" + upgrade + b"\r\n\xff"), b"101")

    def test_the_bytes_of_a_websocket_message(self) -> None:
        for text, end in (
            ('{"ack": 1}'.ljust(websocket.MAX_MESSAGE), []),
            ('{"ack": 1}'.ljust(websocket.MAX_MESSAGE + 1), [1002]),
            ("[" * websocket.MAX_MESSAGE, [1002]),
        ):
            client = WSConnection(ConnectionType.CLIENT)
            connection = self.connect()
            connection.send(client.send(Request(host="localhost", target="/live/door")))
            client.receive_data(connection.take())
            list(client.events())
            connection.send(client.send(TextMessage(text)))
            client.receive_data(connection.take())
            found = [each.code for each in client.events() if isinstance(each, CloseConnection)]
            self.assertEqual(found, end, text[:20])

    def test_a_half_closed_websocket_is_closed(self) -> None:
        connection = self.connect()
        connection.ask("GET", "/live/door", Upgrade="websocket", Connection="Upgrade",
                       Sec_WebSocket_Version="13", Sec_WebSocket_Key="AQIDBAUGBwgJCgsMDQ4PEA==",
                       )  # fmt: skip
        connection.channel.readConnectionLost()
        self.assertTrue(connection.transport.aborted)
        connection.channel.connectionLost()
