"""Cameras whose pictures are pushed in."""

from __future__ import annotations

from itertools import count
from typing import ClassVar

import cv2
import numpy as np
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall

from tests.support.frame_serving import ServingCase
from tests.support.odd_jpegs import make_jpeg
from twistedcam import wire
from twistedcam.clients.frames import parse_target
from twistedcam.clients.frames.publisher import Publisher
from twistedcam.clients.frames.twisted import FrameClient
from twistedcam.errors import BadMessage, Busy, UnknownCamera
from twistedcam.events import CameraChanged, Event
from twistedcam.media.frame import Frame
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
