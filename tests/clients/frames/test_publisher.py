"""Cameras whose pictures are pushed in."""

from __future__ import annotations

from itertools import count
from typing import ClassVar

import cv2
import numpy as np
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock, LoopingCall
from twisted.trial.unittest import SynchronousTestCase

from tests.support.frame_serving import ServingCase
from tests.support.odd_jpegs import make_jpeg
from tests.support.packet_streams import packet
from twistedcam import wire
from twistedcam.clients.frames import ClientSession, parse_target
from twistedcam.clients.frames.publisher import Publisher
from twistedcam.clients.frames.twisted import FrameClient
from twistedcam.errors import BadMessage, Busy, Disconnected, UnknownCamera
from twistedcam.events import CameraChanged, Event
from twistedcam.media.frame import Frame
from twistedcam.media.packet import Packet
from twistedcam.servers.frames.publish_session import MAX_CHECKED_AT_ONCE
from twistedcam.stream.hub import Sink

JPEG: bytes = cv2.imencode(".jpg", np.zeros((48, 64, 3), np.uint8))[1].tobytes()


def frame(seq: int, width: int = 64) -> Frame:
    return Frame(seq, 1_700_000_000_123_457 + seq, width, 48, JPEG)


class Catcher(Sink):
    """A sink that tells of its first frame, or of the first with some JPEG."""

    def __init__(self, jpeg: bytes | None = None) -> None:
        self.frames: list[Frame] = []
        self._jpeg = jpeg
        self.first: Deferred[Frame] = Deferred()

    def take(self, frame: Frame) -> None:
        self.frames.append(frame)
        if not self.first.called and self._jpeg in (None, frame.jpeg):
            self.first.callback(frame)


