"""The web side's limits: what is just within them passes, what is over gets one answer."""

from __future__ import annotations

import json

from wsproto import ConnectionType, WSConnection
from wsproto.events import CloseConnection, Request, TextMessage

from tests.support.http_site import Connection, SiteCase
from twistedcam.events import Fault
from twistedcam.servers.http.api import commands as api
from twistedcam.servers.http.connection import channel, request
from twistedcam.servers.http.streams import sse as events
from twistedcam.servers.http.streams import websocket

CAMERA = "/api/v1/cameras/door"


def head_of(total: int, count: int, address: bytes = b"/api/v1/cameras") -> bytes:
    """A request with so many headers, of so many bytes together, line ends left out."""
    lines = [b"GET " + address + b" HTTP/1.1", b"Host: localhost"]
    lines += [b"X-%d: " % number for number in range(count - 1)]
    if count > 1:
        lines[-1] += b"x" * (total - sum(map(len, lines)))
    return b"\r\n".join(lines) + b"\r\n\r\n"


class LimitTests(SiteCase):
    def sent(self, data: bytes) -> Connection:
        """A connection that has sent this; what it was answered is in ``head``."""
        connection = self.connect()
        connection.send(data)
        connection.head = connection.take().partition(b"\r\n")[0].decode()
        return connection

    def refused(self, connection: Connection, status: int) -> None:
        """It was told so, once, and is at its end."""
        self.assertEqual(connection.head.split()[1:2], [str(status)])
        self.assertTrue(connection.transport.disconnecting or connection.channel.over)

    def test_the_number_of_headers(self) -> None:
        most = channel.MAX_HEADERS
        self.assertIn(" 200 ", self.sent(head_of(5000, most)).head)
        self.refused(self.sent(head_of(5000, most + 1)), 400)

    def test_the_bytes_of_headers(self) -> None:
        most = channel.MAX_HEADER_BYTES
        self.assertIn(" 200 ", self.sent(head_of(most, 3)).head)
        self.refused(self.sent(head_of(most + 1, 3)), 400)

    def test_an_address_counts_among_them(self) -> None:
        address = b"/api/v1/cameras?token="
        self.assertIn(" 200 ", self.sent(head_of(0, 1, address + b"x" * 16_000)).head)
        for size in (16_384, 17_000, 100_000):
            self.refused(self.sent(head_of(0, 1, address + b"x" * size)), 400)

    def test_a_line_without_end(self) -> None:
        self.refused(self.sent(b"GET /" + b"x" * 20_000), 400)

    def test_the_bytes_of_a_body(self) -> None:
        for size, status in ((request.MAX_BODY, 200), (request.MAX_BODY + 1, 413)):
            body = b'{"quality": 55' + b" " * (size - 15) + b"}"
            self.assertEqual(len(body), size)
            self.ask("PATCH", CAMERA, body)
            self.assertEqual(self.status, status)

    def test_the_characters_of_a_parameter(self) -> None:
        for size in (api.MAX_WORD, api.MAX_WORD + 1):
            answer = self.ask(
                "POST", f"{CAMERA}/record/start", json.dumps({"name": "x" * size}).encode()
            )
            too_long = f"one line of at most {api.MAX_WORD} characters"
            self.assertEqual(too_long in answer.json["message"], size > api.MAX_WORD)
            self.assertEqual(self.status, 400)

    def test_the_seconds_between_two_requests(self) -> None:
        connection = self.connect()
        self.assertEqual(connection.ask("GET", "/api/v1/cameras"), 200)
        self.clock.advance(channel.IDLE_TIMEOUT - 1)
        self.assertFalse(connection.transport.disconnecting)
        self.assertEqual(connection.ask("GET", "/api/v1/cameras"), 200)
        self.clock.advance(channel.IDLE_TIMEOUT)
        self.assertTrue(connection.transport.disconnecting)

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

    def test_the_bytes_of_events_that_wait(self) -> None:
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
