"""Clients without a right, or that do not read, cost the frame port little."""

from __future__ import annotations

import contextlib
import gc
import socket
import struct
import weakref
from collections.abc import Iterator
from typing import Any

import pytest
from twisted.internet.testing import StringTransport

from tests.servers.frames.test_server import Peer
from tests.support.process import PATIENCE, ServerProcess, wait_for
from tests.support.server_case import ServerCase
from tests.support.viewer import Viewer
from twistedcam import Frame, wire
from twistedcam.clients.control.blocking import BlockingClient
from twistedcam.delivery.sender import MAX_QUEUED
from twistedcam.events import CameraChanged
from twistedcam.servers.frames import FrameFactory
from twistedcam.servers.frames.keepalive import FRAME_LIMIT, MESSAGE_LIMIT
from twistedcam.servers.frames.server import AT_ONCE, MAX_UNJOINED
from twistedcam.sources.spec import parse

LARGE = 31 << 20
PING = wire.Ping(b"are you?")


def header(kind: int, length: int) -> bytes:
    return struct.pack(">BBHI", 0x54, kind, 0, length)


class HostileTests(ServerCase):
    def setUp(self) -> None:
        super().setUp()
        self.server.add_camera("pushed", parse("push:"))
        self.factory = FrameFactory(self.server, self.clock)

    def peer(self, **wishes: Any) -> Peer:
        """One that has joined, if it wishes anything."""
        peer = Peer(self.factory)
        if wishes:
            peer.send(wire.Join(**wishes))
        peer.received()
        return peer

    def every_kind(self) -> Iterator[Peer]:
        yield self.peer()
        yield self.peer(camera="door")
        yield self.peer(role="publish", camera="pushed")

    def turn(self, times: int = 3000) -> None:
        for _ in range(times):
            self.clock.advance(0)

    def test_a_frame_is_taken_from_a_publisher_alone_and_else_refused_by_its_header(self) -> None:
        unjoined, viewer, publisher = self.every_kind()
        for peer in (unjoined, viewer):
            peer.protocol.dataReceived(header(4, LARGE))
            [error] = peer.received()
            assert isinstance(error, wire.Error)
            self.assertEqual((error.code, peer.closed), ("bad-message", True))
        publisher.protocol.dataReceived(header(4, LARGE) + bytes(100))
        self.assertEqual((publisher.received(), publisher.closed), ([], False))

    def test_before_a_join_a_message_is_short(self) -> None:
        for kind in (1, 2, 3, 8):
            peer = self.peer()
            peer.protocol.dataReceived(header(kind, MAX_UNJOINED))
            self.assertFalse(peer.closed)
            peer = self.peer()
            peer.protocol.dataReceived(header(kind, MAX_UNJOINED + 1))
            [error] = peer.received()
            assert isinstance(error, wire.Error)
            self.assertEqual((error.code, peer.closed), ("too-large", True))

    def test_what_a_connection_held_is_let_go_with_it(self) -> None:
        peers = list(self.every_kind())
        gone = [weakref.ref(peer.protocol) for peer in peers]
        buffers = [peer.protocol._decoder for peer in peers]
        for peer in peers:
            peer.protocol.dataReceived(header(8, 4000) + bytes(3000))
        self.assertEqual([len(each._buffer) for each in buffers], [3008] * 3)
        gc.collect()
        gc.disable()
        self.addCleanup(gc.enable)
        for peer in peers:
            peer.protocol.connectionLost()
            del peer.protocol, peer
        peers.clear()
        self.assertEqual([len(each._buffer) for each in buffers], [0] * 3)
        self.assertEqual([each() for each in gone], [None] * 3)

    def test_a_message_that_drips_for_ever_is_ended(self) -> None:
        for role, camera, limit in (
            ("view", "door", MESSAGE_LIMIT),
            ("publish", "pushed", FRAME_LIMIT),
        ):
            peer = self.peer(role=role, camera=camera)
            kind = 8 if role == "view" else 4
            peer.protocol.dataReceived(header(kind, 60_000) + b"{")
            waited = 0
            while not peer.closed:
                self.assertLess(waited, limit + 15)
                self.clock.advance(1)
                waited += 1
                if not peer.closed:
                    peer.protocol.dataReceived(b" ")
            self.assertGreaterEqual(waited, limit)
            last = peer.received()[-1]
            assert isinstance(last, wire.Error)
            self.assertEqual(last.code, "timeout")
            peer.protocol.connectionLost()

    def test_a_client_that_completes_its_messages_may_send_slowly(self) -> None:
        peer = self.peer(camera="door")
        data = PING.encode() * 4
        for number in range(120):
            self.clock.advance(1)
            peer.protocol.dataReceived(data[number % 64 :][:1])
        self.assertFalse(peer.closed)

    def test_many_messages_at_once_take_turns_and_nothing_is_read_meanwhile(self) -> None:
        for peer in self.every_kind():
            peer.send(*[PING] * 2000)
            self.assertLessEqual(len(peer.received()), AT_ONCE)
            self.assertEqual(peer.transport.producerState, "paused")
            self.turn()
            self.assertEqual(peer.transport.producerState, "producing")
            self.assertLessEqual({type(each) for each in peer.received()}, {wire.Pong})
            peer.protocol.connectionLost()

    def test_every_ping_is_answered_once_however_many_there_are(self) -> None:
        for peer in self.every_kind():
            pings = [wire.Ping(number.to_bytes(8, "big")) for number in range(1000)]
            peer.send(*pings)
            self.turn()
            self.assertEqual(peer.received(), [wire.Pong(each.data) for each in pings])
            peer.protocol.connectionLost()

    def test_a_client_that_does_not_read_its_answers_is_not_read(self) -> None:
        for peer in self.every_kind():
            producer = peer.transport.producer
            producer.pauseProducing()  # as transports do
            peer.send(*[PING] * 2000)
            self.turn()
            said = len(peer.transport.value())
            self.assertLess(said, 2 * MAX_UNJOINED)
            self.assertEqual(peer.transport.producerState, "paused")
            self.turn()
            self.assertEqual(len(peer.transport.value()), said)
            producer.resumeProducing()
            self.turn()
            self.assertEqual(peer.received(), [wire.Pong(PING.data)] * 2000)
            self.assertEqual(peer.transport.producerState, "producing")
            peer.protocol.connectionLost()

    def test_states_for_a_client_that_does_not_read_close_its_connection(self) -> None:
        for wishes in ({"camera": "door"}, {"role": "publish", "camera": "pushed"}):
            peer = self.peer(**wishes)
            peer.transport.producer.pauseProducing()
            news = CameraChanged(wishes["camera"], "live", 1, 1, 1.0, "x" * 10_000)
            for _ in range(MAX_QUEUED // 10_000 - 1):
                self.server.events.publish(news)
            self.assertFalse(peer.closed)
            for _ in range(3):
                self.server.events.publish(news)
            self.assertTrue(peer.closed)
            peer.protocol.connectionLost()
            self.assertLess(len(peer.transport.value()), MAX_QUEUED + 30_000)

    def test_a_viewer_with_a_closed_half_still_gets_frames(self) -> None:
        peer = self.peer(camera="door", window=2)
        peer.protocol.readConnectionLost()
        for seq in range(1, 6):
            self.door.hub.publish(Frame(seq, seq, 1, 1, b"jpeg"))
        self.assertEqual(peer.frames(), [1, 2, 3, 4, 5])
        for _ in range(60):
            self.clock.advance(1)
        self.assertFalse(peer.closed)
        self.assertIn(wire.Ping(), peer.received())  # tells whether its system knows it still

    def test_join_and_end_at_once_is_a_viewer_too(self) -> None:
        peer = Peer(self.factory)
        peer.send(wire.Join(camera="door"))
        peer.protocol.readConnectionLost()
        self.assertFalse(peer.closed)
        self.assertEqual(len(self.server.viewers), 1)

    def test_a_closed_half_ends_a_publisher_and_a_client_without_join(self) -> None:
        for peer in (self.peer(), self.peer(role="publish", camera="pushed")):
            peer.protocol.readConnectionLost()
            self.assertTrue(peer.closed)
            peer.protocol.connectionLost()
        self.assertFalse(self.peer(role="publish", camera="pushed").closed)

    def test_a_publisher_can_send_a_frame_of_many_pieces(self) -> None:
        peer = self.peer(role="publish", camera="pushed")
        data = wire.frame_message(Frame(1, 1, 1, 1, bytes(3 << 20)))
        for at in range(0, len(data), 1 << 16):
            self.assertEqual(peer.transport.producerState, "producing")
            peer.protocol.dataReceived(data[at : at + (1 << 16)])
        [error] = peer.received()
        assert isinstance(error, wire.Error)
        self.assertIn("frame 1", error.message)  # it came whole, and is no JPEG


class FullTests(ServerCase):
    def test_a_join_is_handled_although_the_transport_is_full(self) -> None:
        """TLS says that it is full until it has begun: what is said has to wait for it."""
        factory = FrameFactory(self.server, self.clock)
        protocol, transport = factory.buildProtocol(None), StringTransport()
        protocol.makeConnection(transport)
        protocol.pauseProducing()
        self.assertEqual(transport.producerState, "producing")
        protocol.resumeProducing()
        protocol.dataReceived(wire.Join().encode())
        self.assertEqual(len(self.server.viewers), 1)


@pytest.fixture(scope="module", params=["0", "1"], ids=["here", "worker"])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServerProcess]:
    options = ["--camera", "cam=pattern:?size=160x120&fps=20", "--workers", request.param]
    with ServerProcess(tmp_path_factory.mktemp("recordings"), *options) as running:
        wait_for(lambda: "is live" in running.log, "the camera")
        if request.param == "1":
            wait_for(lambda: "worker 1 is running" in running.log, "the worker")
        yield running


