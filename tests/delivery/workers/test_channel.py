"""The channel between the server and a worker, over a real UNIX socket."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import UNIXClientEndpoint, UNIXServerEndpoint, connectProtocol
from twisted.internet.protocol import Factory
from twisted.trial.unittest import TestCase

from tests.support.process import PATIENCE
from tests.support.sockets import until
from tests.support.system import require
from twistedcam.delivery.memfd import Memfd
from twistedcam.delivery.socket_state import HAS_SENDFILE
from twistedcam.delivery.workers.channel import WorkerChannel, to_bytes, to_text


def test_bytes_come_back_from_text() -> None:
    data = bytes(range(256))
    assert to_bytes(to_text(data)) == data


class ChannelTests(TestCase):
    timeout = PATIENCE

    async def connected(self) -> WorkerChannel:
        require(HAS_SENDFILE, "memory files need Linux")
        self.received: list[dict[str, Any]] = []
        self.lost: Deferred[WorkerChannel] = Deferred()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        path = str(Path(folder.name) / "s")
        far = WorkerChannel(
            lambda channel, message: self.received.append(message), self.lost.callback
        )
        factory = Factory.forProtocol(lambda: far)
        factory.noisy = False
        port = await UNIXServerEndpoint(reactor, path).listen(factory)
        self.addCleanup(port.stopListening)
        self.near_lost: Deferred[WorkerChannel] = Deferred()
        near = WorkerChannel(lambda *_: None, self.near_lost.callback)
        await connectProtocol(UNIXClientEndpoint(reactor, path), near)
        return near

    async def test_messages_come_in_order_and_with_their_files(self) -> None:
        near = await self.connected()
        files = [Memfd(b"one"), Memfd(b"two")]
        near.send("frame", files[0].fd, seq=1)
        near.send("clear")
        near.send("frame", files[1].fd, seq=2)
        await until(reactor, lambda: len(self.received) == 3)
        one, clear, two = self.received
        assert (one["type"], one["seq"]) == ("frame", 1)
        assert clear == {"type": "clear"}
        for message, data in ((one, b"one"), (two, b"two")):
            assert os.pread(message["fd"], 10, 0) == data
            os.close(message["fd"])
        await self.end(near)

    async def test_a_file_that_did_not_arrive_is_none(self) -> None:
        near = await self.connected()
        file = Memfd(b"lost")
        about = os.fstat(file.fd)
        near.sendLine(b'{"type":"frame","fd":[%d,%d]}' % (about.st_dev, about.st_ino))
        await until(reactor, lambda: self.received)
        assert self.received == [{"type": "frame", "fd": None}]
        await self.end(near)

    async def end(self, near: WorkerChannel) -> None:
        assert near.transport is not None
        near.transport.loseConnection()
        await self.lost
        await self.near_lost
        near.send("clear")  # nothing happens