class PublishTests(ServingCase):
    cameras: ClassVar[dict[str, str]] = {"cam": "push:", "other": "pattern:?fps=5&size=160x120"}

    def publisher(self, camera: str = "cam", reconnect: bool = True) -> Publisher:
        """A publisher that runs, and ends with the test."""
        made = Publisher(reactor, parse_target(self.url(camera)), reconnect=reconnect)
        made.startService()
        self.addCleanup(made.stopService)
        return made

    def becomes(self, state: str, camera: str = "cam") -> Deferred[str | None]:
        """Fires with its reason when the server's camera is in that state."""
        found: Deferred[str | None] = Deferred()
        events = self.service.server.events

        def happened(event: Event) -> None:
            if isinstance(event, CameraChanged) and (event.camera, event.state) == (camera, state):
                unsubscribe()
                reactor.callLater(0, found.callback, event.reason)  # type: ignore[attr-defined]

        unsubscribe = events.subscribe(happened)
        now = self.service.server.cameras[camera]
        if now.state == state:
            unsubscribe()
            found.callback(now.reason)
        return found

    async def publish(self, publisher: Publisher) -> Frame:
        """Push frames until one has come out of the camera."""
        catcher = Catcher()
        self.service.server.cameras["cam"].hub.add(catcher)
        seqs = count(1)
        pushing = LoopingCall(lambda: publisher.take(frame(next(seqs))))
        pushing.start(0.01)
        try:
            return await catcher.first
        finally:
            pushing.stop()

    async def test_without_a_publisher_it_waits_and_says_what_to_do(self) -> None:
        self.assertIn("twistedcam publish", await self.becomes("recovering") or "")

    async def test_what_is_pushed_comes_out_unchanged_with_its_own_time(self) -> None:
        came = await self.publish(self.publisher())
        self.assertEqual(came.jpeg, JPEG)
        self.assertEqual((came.time_us - 1_700_000_000_123_457) // 1000, 0)
        self.assertEqual((came.seq, came.width, came.height), (1, 64, 48))
        self.assertEqual(self.service.server.cameras["cam"].counts.encoded, 0)

    async def test_a_second_publisher_is_refused_and_the_first_goes_on(self) -> None:
        first = self.publisher()
        await self.publish(first)
        second = self.publisher(reconnect=False)
        await self.assertFailure(second.ended, Busy)
        await self.publish(first)

    async def test_when_the_publisher_goes_the_camera_waits_for_the_next(self) -> None:
        first = self.publisher()
        await self.publish(first)
        await first.stopService()
        self.assertEqual(await self.becomes("recovering"), "the publisher has gone")
        await self.publish(self.publisher())
        await self.becomes("live")

    async def test_a_camera_of_another_kind_takes_no_frames(self) -> None:
        await self.assertFailure(self.publisher("other").ended, BadMessage)
        await self.assertFailure(self.publisher("nope").ended, UnknownCamera)

    async def test_a_picture_that_belies_its_header_ends_the_connection(self) -> None:
        publisher = self.publisher(reconnect=False)
        await self.publish(publisher)
        publisher.take(frame(10_000, width=65))
        await self.assertFailure(publisher.ended, BadMessage)
        self.assertEqual(await self.becomes("recovering"), "the publisher has gone")

    async def test_a_picture_with_another_behind_its_end_ends_the_connection(self) -> None:
        publisher = self.publisher(reconnect=False)
        await self.publish(publisher)
        publisher.take(Frame(10_000, 1_700_000_000_000_000, 64, 48, JPEG + JPEG))
        await self.assertFailure(publisher.ended, BadMessage)

    async def test_a_large_picture_with_another_behind_it_ends_the_connection_and_is_not_shown(
        self,
    ) -> None:
        large = make_jpeg(1920, 1080, quality=98)
        self.assertGreater(len(large), MAX_CHECKED_AT_ONCE)
        publisher = self.publisher(reconnect=False)
        await self.publish(publisher)
        catcher = Catcher(large)  # an earlier picture may still be on its way
        self.service.server.cameras["cam"].hub.add(catcher)
        publisher.take(Frame(10_000, 1_700_000_000_000_000, 1920, 1080, large))
        await catcher.first
        publisher.take(Frame(10_001, 1_700_000_000_000_001, 1920, 1080, large + large))
        failed = await self.assertFailure(publisher.ended, BadMessage)
        self.assertIn("bytes follow the JPEG", str(failed))
        self.assertEqual(await self.becomes("recovering"), "the publisher has gone")
        self.assertEqual(self.service.server.cameras["cam"].counts.corrupt, 1)
        self.assertNotIn(large + large, [each.jpeg for each in catcher.frames])

    async def test_bytes_before_a_picture_end_the_connection(self) -> None:
        for before in (b"\r\n", b"\xff\xd8"):
            publisher = self.publisher(reconnect=False)
            await self.publish(publisher)
            publisher.take(Frame(10_000, 1_700_000_000_000_000, 64, 48, before + JPEG))
            await self.assertFailure(publisher.ended, BadMessage)

    async def test_a_time_of_capture_that_is_none_ends_the_connection_and_no_viewer_s(self) -> None:
        publisher = self.publisher(reconnect=False)
        await self.publish(publisher)
        viewer = FrameClient(reactor, parse_target(self.url()), reconnect=False)
        viewer.startService()
        self.addCleanup(viewer.stopService)
        await self.watched()
        publisher.take(Frame(10_000, 2**64 - 1, 64, 48, JPEG))
        await self.assertFailure(publisher.ended, BadMessage)
        await self.becomes("recovering")
        seen: Deferred[Frame] = Deferred()
        viewer.on_frame = lambda frame: None if seen.called else seen.callback(frame)
        await self.publish(self.publisher())
        await seen

    async def test_a_stopped_camera_is_sent_nothing(self) -> None:
        publisher = self.publisher()
        await self.publish(publisher)
        told: Deferred[None] = Deferred()
        publisher.on_state = lambda state: told.callback(None) if state.state == "stopped" else None
        await self.service.server.cameras["cam"].stop()
        await told
        before = publisher.sent
        publisher.take(frame(1))
        self.assertEqual(publisher.sent, before)

    async def test_a_publisher_comes_back_when_the_server_does(self) -> None:
        publisher = self.publisher()
        await self.publish(publisher)
        await self.end_server()
        self.serve()
        await self.publish(publisher)

    async def test_a_publisher_holds_the_newest_frame_alone(self) -> None:
        publisher = Publisher(reactor, parse_target(self.url()))
        for seq in range(1, 100):
            publisher.take(frame(seq))
        publisher.startService()
        self.addCleanup(publisher.stopService)
        catcher = Catcher()
        self.service.server.cameras["cam"].hub.add(catcher)
        await catcher.first
        self.assertEqual(publisher.sent, 1)
        self.assertEqual(catcher.frames[0].time_us, frame(99).time_us)

    async def test_the_clock_of_the_server_is_learned(self) -> None:
        publisher = self.publisher()
        await self.publish(publisher)
        self.assertTrue(publisher.clock.known)
        self.assertFalse(publisher.clock.disagrees)
        self.assertIsInstance(publisher.state, wire.State)


class FakeProtocol:
    """A connection to a server that a test lets acknowledge."""

    def __init__(self, clock: Clock) -> None:
        self.session = ClientSession(parse_target("twistedcam://localhost/cam"), "publish")
        self.session.state = wire.State("cam", "live")
        self.is_writable = True
        self.sent: list[int] = []
        self._clock = clock

    def send_frame(self, frame: Packet) -> None:
        self.sent.append(frame.seq)
        self.session.published(frame.seq, self._clock.seconds())

    def acknowledge(self) -> None:
        ack = wire.Ack(self.sent[-1]).encode()
        assert not list(self.session.receive(ack, self._clock.seconds()))


class PacketTests(SynchronousTestCase):
    """Packets of H.264, with a key frame before every tenth."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.publisher = Publisher(self.clock, parse_target("twistedcam://localhost/cam"))
        self.requests: list[bool] = []
        self.publisher.on_keyframe_request = lambda: self.requests.append(True)
        self.protocol = FakeProtocol(self.clock)
        self.publisher._protocol = self.protocol  # type: ignore[assignment]

    def test_the_server_s_request_for_a_key_frame_is_passed_on_once(self) -> None:
        request = wire.Keyframe().encode()
        assert not list(self.protocol.session.receive(request, self.clock.seconds()))
        self.publisher.send_next()
        self.publisher.send_next()
        self.assertEqual(self.requests, [True])

    def take(self, first: int, last: int, acknowledges: bool = True) -> None:
        for seq in range(first, last + 1):
            self.publisher.take(packet(seq, seq % 10 == 1))
            if acknowledges and self.protocol.sent:
                self.protocol.acknowledge()
                self.publisher.send_next()
            self.clock.advance(0.04)

    def test_all_are_sent_in_order_from_a_key_frame_on(self) -> None:
        self.take(8, 25)
        self.assertEqual(self.protocol.sent, list(range(11, 26)))
        self.assertEqual(len(self.requests), 3)

    def test_the_window_does_not_limit_them_but_time_does(self) -> None:
        self.take(1, 30, acknowledges=False)
        self.assertLessEqual(len(self.protocol.sent), 11)
        self.protocol.acknowledge()
        self.take(31, 35)
        self.assertEqual(self.protocol.sent[-5:], [31, 32, 33, 34, 35])

    def test_a_short_wait_loses_nothing(self) -> None:
        self.take(1, 4)
        self.protocol.is_writable = False
        self.take(5, 9, acknowledges=False)
        self.assertEqual(self.protocol.sent, [1, 2, 3, 4])
        self.protocol.is_writable = True
        self.publisher.send_next()
        self.assertEqual(self.protocol.sent, list(range(1, 10)))

    def test_after_a_long_wait_a_key_frame_is_next(self) -> None:
        self.take(1, 2)
        self.protocol.is_writable = False
        self.take(3, 18, acknowledges=False)
        self.protocol.is_writable = True
        self.take(19, 22)
        self.assertIn(self.protocol.sent, ([1, 2, *range(11, 23)], [1, 2, 21, 22]))

    def test_after_a_new_connection_a_key_frame_is_next(self) -> None:
        self.take(1, 3)
        self.publisher.connection_lost(Disconnected("gone"))
        self.publisher._protocol = self.protocol  # type: ignore[assignment]
        self.take(4, 12)
        self.assertEqual(self.protocol.sent, [1, 2, 3, 11, 12])
