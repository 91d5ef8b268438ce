"""Tests of the detection of clients that have stopped reading."""

from __future__ import annotations

import contextlib
import socket

from twisted.internet.address import IPv4Address
from twisted.internet.interfaces import ISystemHandle
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from tests.support.http_site import SiteCase
from tests.support.process import wait_for
from tests.support.system import require
from twistedcam.delivery.socket_state import HAS_SENDFILE, unacknowledged
from twistedcam.servers.http.connection.stall import PERIOD, STALL_LIMIT, StallWatch, is_gone

#: Enough checks to reach the limit.
LOOKS = int(STALL_LIMIT / PERIOD) + 2


class ConnectionTests(SiteCase):
    """Without help of the kernel, a full transport is the sign."""

    def test_a_client_that_leaves_the_transport_full_is_disconnected(self) -> None:
        connection = self.connect()
        self.assertEqual(connection.ask("GET", "/static/app.js"), 200)
        connection.transport.producer.pauseProducing()
        self.clock.advance(STALL_LIMIT - PERIOD)
        self.assertFalse(connection.transport.aborted)
        self.clock.pump([PERIOD] * 2)
        self.assertTrue(connection.transport.aborted)
        connection.channel.connectionLost()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_a_client_that_reads_slowly_is_kept(self) -> None:
        connection = self.connect()
        connection.ask("GET", "/static/app.js")
        for _ in range(5 * LOOKS):
            connection.transport.producer.pauseProducing()
            self.clock.advance(PERIOD)
            connection.transport.producer.resumeProducing()
            self.assertFalse(connection.transport.disconnecting)
            connection.ask("GET", "/api/v1/ping")  # or it has been silent for too long

    def test_a_connection_that_was_taken_over_is_not_watched(self) -> None:
        connection = self.connect()
        connection.ask("GET", "/events")
        connection.transport.producer.pauseProducing()
        self.clock.pump([PERIOD] * LOOKS)
        self.assertFalse(connection.transport.aborted)


@implementer(ISystemHandle)
class Wire:
    """The server's end of a TCP connection whose buffers are full."""

    def __init__(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.client = socket.create_connection(listener.getsockname())
            self.server, _ = listener.accept()
        self.server.setblocking(False)
        self.aborted = False
        self.fill()

    def fill(self) -> None:
        """Write until the buffers are full."""
        with contextlib.suppress(BlockingIOError):
            while True:
                self.server.send(b"x" * 65536)

    def held(self) -> int:
        """Return the unacknowledged bytes."""
        return unacknowledged(self.server.fileno())

    def getHandle(self) -> socket.socket:
        """Return the socket (ISystemHandle)."""
        return self.server

    def getPeer(self) -> IPv4Address:
        """Return the address of the client."""
        return IPv4Address("TCP", "127.0.0.1", 4711)

    def abortConnection(self) -> None:
        """Record the call."""
        self.aborted = True


class KernelTests(SynchronousTestCase):
    def setUp(self) -> None:
        require(HAS_SENDFILE, "only Linux says what a client has taken")
        self.clock = Clock()
        self.wire = Wire()
        self.addCleanup(self.wire.client.close)
        self.addCleanup(self.wire.server.close)
        self.watch = StallWatch(self.wire, self.clock)
        self.watch.wrote()

    def test_a_client_that_reads_nothing_is_disconnected_although_the_transport_is_empty(
        self,
    ) -> None:
        self.watch.emptied()
        self.clock.pump([PERIOD] * LOOKS)
        self.assertTrue(self.wire.aborted)

    def test_a_client_that_reads_now_and_then_is_kept(self) -> None:
        for _ in range(4):
            self.clock.advance(STALL_LIMIT - PERIOD)
            before = self.wire.held()

            def taken(before: int = before) -> bool:
                self.wire.client.recv(65536)
                return self.wire.held() != before

            wait_for(taken, "the kernel to hear of it")
            self.clock.advance(PERIOD)
            self.assertFalse(self.wire.aborted)

    def test_a_client_that_has_read_everything_is_not_watched(self) -> None:
        self.wire.client.settimeout(None)

        def read_all() -> bool:
            with contextlib.suppress(BlockingIOError):
                while self.wire.client.recv(1 << 20, socket.MSG_DONTWAIT):
                    pass
            return not self.wire.held()

        wait_for(read_all, "all of it to be taken")
        self.clock.advance(PERIOD)
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.watch.wrote()
        self.assertEqual(len(self.clock.getDelayedCalls()), 1)
        self.watch.end()
        self.assertEqual(self.clock.getDelayedCalls(), [])


def test_a_closed_connection_is_distinguished_from_a_half_closed_one() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        server, _ = listener.accept()
    with server:
        assert not is_gone(server)
        client.shutdown(socket.SHUT_WR)
        assert server.recv(1) == b""
        assert not is_gone(server)
        client.close()

        def gone() -> bool:
            if not is_gone(server):
                try:
                    server.send(b"x")  # what is sent is answered with a reset
                except OSError:
                    return True
            return is_gone(server)

        wait_for(gone, "the reset")
        assert is_gone(server)
