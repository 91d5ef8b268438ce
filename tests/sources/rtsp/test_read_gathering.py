"""Bytes that gather: read in rounds, when there are many, and when they are asked for."""

from __future__ import annotations

import contextlib
import socket
from typing import Any

from twisted.internet import reactor as installed
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.protocol import Protocol
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase, TestCase

from tests.sources.rtsp.test_transport import reactor_turns
from tests.support.process import PATIENCE
from twistedcam.sources.rtsp.read_gathering import MOST_SECONDS, ReadGathering

reactor: Any = installed


class Reader(Protocol):
    def __init__(self) -> None:
        self.reads: list[int] = []
        self.lost: Deferred[None] = Deferred()

    @property
    def size(self) -> int:
        return sum(self.reads)

    def dataReceived(self, data: bytes) -> None:
        self.reads.append(len(data))

    def connectionLost(self, reason: Any = None) -> None:
        self.lost.callback(None)


class ReadGatheringTests(TestCase):
    timeout = 5 * PATIENCE

    async def connected(self) -> None:
        """Make a connection on which bytes gather."""
        with socket.create_server(("127.0.0.1", 0)) as listener:
            endpoint = TCP4ClientEndpoint(reactor, *listener.getsockname())
            self.reader = await connectProtocol(endpoint, Reader())
            self.peer, _ = listener.accept()
        self.addCleanup(self.close)
        self.clock = Clock()
        self.transport: Any = self.reader.transport
        self.gathering = ReadGathering(self.transport, self.clock)

    async def close(self) -> None:
        self.peer.close()
        self.transport.abortConnection()
        await self.reader.lost

    async def turn(self) -> None:
        """Let the reactor do what is due."""
        for _ in range(3):
            turned: Deferred[None] = Deferred()
            reactor.callLater(0, turned.callback, None)
            await turned

    async def test_few_bytes_wait_for_the_round(self) -> None:
        await self.connected()
        for _ in range(3):
            self.peer.sendall(bytes(1000))
            await self.turn()
        self.assertEqual(self.reader.reads, [])
        self.clock.advance(MOST_SECONDS)
        self.assertEqual(self.reader.reads, [3000])
        self.clock.advance(MOST_SECONDS)
        self.peer.sendall(bytes(10))
        self.clock.advance(MOST_SECONDS)
        self.assertEqual(self.reader.reads, [3000, 10])

    async def test_what_has_come_is_read_when_it_is_asked_for(self) -> None:
        await self.connected()
        self.gathering.read()
        self.peer.sendall(bytes(1000))
        self.gathering.read()
        self.assertEqual(self.reader.reads, [1000])

    async def test_many_bytes_are_read_before_the_round(self) -> None:
        await self.connected()
        self.peer.setblocking(False)
        sent = 0

        def is_read() -> bool:
            nonlocal sent
            if not self.reader.reads:
                with contextlib.suppress(BlockingIOError):
                    sent += self.peer.send(bytes(50_000))
            return bool(self.reader.reads)

        await reactor_turns(is_read)
        self.assertGreater(self.reader.size, 100_000)
        self.assertEqual(len(self.reader.reads), 1)

    async def test_at_the_end_bytes_come_as_soon_as_they_are_there(self) -> None:
        await self.connected()
        self.peer.sendall(bytes(1000))
        self.gathering.end()
        await reactor_turns(lambda: self.reader.size == 1000)
        self.peer.sendall(b"x")
        await reactor_turns(lambda: self.reader.size == 1001)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    async def test_the_end_of_the_connection_is_noticed_with_the_bytes_before(self) -> None:
        await self.connected()
        self.peer.sendall(bytes(1000))
        self.peer.shutdown(socket.SHUT_WR)
        self.gathering.read()
        self.gathering.read()  # the end
        await self.reader.lost
        self.reader.lost = Deferred()
        self.reader.lost.callback(None)
        self.assertEqual(self.reader.size, 1000)
        self.gathering.end(is_lost=True)
        self.assertEqual(self.clock.getDelayedCalls(), [])


class _Transport:
    """Notes when it is read."""

    bufferSize = 1

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.reads: list[float] = []

    def doRead(self) -> None:
        self.reads.append(self._clock.seconds())

    def getHandle(self) -> Any:
        return self

    def setsockopt(self, *_: int) -> None:
        """Take any option."""


class RoundTests(SynchronousTestCase):
    def test_all_connections_are_read_at_the_same_moments(self) -> None:
        clock = Clock()
        clock.advance(1000.0)
        first = _Transport(clock)
        ReadGathering(first, clock)
        clock.advance(0.9)
        before = len(first.reads)
        second = _Transport(clock)
        ReadGathering(second, clock)
        for _ in range(2000):
            clock.advance(0.01)
        self.assertEqual(first.reads[before:], second.reads)
        gaps = [late - early for early, late in zip(second.reads, second.reads[1:], strict=False)]
        self.assertLessEqual(max(gaps), MOST_SECONDS)
        self.assertGreater(min(gaps), 0.1)

    def test_rounds_are_not_in_step_with_pictures(self) -> None:
        clock = Clock()
        clock.advance(1000.0)
        transport = _Transport(clock)
        ReadGathering(transport, clock)
        for _ in range(15_000):
            clock.advance(0.001)
        for period in (0.02, 1 / 30, 0.04, 1 / 15, 0.1):
            phases = [seconds % period for seconds in transport.reads]
            # One read in the last 15 seconds came right after a picture, whenever that was.
            for phase in range(10):
                late = min((each - phase * period / 10) % period for each in phases)
                self.assertLess(late, 0.01, period)
