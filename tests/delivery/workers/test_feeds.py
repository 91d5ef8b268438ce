"""The packets that a worker gets, while it has viewers for them."""

from __future__ import annotations

from typing import Any
from unittest.mock import Mock

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.support.packet_streams import make_stream, packet, serialize_packet, show
from tests.support.sockets import frame
from tests.support.system import require
from twistedcam.delivery.socket_state import HAS_SENDFILE
from twistedcam.delivery.workers.feeds import GROUP_WINDOW, WINDOW, WorkerFeed
from twistedcam.delivery.workers.handle import WorkerHandle
from twistedcam.errors import NotSupported
from twistedcam.events import EventBus
from twistedcam.stream.hub import GroupHub, Hub
from twistedcam.stream.viewers import Viewers
from twistedcam.stream.wants import Wants


class StreamFeedTests(SynchronousTestCase):
    """A feed of a camera that encodes H.264."""

    def setUp(self) -> None:
        require(HAS_SENDFILE, "workers need Linux")
        self.channel: Any = Mock()
        self.worker = WorkerHandle(1, 4711, self.channel, Viewers(EventBus(), Clock()))
        self.stream = make_stream()
        self.viewer = Mock()

    def feed(self, *codecs: str) -> WorkerFeed:
        return self.worker.stream_feed(self.stream, Wants(codecs), serialize_packet)

    def sent(self) -> list[tuple[Any, ...]]:
        calls = self.channel.send.call_args_list
        return [(each.args[0], each.kwargs.get("seq", each.kwargs.get("groups"))) for each in calls]

    def received(self, feed: WorkerFeed) -> None:
        for type, seq in self.sent():
            if type == "frame":
                self.worker.received({"type": "frame_received", "feed": feed.id, "seq": seq})

    def test_the_first_viewer_lets_the_worker_have_the_whole_group(self) -> None:
        show(self.stream, [True, False, False])
        feed = self.feed("h264", "mjpeg")
        self.assertIs(feed, self.feed("h264", "mjpeg"))
        self.assertTrue(feed.join(self.viewer))
        show(self.stream, [False], first=4)
        self.assertEqual(
            self.sent(), [("hub", True), ("frame", 1), ("frame", 2), ("frame", 3), ("frame", 4)]
        )
        assert feed.track is not None
        self.assertEqual(feed.track.codec, "h264")
        feed.leave(self.viewer)
        self.assertFalse(self.stream.is_wanted)

    def test_the_next_viewer_after_the_last_begins_as_the_first(self) -> None:
        show(self.stream, [True, False])
        feed = self.feed("h264")
        for number in range(2):
            self.assertTrue(feed.join(self.viewer), number)
            self.assertEqual(self.sent(), [("hub", True), ("frame", 1), ("frame", 2)], number)
            feed.leave(self.viewer)
            self.assertEqual(self.sent()[-1][0], "end")
            self.channel.reset_mock()

    def test_a_worker_that_is_behind_continues_with_a_key_frame(self) -> None:
        feed = self.feed("h264")
        feed.join(self.viewer)
        show(self.stream, [True] + [False] * (GROUP_WINDOW + 5))
        self.assertEqual(self.sent()[-1], ("frame", GROUP_WINDOW))
        self.received(feed)
        show(self.stream, [False, True, False], first=100)
        self.assertEqual(self.sent()[-2:], [("frame", 101), ("frame", 102)])
        self.assertEqual(self.sent()[-3], ("frame", GROUP_WINDOW))

    def test_another_codec_of_the_camera_is_another_hub_and_track(self) -> None:
        feed = self.feed("h264", "mjpeg")
        feed.join(self.viewer)
        show(self.stream, [True])
        self.stream.publish(frame(2, 10))
        self.received(feed)
        self.stream.publish(frame(3, 10))
        self.assertEqual(
            self.sent(),
            [
                ("hub", False),
                ("hub", True),
                ("frame", 1),
                ("hub", False),
                ("frame", 2),
                ("frame", 3),
            ],
        )
        codecs = [call.args[0].codec for call in self.viewer.on_track.call_args_list]
        self.assertEqual(codecs, ["h264", "mjpeg"])

    def test_codecs_that_cannot_be_had_are_refused(self) -> None:
        show(self.stream, [True])
        self.assertRaises(NotSupported, self.feed, "hevc")

    def test_a_worker_s_wish_for_a_key_frame_reaches_the_encoder(self) -> None:
        show(self.stream, [True])
        feed = self.feed("h264")
        feed.join(self.viewer)
        asked: list[bool] = []
        self.stream.packets.on_keyframe_request = lambda: asked.append(True)
        self.worker.received({"type": "keyframe", "feed": feed.id})
        self.assertEqual(asked, [True])


class HubFeedTests(SynchronousTestCase):
    """A feed of a hub that no stream has, such as that of a track of RTSP."""

    def setUp(self) -> None:
        require(HAS_SENDFILE, "workers need Linux")
        self.channel: Any = Mock()
        self.worker = WorkerHandle(1, 4711, self.channel, Viewers(EventBus(), Clock()))

    def sent(self) -> list[str]:
        return [call.args[0] for call in self.channel.send.call_args_list]

    def test_the_worker_knows_that_packets_refer_to_others(self) -> None:
        hub = GroupHub()
        feed = self.worker.feed(hub, serialize_packet)
        hub.publish(packet(1, True))
        hub.publish(packet(2))
        self.assertTrue(feed.join(Mock()))
        self.channel.send.assert_any_call("hub", feed=feed.id, groups=True)
        self.assertEqual(self.sent(), ["hub", "frame", "frame"])

    def test_a_viewer_gets_the_newest_picture_and_no_sound_from_before(self) -> None:
        for is_sound, told in ((False, ["frame"]), (True, [])):
            hub = Hub()
            hub.publish(packet(1, True))
            self.channel.send.reset_mock()
            self.assertTrue(self.worker.feed(hub, serialize_packet, is_sound=is_sound).join(Mock()))
            self.assertEqual([each for each in self.sent() if each != "hub"], told)

    def test_sound_may_be_further_behind_than_pictures(self) -> None:
        for is_sound, most in ((False, WINDOW), (True, GROUP_WINDOW)):
            hub = Hub()
            feed = self.worker.feed(hub, serialize_packet, is_sound=is_sound)
            feed.join(Mock())
            self.channel.send.reset_mock()
            for seq in range(1, GROUP_WINDOW + 5):
                hub.publish(packet(seq, True))
            self.assertEqual(len(self.sent()), most)
