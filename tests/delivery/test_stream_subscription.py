"""A viewer gets a stream in a codec that it understands, also when the camera changes its own."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.delivery.test_gop_subscription import PacketSender
from tests.support.packet_streams import make_stream, packet, show
from tests.support.sockets import frame
from twistedcam.delivery import GopSubscription, LatestSubscription, StreamSubscription
from twistedcam.delivery.stream_subscription import subscription_class
from twistedcam.errors import NotSupported
from twistedcam.events import EventBus
from twistedcam.media.track import VIDEO, Track
from twistedcam.stream.hub import GroupHub, Hub
from twistedcam.stream.viewers import Viewers
from twistedcam.stream.wants import Wants


def test_packets_that_refer_to_others_need_their_own_subscription() -> None:
    assert subscription_class(GroupHub()) is GopSubscription
    assert subscription_class(Hub()) is LatestSubscription


class StreamSubscriptionTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.stream = make_stream()
        self.sender = PacketSender()
        self.tracks: list[Track] = []

    def subscribe(self, *codecs: str, window: int = 0) -> StreamSubscription:
        viewer = Viewers(EventBus(), self.clock).join("here", "tcp", "cam", "", lambda _: None)
        return StreamSubscription(
            viewer,
            self.stream,
            Wants(codecs),
            self.sender,
            self.clock,
            window=window,
            on_track=self.tracks.append,
        )

    def test_a_viewer_begins_with_the_cached_group(self) -> None:
        show(self.stream, [True, False, True, False])
        subscription = self.subscribe("h264", "mjpeg")
        subscription.start()
        show(self.stream, [False], first=5)
        self.assertEqual(self.sender.sent, [3, 4, 5])
        self.assertEqual([each.codec for each in self.tracks], ["h264"])
        subscription.close()
        self.assertFalse(self.stream.is_wanted)

    def test_it_continues_with_frames_when_the_camera_gives_frames(self) -> None:
        subscription = self.subscribe("h264", "mjpeg", window=1)
        subscription.start()
        show(self.stream, [True, False])
        for seq in (3, 4, 5):
            self.stream.publish(frame(seq, 100))
        self.assertEqual(self.sender.sent, [1, 2, 3], "one unacknowledged frame is allowed")
        subscription.acknowledge(3)
        self.assertEqual(self.sender.sent, [1, 2, 3, 5])
        show(self.stream, [True, False], first=6)
        self.assertEqual(self.sender.sent, [1, 2, 3, 5, 6, 7])
        self.assertEqual([each.codec for each in self.tracks], ["h264", "mjpeg", "h264"])

    def test_nothing_of_the_camera_is_sent_once_its_codec_is_not_taken(self) -> None:
        subscription = self.subscribe("h264", window=2)
        subscription.start()
        show(self.stream, [True, False])
        self.stream.clear()
        self.stream.publish(packet(3, True, Track(VIDEO, "video", "hevc", 640, 480)))
        subscription.acknowledge(2)  # H.264 is not encoded yet
        self.assertEqual(self.sender.sent, [1, 2])
        self.assertEqual([each.codec for each in self.tracks], ["h264"])

    def test_numbers_do_not_repeat_when_a_viewer_moves_to_another_hub(self) -> None:
        for window in (0, 9):
            self.setUp()
            subscription = self.subscribe("h264", "mjpeg", window=window)
            subscription.start()
            show(self.stream, [True, False, False])
            assert subscription._hub is self.stream.packets
            other = GroupHub()
            for number, is_keyframe in enumerate([True, False, False, False, True, False]):
                if number == 3:  # behind what the viewer has had already
                    subscription._subscription.hub = other  # type: ignore[union-attr]
                    other.add(subscription)
                    subscription.track_changed(other.track)  # type: ignore[arg-type]
                other.publish(packet(1 + number, is_keyframe))
                subscription.ready()
            self.assertEqual(self.sender.sent, [1, 2, 3, 5, 6])

    def test_a_viewer_whose_input_ended_needs_no_acknowledgements_for_another_codec(self) -> None:
        subscription = self.subscribe("h264", "mjpeg", window=1)
        subscription.start()
        show(self.stream, [True])
        subscription.ignore_acks()
        for seq in (2, 3, 4):
            self.stream.publish(frame(seq, 100))
        self.assertEqual(self.sender.sent, [1, 2, 3, 4])

    def test_codecs_that_cannot_be_had_are_refused_at_once(self) -> None:
        show(self.stream, [True])
        self.assertRaises(NotSupported, self.subscribe, "hevc")

    def test_a_viewer_is_disconnected_when_its_codec_cannot_be_had_any_more(self) -> None:
        hevc = Track(VIDEO, "video", "hevc", 640, 480)
        self.stream.publish(packet(1, True, hevc))
        subscription = self.subscribe("hevc")
        subscription.start()
        self.assertEqual((self.sender.sent, self.sender.over), ([1], ""))
        show(self.stream, [True], first=2)
        self.assertEqual((self.sender.sent, self.sender.over), ([1], "aborted"))
        subscription.close()
        self.assertFalse(self.stream.is_wanted)

    def test_a_connection_that_fails_leaves_the_stream(self) -> None:
        subscription = self.subscribe("h264")
        subscription.start()

        def broken(*_: object) -> int:
            raise ConnectionResetError("it is gone")

        self.patch(self.sender, "offer", broken)
        show(self.stream, [True])
        self.assertEqual(self.sender.over, "aborted")
        self.assertFalse(self.stream.is_wanted)
