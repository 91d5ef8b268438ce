"""Frames sent as memory files, on real sockets."""

from __future__ import annotations

import gc
import socket
from typing import Any

from twisted.internet import reactor
from twisted.trial.unittest import TestCase

from tests.support.process import PATIENCE
from tests.support.sender_tests import BIG, SenderTests, open_files
from tests.support.sockets import connect, frame, read, serialize, until
from tests.support.system import require
from twistedcam.delivery import SendfileSender, choose_sender, memfd
from twistedcam.delivery import socket_state as kernel
from twistedcam.delivery.memfd import as_sendable
from twistedcam.delivery.socket_state import HAS_SENDFILE
from twistedcam.media.frame import Frame


class SendfileCase(SenderTests):
    """Promises of the sendfile sender alone."""

    def setUp(self) -> None:
        require(HAS_SENDFILE, "memory files and sendfile to a socket need Linux")
        # All frames in memory files, as for many viewers.
        self.patch(memfd, "FEW", 0)  # type: ignore[attr-defined]

    def make(self, transport: Any, ready: Any) -> SendfileSender:
        sender = choose_sender(transport, serialize, ready, reactor)
        assert isinstance(sender, SendfileSender)
        return sender

    async def test_earlier_writes_are_sent_first(self) -> None:
        near, far = await connect(self, reactor)
        near.transport.write(b"headers")
        sender = self.make(near.transport, lambda: None)
        assert not sender.is_ready()
        sender.send_message(b"begin")
        assert not sender.is_ready()
        await until(reactor, sender.is_ready)
        sender.offer(frame(1, 10))
        assert await read(reactor, far, 30) == b"headersbegin" + serialize(frame(1, 10))

    async def test_a_frame_has_one_memory_file_that_is_closed_early(self) -> None:
        senders = [(await self.opened())[::2] for _ in range(3)]
        gc.collect()
        before = open_files()
        sent = frame(1, 50_000)
        for sender, _ in senders:
            sender.offer(sent)
        assert open_files() == before + 1
        del sent
        gc.collect()
        assert open_files() == before
        for _, far in senders:  # its pages live until they are read
            assert await read(reactor, far, 50_008) == serialize(frame(1, 50_000))

    async def test_a_few_viewers_get_copies_and_more_of_them_a_memory_file(self) -> None:
        self.patch(memfd, "FEW", as_sendable(serialize).senders + 2)  # type: ignore[attr-defined]
        senders = [(await self.opened())[::2] for _ in range(3)]
        gc.collect()
        before = open_files()

        def files_for(sent: Frame) -> int:
            for sender, _ in senders:
                sender.offer(sent)
            return open_files() - before

        assert files_for(frame(1, 50_000)) == 1
        for _, far in senders:
            assert await read(reactor, far, 50_008) == serialize(frame(1, 50_000))
        senders.pop()[0].abort()
        await until(reactor, lambda: all(sender.is_ready() for sender, _ in senders))
        before = open_files()
        assert files_for(frame(2, 50_000)) == 0
        for _, far in senders:
            assert await read(reactor, far, 50_008) == serialize(frame(2, 50_000))

    async def test_a_small_frame_that_the_kernel_takes_in_parts_is_sent_unchanged(self) -> None:
        sender, near, far, _ = await self.opened(receive_buffer=2048)
        near.transport.getHandle().setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2048)
        gc.collect()
        before, sent = open_files(), frame(1, 30_000)
        assert sender.offer(sent) == 30_008
        assert open_files() <= before + 1  # no memory file, only what waits for the socket
        assert sender.unsent_bytes() > 0
        assert not sender.is_ready()
        assert await read(reactor, far, 30_008) == serialize(sent)
        await until(reactor, sender.is_ready)

    async def test_a_slow_viewer_s_frame_keeps_its_file_until_it_is_sent(self) -> None:
        sender, _, far, _ = await self.opened()
        gc.collect()
        before = open_files()
        sender.offer(frame(9, BIG))
        gc.collect()
        assert open_files() == before + 2  # the memory file, and what it is waited with
        assert await read(reactor, far, BIG + 8) == serialize(frame(9, BIG))
        await until(reactor, lambda: open_files() == before)


class SendfileOverTcp(SendfileCase, TestCase):
    kind = "tcp"

    async def test_no_frame_starts_while_bytes_of_the_one_before_are_unsent(self) -> None:
        sender, _, far, ready = await self.opened(receive_buffer=4096)
        sender.offer(frame(1, 400_000))  # the kernel takes it all, and cannot send it all
        assert not sender.is_ready()
        assert sender.unsent_bytes() > 100_000
        before = len(ready)
        await read(reactor, far, 400_008)
        await until(reactor, lambda: len(ready) > before)
        assert sender.is_ready()
        assert sender.unsent_bytes() == 0

    async def test_the_kernel_is_not_asked_if_the_viewer_has_everything(self) -> None:
        asked: list[int] = []

        def has_unsent(fd: int) -> bool:
            asked.append(fd)
            return False

        self.patch(kernel, "has_unsent", has_unsent)
        sender, _, far, _ = await self.opened()
        asked.clear()
        assert sender.offer(frame(1, 100), True)
        assert asked == []
        assert sender.offer(frame(2, 100))
        assert len(asked) == 1
        assert await read(reactor, far, 216) == serialize(frame(1, 100)) + serialize(frame(2, 100))


class SendfileOverUnix(SendfileCase, TestCase):
    kind = "unix"

    async def opened(self, **how: Any) -> Any:
        return await super().opened(kind="unix", **how)

    async def test_a_frame_larger_than_all_buffers_is_sent_completely(self) -> None:
        sender, _, far, _ = await self.opened()
        sender.offer(frame(3, BIG))
        assert not sender.is_ready()
        assert await read(reactor, far, BIG + 8) == serialize(frame(3, BIG))
        await until(reactor, sender.is_ready)


class TwistedTests(TestCase):
    """Fails if Twisted changes what the sender relies on."""

    timeout = PATIENCE

    async def test_a_pull_producer_is_called_when_everything_is_written(self) -> None:
        near, far = await connect(self, reactor)
        asked: list[int] = []

        class Producer:
            def resumeProducing(self) -> None:
                asked.append(1)

            def stopProducing(self) -> None:
                pass

        near.transport.write(b"before")
        near.transport.registerProducer(Producer(), False)
        asked.clear()  # it may ask at once
        near.transport.write(b"x" * 1000)
        assert not asked
        assert len(await read(reactor, far, 1006)) == 1006
        assert asked == [1]
        near.transport.write(bytes(BIG))
        await read(reactor, far, 1_000_000)
        assert asked == [1]  # not before all is
        await read(reactor, far, BIG - 1_000_000)
        await until(reactor, lambda: len(asked) > 1)
        assert asked == [1, 1]
        near.transport.unregisterProducer()
