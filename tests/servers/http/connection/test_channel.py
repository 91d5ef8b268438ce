"""Tests of connections: limits of heads and time, and invalid input."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.support.http_site import Connection, SiteCase
from twistedcam.servers.http.connection import channel
from twistedcam.servers.http.connection.channel import REQUEST_TIMEOUT


def head_of(total: int, count: int, address: bytes = b"/api/v1/cameras") -> bytes:
    """Return a request with that number of headers and of bytes, without line ends."""
    lines = [b"GET " + address + b" HTTP/1.1", b"Host: localhost"]
    lines += [b"X-%d: " % number for number in range(count - 1)]
    if count > 1:
        lines[-1] += b"x" * (total - sum(map(len, lines)))
    return b"\r\n".join(lines) + b"\r\n\r\n"


class HeadLimitTests(SiteCase):
    def sent(self, data: bytes) -> Connection:
        """Return a connection that has sent the data, with the status line in ``head``."""
        connection = self.connect()
        connection.send(data)
        connection.head = connection.take().partition(b"\r\n")[0].decode()
        return connection

    def refused(self, connection: Connection, status: int) -> None:
        """Check that the connection was refused with this status and is closed."""
        self.assertEqual(connection.head.split()[1:2], [str(status)])
        self.assertTrue(connection.transport.disconnecting or connection.channel.is_stopped)

    def test_the_number_of_headers_is_limited(self) -> None:
        most = channel.MAX_HEADERS
        self.assertIn(" 200 ", self.sent(head_of(5000, most)).head)
        self.refused(self.sent(head_of(5000, most + 1)), 400)

    def test_the_bytes_of_headers_are_limited(self) -> None:
        most = channel.MAX_HEADER_BYTES
        self.assertIn(" 200 ", self.sent(head_of(most, 3)).head)
        self.refused(self.sent(head_of(most + 1, 3)), 400)

    def test_the_request_line_counts_as_head(self) -> None:
        address = b"/api/v1/cameras?token="
        self.assertIn(" 200 ", self.sent(head_of(0, 1, address + b"x" * 16_000)).head)
        for size in (16_384, 17_000, 100_000):
            self.refused(self.sent(head_of(0, 1, address + b"x" * size)), 400)

    def test_an_endless_line_is_refused(self) -> None:
        self.refused(self.sent(b"GET /" + b"x" * 20_000), 400)

    def test_long_heads_are_refused(self) -> None:
        connection = self.connect()
        connection.send(b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 200)
        self.assertTrue(connection.transport.disconnecting)
        connection = self.connect()
        connection.send(b"GET / HTTP/1.1\r\nX: " + b"y" * 20_000)
        self.assertTrue(connection.transport.disconnecting)

    def test_a_content_length_that_is_no_number_is_refused(self) -> None:
        for value in (b"9" * 5000, b"-1", b"+1", b"1.0", b"0x1", b"", b"1, 1"):
            head = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + value
            self.assertEqual(self.answered(head + b"\r\n\r\n"), b"400", value[:20])
        head = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + b"9" * 50
        self.assertEqual(self.answered(head + b"\r\n\r\n"), b"413")


class TimeLimitTests(SiteCase):
    def test_a_slow_request_is_refused(self) -> None:
        connection = self.connect()
        for _ in range(int(REQUEST_TIMEOUT)):
            self.clock.advance(1)
            connection.send(b"G")
        self.assertTrue(connection.take().startswith(b"HTTP/1.1 408 "))
        self.assertTrue(connection.transport.disconnecting)

    def test_a_connection_serves_many_requests(self) -> None:
        connection = self.connect()
        for _ in range(50):
            self.clock.advance(10)
            self.assertEqual(connection.ask("GET", "/api/v1/ping"), 200)
        self.clock.advance(61)
        self.assertTrue(connection.transport.disconnecting)
        connection.channel.connectionLost()
        self.clock.advance(20)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_the_seconds_between_two_requests(self) -> None:
        connection = self.connect()
        self.assertEqual(connection.ask("GET", "/api/v1/cameras"), 200)
        self.clock.advance(channel.IDLE_TIMEOUT - 1)
        self.assertFalse(connection.transport.disconnecting)
        self.assertEqual(connection.ask("GET", "/api/v1/cameras"), 200)
        self.clock.advance(channel.IDLE_TIMEOUT)
        self.assertTrue(connection.transport.disconnecting)


class OddInputTests(SiteCase):
    @given(st.binary(max_size=200))
    def test_random_data_does_not_harm_other_connections(self, data: bytes) -> None:
        connection = self.connect()
        connection.send(data)
        connection.send(b"\r\n\r\n")
        connection.channel.connectionLost()
        self.assertEqual(self.connect().ask("GET", "/api/v1/ping"), 200)
        self.flushLoggedErrors()
