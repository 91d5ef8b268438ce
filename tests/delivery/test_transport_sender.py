"""Frames sent with transport.write, on real sockets."""

from __future__ import annotations

from typing import Any

from twisted.internet import reactor
from twisted.internet.task import Clock
from twisted.trial.unittest import TestCase

from tests.support.process import PATIENCE
from tests.support.sender_tests import SenderTests
from tests.support.sockets import connect, frame, read, serialize, turn, until
from twistedcam.delivery import LatestSubscription, TransportSender, choose_sender
from twistedcam.delivery.subscription import STALL_LIMIT
from twistedcam.events import EventBus
from twistedcam.stream.hub import Hub
from twistedcam.stream.viewers import Viewers


class WriteOverTcp(SenderTests, TestCase):
    kind = "tcp"

    def make(self, transport: Any, ready: Any) -> TransportSender:
        return TransportSender(transport, serialize, ready)


class WriteOverTls(SenderTests, TestCase):
    kind = "tls"

    async def opened(self, **how: Any) -> Any:
        return await super().opened(kind="tls", **how)

    def make(self, transport: Any, ready: Any) -> TransportSender:
        sender = choose_sender(transport, serialize, ready, reactor)
        assert isinstance(sender, TransportSender)
        return sender

    async def test_a_slow_viewer_is_never_far_behind(self) -> None:
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

    async def test_a_viewer_that_stops_reading_is_disconnected_and_nothing_is_queued(self) -> None:
        sender, near, _, _ = await self.opened()
        clock, hub = Clock(), Hub()
        viewer = Viewers(EventBus(), clock).join("here", "tcp", "cam", "write", lambda _: None)
        subscription = LatestSubscription(viewer, hub, sender, clock)
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


class TwistedTests(TestCase):
    """Fails if Twisted changes what the sender relies on."""

    timeout = PATIENCE

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
