"""Both ways out of the process, on real sockets."""

from __future__ import annotations

import gc
import os
import socket
from typing import Any

from twisted.internet import reactor
from twisted.internet.task import Clock
from twisted.trial.unittest import TestCase

from tests.support.process import PATIENCE
from tests.support.sockets import Near, connect, frame, read, serialize, turn, until
from tests.support.system import require
from twistedcam.delivery import SendfileSender, Subscription, TransportSender, choose_sender
from twistedcam.delivery import socket_state as kernel
from twistedcam.delivery.memfd import Memfd
from twistedcam.delivery.socket_state import HAS_SENDFILE, stream_socket
from twistedcam.delivery.subscription import STALL_LIMIT
from twistedcam.events import EventBus
from twistedcam.media.frame import Frame
from twistedcam.stream.hub import Hub
from twistedcam.stream.viewers import Viewers

BIG = 24 * 1024 * 1024  # more than a loopback connection holds by itself


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


class SenderPromises:
    """What both senders promise."""

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

    async def test_a_frame_arrives_whole_and_as_it_is(self) -> None:
        sender, _, far, _ = await self.opened()
        sent = frame(7, 98_000)
        assert sender.offer(sent) == 98_008
        assert await read(reactor, far, 98_008) == serialize(sent)

    async def test_a_frame_larger_than_all_buffers_arrives_whole(self) -> None:
        sender, _, far, ready = await self.opened()
        sent = frame(3, BIG)
        sender.offer(sent)
        assert not sender.is_ready()
        before = len(ready)
        assert await read(reactor, far, BIG + 8) == serialize(sent)
        await until(reactor, lambda: len(ready) > before)
        assert sender.is_ready()

    async def test_a_message_is_never_in_the_middle_of_a_frame(self) -> None:
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

    async def test_who_does_not_read_has_no_second_frame_in_hand(self) -> None:
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

    async def test_the_end_waits_for_the_frame_and_the_last_words(self) -> None:
        sender, near, far, _ = await self.opened()
        sent = frame(1, BIG)
        sender.offer(sent)
        sender.send_message(b"bye")
        sender.finish(near.transport.loseConnection)
        assert await read(reactor, far, BIG + 8) == serialize(sent)
        assert await read(reactor, far, 100) == b"bye"
        await until(reactor, lambda: near.gone.called)

    async def test_an_end_with_nothing_in_hand_is_at_once(self) -> None:
        sender, near, far, _ = await self.opened()
        sender.finish(near.transport.loseConnection)
        assert await read(reactor, far, 1) == b""

    async def test_the_connection_can_be_cut_in_the_middle_of_a_frame(self) -> None:
        sender, near, _, _ = await self.opened()
        sender.offer(frame(1, BIG))
        sender.abort()
        await until(reactor, lambda: near.gone.called)
        assert not sender.is_ready()
        sender.close()

    async def test_a_viewer_that_goes_in_the_middle_of_a_frame_leaves_no_file(self) -> None:
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


class SendfileCase(SenderPromises):
    """Promises of the sendfile sender alone."""

    def setUp(self) -> None:
        require(HAS_SENDFILE, "memory files and sendfile to a socket need Linux")

    def make(self, transport: Any, ready: Any) -> SendfileSender:
        sender = choose_sender(transport, serialize, ready, reactor)
        assert isinstance(sender, SendfileSender)
        return sender

    async def test_what_was_written_before_goes_out_before(self) -> None:
        near, far = await connect(self, reactor)
        near.transport.write(b"headers")
        sender = self.make(near.transport, lambda: None)
        assert not sender.is_ready()
        sender.send_message(b"begin")
        assert not sender.is_ready()
        await until(reactor, sender.is_ready)
        sender.offer(frame(1, 10))
        assert await read(reactor, far, 30) == b"headersbegin" + serialize(frame(1, 10))

    async def test_a_frame_is_one_memory_file_for_all_and_lives_no_longer_than_needed(self) -> None:
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

    async def test_a_slow_reader_s_frame_keeps_its_file_until_it_is_out(self) -> None:
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

    async def test_the_kernel_is_not_asked_about_who_is_known_to_have_everything(self) -> None:
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

    async def test_a_frame_larger_than_all_buffers_arrives_whole(self) -> None:
        sender, _, far, _ = await self.opened()
        sender.offer(frame(3, BIG))
        assert not sender.is_ready()
        assert await read(reactor, far, BIG + 8) == serialize(frame(3, BIG))
        await until(reactor, sender.is_ready)