def control(server: ServerProcess) -> BlockingClient:
    host, port = server.control
    return BlockingClient(f"tcp:{host}:{port}", timeout=PATIENCE)


def test_half_a_connection_watches_and_a_closed_one_is_forgotten(server: ServerProcess) -> None:
    with control(server) as controller:
        controller.ask("start")
        viewer = Viewer(server.frames, wire.Join(window=1))
        viewer.until(wire.FrameMessage)
        viewer.socket.shutdown(socket.SHUT_WR)
        data = bytearray()
        while len(data) < 200_000:  # many frames, and no acknowledgement
            data += viewer.socket.recv(65536)
        controller.ask("stop")
        assert len(controller.ask("viewers")["viewers"]) == 1
        viewer.close()
        wait_for(lambda: not controller.ask("viewers")["viewers"], "the viewer to be forgotten")


def test_a_viewer_that_leaves_a_stopped_camera_is_forgotten(server: ServerProcess) -> None:
    with control(server) as controller:
        controller.ask("stop")
        viewer = Viewer(server.frames)
        viewer.until(wire.State)
        wait_for(lambda: controller.ask("viewers")["viewers"], "the viewer")
        viewer.close()
        wait_for(lambda: not controller.ask("viewers")["viewers"], "the viewer to be forgotten")


def test_pings_of_a_client_that_does_not_read_stay_in_its_system(server: ServerProcess) -> None:
    with control(server) as controller:
        controller.ask("start")
        viewer = Viewer(server.frames, wire.Join(max_fps=0.001))
        viewer.until(wire.FrameMessage)
        viewer.socket.settimeout(0.2)
        sent, pings = 0, PING.encode() * 4096
        with contextlib.suppress(TimeoutError):
            while sent < 200 << 20:
                sent += viewer.socket.send(pings)
        assert sent < 200 << 20
        with socket.create_connection(server.frames, PATIENCE) as other:
            assert other.recv(8)
        viewer.close()
        wait_for(lambda: not controller.ask("viewers")["viewers"], "the viewer to be forgotten")
