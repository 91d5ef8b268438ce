"""A client's connection on a clock that a test turns: who is silent, who is slow, who is gone."""

from __future__ import annotations

from typing import Any

from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransportWithDisconnection
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from twistedcam import wire
from twistedcam.clients.frames.address import CameraAddress
from twistedcam.clients.frames.session import PING_EVERY, SILENCE_LIMIT
from twistedcam.clients.frames.twisted import ClientFactory
from twistedcam.errors import BadMessage, Disconnected, Silence, TwistedcamError

HELLO = wire.Hello("twistedcam/1", nonce="ab" * 32)


class Client:
    """Notes the calls of a protocol (twisted.FrameClient)."""

    role = "view"
    window = 2
    codecs = ("mjpeg",)

    def __init__(self, clock: Clock) -> None:
        self.reactor = clock
        self.target = CameraAddress("localhost", camera="cam")
        self.lost: list[Exception] = []
        self.freed = 0
        self.protocol: Any = None

    def connection_made(self, protocol: Any) -> None:
        self.protocol = protocol

    def connection_lost(self, error: Exception) -> None:
        self.lost.append(error)

    def state_received(self, state: wire.State) -> None:
        pass

    def send_next(self) -> None:
        self.freed += 1


class Transport(StringTransportWithDisconnection):
    def abortConnection(self) -> None:
        self.loseConnection()


class ProtocolTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.client = Client(self.clock)
        self.protocol = ClientFactory(self.client).buildProtocol(None)  # type: ignore[arg-type]
        self.transport = Transport()
        self.transport.protocol = self.protocol
        self.protocol.makeConnection(self.transport)
        self.addCleanup(lambda: self.assertEqual(self.clock.getDelayedCalls(), []))

    def error(self) -> Exception:
        """Why the connection is gone."""
        (error,) = self.client.lost
        self.assertFalse(self.transport.connected)
        return error

    def test_a_server_that_says_nothing_is_given_up(self) -> None:
        self.clock.pump([1] * int(SILENCE_LIMIT))
        self.assertEqual(self.client.lost, [])
        self.clock.advance(1)
        self.assertIsInstance(self.error(), Silence)

    def test_a_silent_server_is_pinged(self) -> None:
        self.protocol.dataReceived(HELLO.encode())
        self.transport.clear()
        self.clock.pump([1] * (int(PING_EVERY) + 1))
        kinds = {type(each) for each in wire.Decoder().feed(self.transport.value())}
        self.assertEqual(kinds, {wire.Ping})
        self.protocol.close()

    def test_what_comes_out_of_turn_ends_it_once(self) -> None:
        self.protocol.dataReceived(HELLO.encode() * 2)
        self.assertIsInstance(self.error(), BadMessage)
        self.protocol.dataReceived(HELLO.encode())  # was on its way
        self.assertEqual(len(self.client.lost), 1)

    def test_a_publisher_waits_while_the_server_takes_nothing(self) -> None:
        self.protocol.pauseProducing()
        self.assertFalse(self.protocol.is_writable)
        before = self.client.freed
        self.protocol.resumeProducing()
        self.assertTrue(self.protocol.is_writable)
        self.assertEqual(self.client.freed, before + 1)
        self.protocol.stopProducing()
        self.assertFalse(self.protocol.is_writable)
        self.transport.loseConnection()

    def test_why_it_ended_is_one_of_our_errors(self) -> None:
        self.transport.loseConnection()
        self.assertIsInstance(self.error(), Disconnected)
        self.client.lost.clear()
        refused = BadMessage("no")
        self.protocol.connectionLost(Failure(refused))
        self.assertIs(self.client.lost[0], refused)
        self.protocol.connectionLost(Failure(ConnectionDone()))
        self.assertIsInstance(self.client.lost[1], TwistedcamError)
