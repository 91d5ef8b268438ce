"""A viewer's connection in a worker, with a real socket and a worker that a test plays."""

from __future__ import annotations

import os
import socket
import struct
import warnings
from typing import Any

from twisted.internet import reactor
from twisted.trial.unittest import TestCase

from tests.support.process import PATIENCE
from tests.support.sockets import frame, read, serialize, until
from tests.support.system import require
from twistedcam import wire
from twistedcam.delivery.ack_reader import AckReader
from twistedcam.delivery.memfd import Memfd, as_sendable
from twistedcam.delivery.socket_state import HAS_SENDFILE
from twistedcam.delivery.workers.connection import ViewerConnection, received_file
from twistedcam.media.frame import Frame
from twistedcam.media.packet import Packet
from twistedcam.media.track import Track
from twistedcam.stream.hub import GroupHub, Hub
from twistedcam.stream.viewers import Tally


class FakeWorker:
    """Notes what a connection sends to the server, and its end."""

    def __init__(self) -> None:
        self.reactor = reactor
        self.channel: Any = self
        self.ack_reader = AckReader(reactor)
        self.sent: list[tuple[str, dict[str, Any]]] = []
        self.lost_connections: list[ViewerConnection] = []

    def send(self, type: str, **more: Any) -> None:
        self.sent.append((type, more))

    def tally(self, camera: str, kind: str) -> Tally:
        return Tally()

    def lost(self, connection: ViewerConnection) -> None:
        self.lost_connections.append(connection)

    refuse = released = lost


def with_file(seq: int) -> Frame:
    """A frame as it comes to a worker: only its file."""
    shown = Frame(seq, seq, 0, 0, b"")
    shown.share(as_sendable(received_file), Memfd(serialize(frame(seq, 100))))
    return shown


