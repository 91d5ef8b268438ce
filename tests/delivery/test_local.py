"""Delivery in this process: a viewer's sender, its subscription and its input."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase

from tests.support.sockets import frame, serialize
from twistedcam.delivery import Delivery
from twistedcam.events import EventBus
from twistedcam.stream.hub import Hub
from twistedcam.stream.viewers import Viewers


class DeliveryTests(SynchronousTestCase):
    def setUp(self) -> None:
        clock = Clock()
        self.delivery = Delivery(clock)
        self.transport = StringTransport()
        self.sender = self.delivery.make_sender(
            self.transport, serialize, lambda: None, lambda: None
        )
        self.viewer = Viewers(EventBus(), clock).join("here", "tcp", "cam", "", lambda _: None)

    def test_frames_of_the_hub_go_to_the_transport_until_the_end(self) -> None:
        hub = Hub()
        subscription = self.delivery.subscribe(self.viewer, hub, self.sender, None)
        subscription.start()
        hub.publish(frame(1, 10))
        subscription.close()
        hub.publish(frame(2, 10))
        self.assertEqual(self.transport.value(), serialize(frame(1, 10)))
        self.assertEqual((self.viewer.frames, self.viewer.bytes), (1, 18))
        self.assertEqual(self.delivery.workers, 0)

    def test_a_transport_without_a_socket_reads_by_itself_and_can_be_held(self) -> None:
        reading = self.delivery.read_from(self.sender, self.transport, lambda _: None)
        reading.hold(True)
        self.assertEqual(self.transport.producerState, "paused")
        reading.hold(False)
        self.assertEqual(self.transport.producerState, "producing")
        reading.watch_end()
        reading.stop_reading()
        self.assertEqual(self.transport.producerState, "producing")
