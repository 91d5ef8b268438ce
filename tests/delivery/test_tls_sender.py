"""Frames over TLS keep their order with messages and with the records of TLS."""

from __future__ import annotations

import socket
from typing import Any

from OpenSSL import SSL
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.trial.unittest import TestCase

from tests.support.process import PATIENCE
from tests.support.sockets import Near, connect, frame, read, read_at_once, serialize, until
from twistedcam.delivery import TlsSender, choose_sender
from twistedcam.delivery.tls_sender import RECORD, as_records


class Sealing:
    """An encrypting connection that a test controls.

    Arguments:
        connection: what seals in truth.
        most: bytes of a record at most.
        fails_at: the number of the record that cannot be made; 0: none.
    """

    def __init__(self, connection: SSL.Connection, most: int = RECORD, fails_at: int = 0) -> None:
        self._connection = connection
        self._most = most
        self._fails_at = fails_at
        self.bio_read = connection.bio_read
        self.records = 0

    def send(self, piece: bytes) -> int:
        self.records += 1
        if self.records == self._fails_at:
            raise SSL.WantReadError
        return self._connection.send(piece[: self._most])


class SealedTests(TestCase):
    timeout = PATIENCE

    async def opened(self) -> tuple[TlsSender, Near, socket.socket]:
        near, far = await connect(self, reactor, "tls")
        sender = choose_sender(near.transport, serialize, lambda: None, reactor)
        assert isinstance(sender, TlsSender)
        self.addCleanup(sender.close)
        return sender, near, far

    async def test_earlier_writes_are_sent_first(self) -> None:
        near, far = await connect(self, reactor, "tls")
        near.transport.write(b"headers")
        sender = choose_sender(near.transport, serialize, lambda: None, reactor)
        sender.send_message(b"begin")
        assert not sender.is_ready()
        assert sender.offer(frame(1, 10)) == 0
        await until(reactor, sender.is_ready)
        sender.offer(frame(2, 40_000))
        sender.send_message(b"end")
        wanted = b"headersbegin" + serialize(frame(2, 40_000)) + b"end"
        assert await read(reactor, far, len(wanted)) == wanted

    async def test_messages_before_the_first_write_are_sent_before_the_end(self) -> None:
        sender, near, far = await self.opened()
        near.transport.write(b"one")
        sender.send_message(b"two")
        sender.send_message(b"three")
        sender.finish(near.transport.loseConnection)  # type: ignore[union-attr]
        assert await read(reactor, far, 100) == b"onetwothree"

    async def test_a_connection_that_is_lost_at_once_leaves_no_call(self) -> None:
        sender, near, _ = await self.opened()
        sender.send_message(b"hello")
        sender.abort()
        await until(reactor, lambda: near.gone.called)
        assert not sender.is_ready()
        assert sender.offer(frame(1, 10)) == 0

    async def test_a_viewer_with_small_records_gets_complete_frames(self) -> None:
        sender, _, far = await self.opened()
        await until(reactor, sender.is_ready)
        sealing = Sealing(sender._connection, most=1000)
        sender._connection = sealing  # type: ignore[assignment]
        assert sender.offer(frame(1, 50_000)) == 50_008
        assert await read(reactor, far, 50_008) == serialize(frame(1, 50_000))
        assert sealing.records > 50

    async def test_after_an_error_of_the_encryption_the_transport_continues(self) -> None:
        for record in (1, 3):
            sender, _, far = await self.opened()
            await until(reactor, sender.is_ready)
            sender.offer(frame(1, 50_000))
            assert await read(reactor, far, 50_008) == serialize(frame(1, 50_000))
            sealing = Sealing(sender._connection, fails_at=record)
            sender._connection = sealing  # type: ignore[assignment]
            assert sender.offer(frame(2, 50_000)) == 50_008
            sender.send_message(b"word")
            assert await read(reactor, far, 50_012) == serialize(frame(2, 50_000)) + b"word"
            await until(reactor, sender.is_ready)
            sender.offer(frame(3, 50_000))
            assert await read(reactor, far, 50_008) == serialize(frame(3, 50_000))
            assert sealing.records == record

    async def test_what_tls_says_in_the_middle_of_a_frame_keeps_its_place(self) -> None:
        sender, near, far = await self.opened()
        await until(reactor, sender.is_ready)
        sender.offer(frame(1, 24 * 1024 * 1024))  # more than the kernel takes at once
        near.transport.loseConnection()  # type: ignore[union-attr]
        # TLS says goodbye only when the sender has let it go, and then behind the frame.
        assert len(await read(reactor, far, 1_000_000)) == 1_000_000
        sender.close()
        rest = 24 * 1024 * 1024 + 8 - 1_000_000
        assert len(await read(reactor, far, rest + 1)) == rest
        await until(reactor, lambda: near.gone.called)

    async def test_a_frame_is_written_at_once_and_reports_ready_once(self) -> None:
        near, far = await connect(self, reactor, "tls")
        ready: list[int] = []
        sender = choose_sender(near.transport, serialize, lambda: ready.append(1), reactor)
        await until(reactor, sender.is_ready)
        ready.clear()
        sender.offer(frame(1, 60_000))
        assert read_at_once(far, RECORD) == serialize(frame(1, 60_000))[:RECORD]
        assert ready == []  # else the viewer would be sent the same frame again
        sender.close()

    def test_a_frame_is_cut_once_for_all(self) -> None:
        picture = frame(1, 98_000)
        pieces = picture.shared(as_records(serialize))
        assert picture.shared(as_records(serialize)) is pieces
        assert b"".join(pieces) == serialize(picture)
        assert [len(each) for each in pieces[:-1]] == [RECORD] * 5


class WhatIsReachedUnder(TestCase):
    """Fails when Twisted changes what sealing relies on."""

    timeout = PATIENCE

    async def test_twisted_s_buffer_for_small_writes_is_empty_in_the_next_turn(self) -> None:
        near, far = await connect(self, reactor, "tls")
        transport: Any = near.transport
        connection = transport.getHandle()
        assert isinstance(connection, SSL.Connection)
        sealed: Deferred[None] = Deferred()

        def seal() -> None:
            connection.send(b"second")
            transport.transport.write(connection.bio_read(RECORD))
            sealed.callback(None)

        transport.write(b"first")
        reactor.callLater(0, seal)  # type: ignore[attr-defined]
        await sealed
        assert await read(reactor, far, 11) == b"firstsecond"

    async def test_a_transport_writes_at_once(self) -> None:
        near, far = await connect(self, reactor)
        transport: Any = near.transport
        transport.writeSequence([b"a", b"b"])
        transport.doWrite()
        assert read_at_once(far, 10) == b"ab"
