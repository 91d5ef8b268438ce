"""Tests that every sender passes, on real sockets."""

from __future__ import annotations

import gc
import os
import socket
from typing import Any

from twisted.internet import reactor

from tests.support.process import PATIENCE
from tests.support.sockets import Near, connect, frame, read, serialize, turn, until

BIG = 24 * 1024 * 1024  # more than a loopback connection holds by itself


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


class SenderTests:
    """Tests of every sender."""

    kind: str
    make: Any
    addCleanup: Any
    timeout = PATIENCE

    async def opened(self, **how: Any) -> tuple[Any, Near, socket.socket, list[None]]:
        near, far = await connect(self, reactor, **how)
        ready: list[None] = []
        sender = self.make(near.transport, lambda: ready.append(None))
        sender.send_message(b"hello")
        assert await read(reactor, far, 5) == b"hello"
        await until(reactor, sender.is_ready)
        return sender, near, far, ready

    async def test_a_frame_is_sent_unchanged(self) -> None:
        sender, _, far, _ = await self.opened()
        sent = frame(7, 98_000)
        assert sender.offer(sent) == 98_008
        assert await read(reactor, far, 98_008) == serialize(sent)

    async def test_a_frame_larger_than_all_buffers_is_sent_completely(self) -> None:
        sender, _, far, ready = await self.opened()
        sent = frame(3, BIG)
        sender.offer(sent)
        assert not sender.is_ready()
        before = len(ready)
        assert await read(reactor, far, BIG + 8) == serialize(sent)
        await until(reactor, lambda: len(ready) > before)
        assert sender.is_ready()

    async def test_a_message_never_interrupts_a_frame(self) -> None:
        sender, _, far, _ = await self.opened()
        first, second = frame(1, BIG), frame(2, 1000)
        sender.offer(first)
        sender.send_message(b"state one")
        sender.send_message(b"state two")
        assert not sender.is_ready()
        assert await read(reactor, far, BIG + 8) == serialize(first)
        assert await read(reactor, far, 18) == b"state onestate two"
        await until(reactor, sender.is_ready)
        sender.offer(second)
        assert await read(reactor, far, 1008) == serialize(second)

    async def test_messages_and_frames_keep_their_order(self) -> None:
        sender, _, far, _ = await self.opened()
        wanted = b""
        for number in range(1, 40):
            await until(reactor, sender.is_ready)
            sent, word = frame(number, 20_000), b"state %03d" % number
            sender.offer(sent)
            sender.send_message(word)
            wanted += serialize(sent) + word
            assert not sender.is_ready() or sender.path == "write"
            assert await read(reactor, far, len(wanted)) == wanted
            wanted = b""

    async def test_a_viewer_that_does_not_read_gets_no_second_frame(self) -> None:
        sender, _, far, _ = await self.opened()
        sent = 0
        for number in range(1, 500):
            if sender.is_ready():
                sender.offer(frame(number, 20_000))
                sent += 1
            await turn(reactor)
        assert not sender.is_ready()
        assert sender.unsent_bytes() > 0
        # The far kernel takes some by itself, 64 KB or so. Without the rule it would be 4 MB.
        assert sent * 20_008 < 500_000
        assert len(await read(reactor, far, sent * 20_008)) == sent * 20_008

    async def test_finish_waits_for_the_frame_and_the_messages(self) -> None:
        sender, near, far, _ = await self.opened()
        sent = frame(1, BIG)
        sender.offer(sent)
        sender.send_message(b"bye")
        sender.finish(near.transport.loseConnection)
        assert await read(reactor, far, BIG + 8) == serialize(sent)
        assert await read(reactor, far, 100) == b"bye"
        await until(reactor, lambda: near.gone.called)

    async def test_finish_without_a_frame_is_immediate(self) -> None:
        sender, near, far, _ = await self.opened()
        sender.finish(near.transport.loseConnection)
        assert await read(reactor, far, 1) == b""

    async def test_a_connection_can_be_aborted_during_a_frame(self) -> None:
        sender, near, _, _ = await self.opened()
        sender.offer(frame(1, BIG))
        sender.abort()
        await until(reactor, lambda: near.gone.called)
        assert not sender.is_ready()
        sender.close()

    async def test_a_viewer_that_leaves_during_a_frame_leaves_no_file(self) -> None:
        sender, near, far, _ = await self.opened()
        gc.collect()
        before = open_files()
        sender.offer(frame(1, BIG))
        far.close()
        await until(reactor, lambda: near.gone.called)
        assert not sender.is_ready()
        gc.collect()
        assert open_files() == before - 2  # both ends of the connection

    async def test_what_the_viewer_sends_is_still_read(self) -> None:
        _, near, far, _ = await self.opened()
        far.sendall(bytes(range(250)) * 200)
        await until(reactor, lambda: len(near.heard) == 50_000)
        assert near.heard == bytes(range(250)) * 200