class WriteOverTcp(SenderPromises, TestCase):
    kind = "tcp"

    def make(self, transport: Any, ready: Any) -> TransportSender:
        return TransportSender(transport, serialize, ready)


class WriteOverTls(SenderPromises, TestCase):
    kind = "tls"

    async def opened(self, **how: Any) -> Any:
        return await super().opened(kind="tls", **how)

    def make(self, transport: Any, ready: Any) -> TransportSender:
        sender = choose_sender(transport, serialize, ready, reactor)
        assert isinstance(sender, TransportSender)
        return sender

    async def test_who_reads_slowly_is_never_far_behind(self) -> None:
        sender, _, far, _ = await self.opened(receive_buffer=65536)
        number, seen = 0, []
        for _ in range(12):
            for _ in range(10):  # ten pictures come in the time that it takes to read one
                number += 1
                sender.offer(frame(number, 100_000))
                await turn(reactor)
            data = await read(reactor, far, 100_008)
            seen.append((int.from_bytes(data[:4], "big"), number))
        # One may be on its way in the kernels, and one in hand: each has waited for one reading.
        assert all(newest - shown <= 30 for shown, newest in seen)
        assert seen[-1][0] > 80

    async def test_who_stops_reading_is_dropped_and_nothing_piles_up(self) -> None:
        sender, near, _, _ = await self.opened()
        clock, hub = Clock(), Hub()
        viewer = Viewers(EventBus(), clock).join("here", "tcp", "cam", "write", lambda _: None)
        subscription = Subscription(viewer, hub, sender, clock)
        subscription.start()
        for number in range(1, 200):
            hub.publish(frame(number, 100_000))
            clock.advance(STALL_LIMIT / 100)
            await turn(reactor)
            if near.gone.called:
                break
        await until(reactor, lambda: near.gone.called)
        assert len(hub) == 0
        assert viewer.bytes < 8_000_000  # what kernels take by themselves, and one in hand


class WhatIsReachedUnder(TestCase):
    """Fails when Twisted changes what the senders rely on."""

    timeout = PATIENCE

    async def test_a_pull_producer_is_asked_whenever_all_is_written(self) -> None:
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

    async def test_the_limit_of_a_transport_s_buffer_is_its_buffer_size(self) -> None:
        near, far = await connect(self, reactor)
        calls: list[str] = []

        class Producer:
            def pauseProducing(self) -> None:
                calls.append("pause")

            def resumeProducing(self) -> None:
                calls.append("resume")

            def stopProducing(self) -> None:
                pass

        near.transport.bufferSize = 2048
        near.transport.registerProducer(Producer(), True)
        near.transport.write(bytes(2048))
        assert calls == []
        near.transport.write(bytes(1))
        assert calls == ["pause"]
        await read(reactor, far, 2049)
        await until(reactor, lambda: calls == ["pause", "resume"])
        near.transport.unregisterProducer()

    async def test_a_transport_gives_its_socket(self) -> None:
        near, far = await connect(self, reactor)
        sock = stream_socket(near.transport)
        assert sock is not None
        assert sock.getpeername() == far.getsockname()


def test_a_memory_file_is_closed_with_its_last_holder() -> None:
    require(HAS_SENDFILE, "memory files need Linux")
    before = open_files()
    held = Memfd(b"abc")
    assert os.pread(held.fd, 10, 0) == b"abc"
    assert open_files() == before + 1
    del held
    gc.collect()
    assert open_files() == before


def test_a_frame_s_form_is_made_once() -> None:
    made: list[int] = []

    def form(frame: Frame) -> bytes:
        made.append(frame.seq)
        return b"x"

    picture = frame(5, 10)
    assert picture.shared(form) is picture.shared(form)
    assert made == [5]