class ConnectionTests(TestCase):
    timeout = PATIENCE

    def setUp(self) -> None:
        require(HAS_SENDFILE, "workers need Linux")
        self.worker = FakeWorker()
        self.hub = Hub()

    def opened(
        self, window: int = 1, acks: bool = True, first: str = "", **more: bool
    ) -> socket.socket:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.far = socket.create_connection(listener.getsockname())
            near, _ = listener.accept()
        self.far.setblocking(False)
        options = {"id": 7, "address": "here", "kind": "tcp", "camera": "cam", "fps": None}
        options |= {"feed": 1, "window": window, "acks": acks, "input": acks, "first": first}
        options |= more
        self.it = ViewerConnection(self.worker, self.hub, options)  # type: ignore[arg-type]
        self.it.adopt(near.detach(), socket.AF_INET)
        self.addCleanup(self.end)
        return self.far

    async def end(self) -> None:
        self.it.abort()
        self.far.close()
        await until(reactor, lambda: self.worker.lost_connections)

    async def test_acknowledgements_stay_here_and_other_messages_go_to_the_server(self) -> None:
        far = self.opened(window=1)
        self.hub.publish(with_file(1))
        self.hub.publish(with_file(2))
        assert await read(reactor, far, 108) == serialize(frame(1, 100))
        far.sendall(wire.Ack(1).encode() + wire.Ping().encode())
        assert await read(reactor, far, 108) == serialize(frame(2, 100))
        await until(reactor, lambda: self.worker.sent)
        ping = wire.Ping().encode().decode("latin-1")
        assert self.worker.sent == [("data", {"id": 7, "data": ping})]
        assert self.it.counts()[:3] == [2, 216, 0]

    async def test_nothing_is_read_until_the_server_has_handled_the_data(self) -> None:
        far = self.opened()
        far.sendall(wire.Ping().encode())
        await until(reactor, lambda: self.worker.sent)
        far.sendall(wire.Ping(b"x" * 8).encode())
        self.hub.publish(with_file(1))
        assert await read(reactor, far, 108) == serialize(frame(1, 100))
        assert len(self.worker.sent) == 1
        self.it.data_handled()
        await until(reactor, lambda: len(self.worker.sent) == 2)

    async def test_a_connection_is_given_back_open_when_everything_is_sent(self) -> None:
        far = self.opened(acks=False, input=True)
        near = os.dup(self.it.transport.fileno())  # type: ignore[union-attr]
        self.hub.publish(with_file(1))
        self.it.send_message(b"after the frame")
        self.it.release()
        await until(reactor, lambda: self.worker.lost_connections)
        assert self.it.counts()[0] == 1
        assert await read(reactor, far, 123) == serialize(frame(1, 100)) + b"after the frame"
        self.hub.publish(with_file(2))
        with socket.socket(fileno=near) as kept:
            kept.sendall(b"by the server")
            assert await read(reactor, far, 13) == b"by the server"

    async def test_all_that_is_sent_is_passed_on_where_there_are_no_acknowledgements(self) -> None:
        far = self.opened(acks=False, input=True)
        data = wire.Ack(1).encode()
        far.sendall(data)
        await until(reactor, lambda: self.worker.sent)
        assert self.worker.sent == [("data", {"id": 7, "data": data.decode("latin-1")})]

    async def test_a_closed_half_is_reported_and_frames_go_on_without_acks(self) -> None:
        far = self.opened(window=1)
        far.shutdown(socket.SHUT_WR)
        await until(reactor, lambda: self.worker.sent)
        assert self.worker.sent == [("input_closed", {"id": 7})]
        for seq in (1, 2):
            self.hub.publish(with_file(seq))
            assert await read(reactor, far, 108) == serialize(frame(seq, 100))

    async def test_packets_of_another_codec_come_from_another_hub(self) -> None:
        far = self.opened(window=1)
        self.hub.publish(with_file(1))
        hub = GroupHub()
        self.it.change_hub(hub)
        for seq in (2, 3):
            packet = Packet(Track(0, "video", ""), seq, seq, seq, b"", seq == 2)
            packet.share(as_sendable(received_file), serialize(frame(seq, 100)))
            hub.publish(packet)
        self.hub.publish(with_file(4))
        assert await read(reactor, far, 108) == serialize(frame(1, 100))
        for seq in (2, 3):
            assert await read(reactor, far, 108) == serialize(frame(seq, 100))
        assert len(self.hub) == 0

    async def test_what_comes_with_the_connection_precedes_the_newest_frame(self) -> None:
        self.hub.publish(with_file(1))
        far = self.opened(first="hello")
        assert await read(reactor, far, 113) == b"hello" + serialize(frame(1, 100))

    async def test_messages_and_the_end_come_after_the_frame(self) -> None:
        far = self.opened(acks=False)
        self.hub.publish(with_file(1))
        self.it.send_message(b"bye")
        self.it.finish()
        assert await read(reactor, far, 111) == serialize(frame(1, 100)) + b"bye"
        assert await read(reactor, far, 1) == b""

    async def test_a_connection_that_was_reset_is_lost_and_its_sockets_are_closed(self) -> None:
        self.opened()
        options = self.it._options
        with socket.create_server(("127.0.0.1", 0)) as listener:
            far = socket.create_connection(listener.getsockname())
            near, _ = listener.accept()
        far.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        far.close()
        gone = ViewerConnection(self.worker, self.hub, options)  # type: ignore[arg-type]
        with warnings.catch_warnings(record=True) as noted:
            warnings.simplefilter("always")
            gone.adopt(near.detach(), socket.AF_INET)
        assert [str(each.message) for each in noted] == []
        assert self.worker.lost_connections == [gone]
        self.worker.lost_connections.clear()

    async def test_a_connection_that_cannot_be_adopted_is_lost(self) -> None:
        self.opened()
        options = self.it._options
        broken = ViewerConnection(self.worker, self.hub, options)  # type: ignore[arg-type]
        read_end, write_end = os.pipe()
        self.addCleanup(os.close, write_end)
        broken.adopt(read_end, socket.AF_INET)
        assert self.worker.lost_connections == [broken]
        self.worker.lost_connections.clear()
