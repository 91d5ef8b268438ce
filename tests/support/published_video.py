"""A server with a camera whose H.264 a client publishes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from twisted.internet import reactor as installed_reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall

from tests.support.films import h264_packets
from tests.support.frame_serving import ServingCase
from twistedcam.clients.frames import parse_target
from twistedcam.clients.frames.publisher import Publisher
from twistedcam.clients.frames.twisted import FrameClient
from twistedcam.media.packet import Packet

reactor: Any = installed_reactor
#: The pictures that are published repeatedly: five groups in a second.
PICTURES = h264_packets([number / 25 for number in range(25)], keyframes=0.2)


class PublishedCase(ServingCase):
    """A server whose camera ``cam`` gets H.264 from a publisher, 25 pictures in each second."""

    cameras: ClassVar[dict[str, str]] = {"cam": "push:"}

    def setUp(self) -> None:
        super().setUp()
        self.publisher = Publisher(reactor, parse_target(self.url()))
        self.publisher.startService()
        self.addCleanup(self.publisher.stopService)
        self.count = 0
        publishing = LoopingCall(self._publish_next)
        publishing.start(0.01)
        self.addCleanup(publishing.stop)

    def _publish_next(self) -> None:
        self.count += 1
        self.publish(self.count, PICTURES[0].time_us + self.count * 40_000)

    def publish(self, number: int, time_us: int) -> None:
        """Publish what is due at a time: the next picture."""
        each = PICTURES[(number - 1) % len(PICTURES)]
        packet = Packet(each.track, number, time_us, time_us, each.data, each.is_keyframe)
        self.publisher.take(packet)

    def watch(
        self, camera: str, codecs: tuple[str, ...], enough: Callable[[list[Any]], bool]
    ) -> Deferred[list[Any]]:
        """Fires with all frames and packets of a camera as soon as there are enough."""
        found: list[Any] = []
        done: Deferred[list[Any]] = Deferred()

        def on_frame(frame: Any) -> None:
            found.append(frame)
            if enough(found) and not done.called:
                done.callback(found)

        client = FrameClient(reactor, parse_target(self.url(camera)), on_frame, codecs=codecs)
        client.startService()
        self.addCleanup(client.stopService)
        return done
