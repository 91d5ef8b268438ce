"""The reader of acknowledgements passes on all bytes in order, and the end."""

from __future__ import annotations

import select
import socket
from typing import Any

from twisted.internet import reactor
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase, TestCase

from tests.support.process import PATIENCE
from tests.support.sockets import Near, connect, failing, frame, read, serialize, turn, until
from tests.support.system import require
from twistedcam.delivery import choose_sender
from twistedcam.delivery.ack_reader import AckReader
from twistedcam.delivery.socket_state import HAS_SENDFILE


class EarsTests(TestCase):
    timeout = PATIENCE

    def setUp(self) -> None:
        require(HAS_SENDFILE, "epoll(7) in a set of its own")
        self.ack_reader = AckReader(reactor)
        self.addCleanup(lambda: self.assertNotIn(self.ack_reader, reactor.getReaders()))  # type: ignore[attr-defined]

    async def attached(self, kind: str = "tcp") -> tuple[Near, socket.socket, bytearray]:
        near, far = await connect(self, reactor, kind)
        heard = bytearray()
        assert self.ack_reader.attach(near.transport, heard.extend)
        near.gone.addCallback(lambda _: self.ack_reader.detach(near.transport))
        return near, far, heard

    async def test_all_bytes_are_read_and_none_by_the_transport(self) -> None:
        for kind in ("tcp", "unix"):
            near, far, heard = await self.attached(kind)
            said = bytes(range(250)) * 200
            far.sendall(said)
            await until(reactor, lambda heard=heard: len(heard) == 50_000)
            assert heard == said
            assert near.heard == b""

    async def test_the_transport_notices_the_end_of_the_stream(self) -> None:
        near, far, heard = await self.attached()
        far.sendall(b"last words")
        far.close()
        await until(reactor, lambda: near.gone.called)
        assert heard == b"last words"

    async def test_the_transport_notices_a_reset(self) -> None:
        near, far, _ = await self.attached()
        far.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        far.close()
        await until(reactor, lambda: near.gone.called)

    async def test_a_receiver_that_fails_closes_one_connection_only(self) -> None:
        near, far, heard = await self.attached()
        bad, bad_far = await connect(self, reactor)

        def received(_: bytes) -> None:
            raise RuntimeError("a fault in the server")

        assert self.ack_reader.attach(bad.transport, received)
        bad_far.sendall(b"x")
        await until(reactor, lambda: bad.gone.called)
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)
        far.sendall(b"more")
        await until(reactor, lambda: heard == b"more")
        self.ack_reader.detach(near.transport)

    async def test_a_detached_connection_is_read_by_its_transport_again(self) -> None:
        near, far, heard = await self.attached()
        far.sendall(b"one")
        await until(reactor, lambda: heard == b"one")
        self.ack_reader.detach(near.transport)
        self.ack_reader.detach(near.transport)
        far.sendall(b"two")
        await until(reactor, lambda: near.heard == b"two")
        assert heard == b"one"

    async def test_a_receiver_may_detach_another_connection_in_the_same_round(self) -> None:
        pairs = [await connect(self, reactor) for _ in range(3)]
        heard: list[int] = []

        def received(number: int) -> None:
            heard.append(number)
            for near, _ in pairs:
                self.ack_reader.detach(near.transport)

        for number, (near, _) in enumerate(pairs):
            self.ack_reader.attach(near.transport, lambda _, number=number: received(number))
        for _, far in pairs:
            far.sendall(b"x")
        await until(reactor, lambda: sum(len(near.heard) for near, _ in pairs) == 2)
        assert len(heard) == 1

    async def test_a_reused_descriptor_is_not_read_for_the_old_connection(self) -> None:
        near, far, heard = await self.attached()
        number = near.transport.getHandle().fileno()  # type: ignore[union-attr]
        near.transport.abortConnection()  # type: ignore[union-attr]
        await near.gone
        far.close()
        pair = socket.socketpair()
        for each in pair:
            self.addCleanup(each.close)
        assert number in [each.fileno() for each in pair]  # the lowest that is free
        for each in pair:
            each.sendall(b"not for you")
        await turn(reactor)
        assert heard == b""

    async def test_frames_go_out_as_ever(self) -> None:
        near, far, heard = await self.attached()
        sender = choose_sender(near.transport, serialize, lambda: None, reactor)
        sender.send_message(b"hello")
        assert await read(reactor, far, 5) == b"hello"
        await until(reactor, sender.is_ready)
        sender.offer(frame(1, 90_000))
        far.sendall(b"ack")
        assert await read(reactor, far, 90_008) == serialize(frame(1, 90_000))
        await until(reactor, lambda: heard == b"ack")

    async def test_without_a_file_for_the_set_the_transport_reads_as_always(self) -> None:
        near, far = await connect(self, reactor)
        self.patch(select, "epoll", failing(24))
        heard = bytearray()
        assert not self.ack_reader.attach(near.transport, heard.extend)
        far.sendall(b"hello")
        await until(reactor, lambda: near.heard == b"hello")
        self.ack_reader.detach(near.transport)


class WithoutSockets(SynchronousTestCase):
    def test_where_there_is_no_socket_the_transport_reads(self) -> None:
        transport: Any = StringTransport()
        assert not AckReader(Clock()).attach(transport, lambda _: None)
        assert transport.producerState == "producing"
