"""Frames over TLS are in order with all that TLS and others say, whatever sealing does."""

from __future__ import annotations

import socket
from typing import Any

from OpenSSL import SSL
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.trial.unittest import TestCase

from tests.support.process import PATIENCE
from tests.support.sockets import Near, connect, frame, framing, read, read_at_once, until
from twistedcam.delivery import SealedOutlet, make_outlet
from twistedcam.delivery.tls_sender import RECORD, in_pieces


class Sealing:
    """What seals, as a test wants it.

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

    async def opened(self) -> tuple[SealedOutlet, Near, socket.socket]:
        near, far = await connect(self, reactor, "tls")
        outlet = make_outlet(near.transport, framing, lambda: None, reactor)
        assert isinstance(outlet, SealedOutlet)
        self.addCleanup(outlet.close)
        return outlet, near, far

    async def test_what_was_written_before_goes_out_before(self) -> None:
        near, far = await connect(self, reactor, "tls")
        near.transport.write(b"headers")
        outlet = make_outlet(near.transport, framing, lambda: None, reactor)
        outlet.say(b"begin")
        assert not outlet.is_clear()
        assert outlet.offer(frame(1, 10)) == 0
        await until(reactor, outlet.is_clear)
        outlet.offer(frame(2, 40_000))
        outlet.say(b"end")
        wanted = b"headersbegin" + framing(frame(2, 40_000)) + b"end"
        assert await read(reactor, far, len(wanted)) == wanted

    async def test_who_is_told_of_its_end_before_anything_else_hears_it_all(self) -> None:
        outlet, near, far = await self.opened()
        near.transport.write(b"one")
        outlet.say(b"two")
        outlet.say(b"three")
        outlet.finish(near.transport.loseConnection)  # type: ignore[union-attr]
        assert await read(reactor, far, 100) == b"onetwothree"

    async def test_one_that_is_gone_before_it_began_leaves_nothing_to_do(self) -> None:
        outlet, near, _ = await self.opened()
        outlet.say(b"hello")
        outlet.abort()
        await until(reactor, lambda: near.gone.called)
        assert not outlet.is_clear()
        assert outlet.offer(frame(1, 10)) == 0

    async def test_a_viewer_who_asked_for_small_records_gets_frames_whole(self) -> None:
        outlet, _, far = await self.opened()
        await until(reactor, outlet.is_clear)
        sealing = Sealing(outlet._connection, most=1000)
        outlet._connection = sealing  # type: ignore[assignment]
        assert outlet.offer(frame(1, 50_000)) == 50_008
        assert await read(reactor, far, 50_008) == framing(frame(1, 50_000))
        assert sealing.records > 50

    async def test_where_sealing_fails_the_transport_goes_on_from_there(self) -> None:
        for record in (1, 3):
            outlet, _, far = await self.opened()
            await until(reactor, outlet.is_clear)
            outlet.offer(frame(1, 50_000))
            assert await read(reactor, far, 50_008) == framing(frame(1, 50_000))
            sealing = Sealing(outlet._connection, fails_at=record)
            outlet._connection = sealing  # type: ignore[assignment]
            assert outlet.offer(frame(2, 50_000)) == 50_008
            outlet.say(b"word")
            assert await read(reactor, far, 50_012) == framing(frame(2, 50_000)) + b"word"
            await until(reactor, outlet.is_clear)
            outlet.offer(frame(3, 50_000))
            assert await read(reactor, far, 50_008) == framing(frame(3, 50_000))
            assert sealing.records == record

    async def test_what_tls_says_in_the_middle_of_a_frame_keeps_its_place(self) -> None:
        outlet, near, far = await self.opened()
        await until(reactor, outlet.is_clear)
        outlet.offer(frame(1, 24 * 1024 * 1024))  # more than the kernel takes at once
        near.transport.loseConnection()  # type: ignore[union-attr]
        # TLS says goodbye only when the outlet has let it go, and then behind the frame.
        assert len(await read(reactor, far, 1_000_000)) == 1_000_000
        outlet.close()
        rest = 24 * 1024 * 1024 + 8 - 1_000_000
        assert len(await read(reactor, far, rest + 1)) == rest
        await until(reactor, lambda: near.gone.called)

    async def test_a_frame_goes_to_the_socket_at_once_and_clears_the_way_once(self) -> None:
        near, far = await connect(self, reactor, "tls")
        cleared: list[int] = []
        outlet = make_outlet(near.transport, framing, lambda: cleared.append(1), reactor)
        await until(reactor, outlet.is_clear)
        cleared.clear()
        outlet.offer(frame(1, 60_000))
        assert read_at_once(far, RECORD) == framing(frame(1, 60_000))[:RECORD]
        assert cleared == []  # else the viewer would be sent the same frame again
        outlet.close()

    def test_a_frame_is_cut_once_for_all(self) -> None:
        picture = frame(1, 98_000)
        pieces = picture.shared(in_pieces(framing))
        assert picture.shared(in_pieces(framing)) is pieces
        assert b"".join(pieces) == framing(picture)
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

    async def test_a_transport_sends_when_it_is_told_to(self) -> None:
        near, far = await connect(self, reactor)
        transport: Any = near.transport
        transport.writeSequence([b"a", b"b"])
        transport.doWrite()
        assert read_at_once(far, 10) == b"ab"
