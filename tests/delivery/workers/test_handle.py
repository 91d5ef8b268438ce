"""The server's side of a worker: its frames, and its reports."""

from __future__ import annotations

import os
from typing import Any
from unittest.mock import Mock

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.support.packet_streams import make_stream, serialize_packet, show
from tests.support.sockets import frame, serialize
from tests.support.system import require
from twistedcam.delivery.socket_state import HAS_SENDFILE
from twistedcam.delivery.workers.handle import GROUP_WINDOW, WINDOW, WorkerFeed, WorkerHandle
from twistedcam.errors import NotSupported
from twistedcam.events import EventBus
from twistedcam.stream.hub import Hub
from twistedcam.stream.viewers import Viewers
from twistedcam.stream.wants import Wants


class HandleTests(SynchronousTestCase):
    def setUp(self) -> None:
        require(HAS_SENDFILE, "workers need Linux")
        self.viewers = Viewers(EventBus(), Clock())
        self.channel: Any = Mock()
        self.worker = WorkerHandle(1, 4711, self.channel, self.viewers)
        self.hub = Hub()
        self.feed = self.worker.feed(self.hub, serialize)

    def sent(self) -> list[str]:
        return [call.args[0] for call in self.channel.send.call_args_list]

    def test_a_hub_and_a_form_have_one_feed(self) -> None:
        self.assertIs(self.worker.feed(self.hub, serialize), self.feed)
        self.assertIsNot(self.worker.feed(Hub(), serialize), self.feed)

    def test_frames_are_sent_while_there_are_viewers(self) -> None:
        viewer = Mock()
        self.hub.publish(frame(1, 10))
        self.assertTrue(self.feed.join(viewer))
        self.hub.clear()
        self.feed.leave(viewer)
        self.hub.publish(frame(2, 10))
        self.assertEqual(self.sent(), ["frame", "clear"])
        self.assertEqual(len(self.hub), 0)

    def test_a_worker_that_is_behind_gets_no_more_frames(self) -> None:
        self.feed.join(Mock())
        for seq in range(1, 10):
            self.hub.publish(frame(seq, 10))
        self.assertEqual(len(self.sent()), WINDOW)
        self.worker.received({"type": "frame_received", "feed": self.feed.id, "seq": 1})
        self.hub.publish(frame(10, 10))
        self.assertEqual(len(self.sent()), WINDOW + 1)

    def test_reports_are_passed_to_the_connections_and_counted(self) -> None:
        self.viewers.join("here", "tcp", "cam", "sendfile", lambda _: None)
        connection = Mock()
        self.worker.connections[5] = connection
        counts = [3, 300, 1, 99, 30.0, True]
        ages = self.viewers.tallies["cam", "tcp"].ages
        buckets = [1, *[0] * (len(ages.counts) - 1)]
        self.worker.received(
            {
                "type": "report",
                "viewers": {"5": counts, "6": counts},
                "tallies": [["cam", "tcp", buckets, 0.25]],
            }
        )
        connection.on_report.assert_called_once_with(*counts)
        self.assertEqual((ages.counts[0], ages.total), (1, 0.25))

    def test_a_worker_that_is_lost_takes_its_connections_and_files_along(self) -> None:
        connection, feed_viewer = Mock(), Mock()
        self.worker.assigned.add(connection)
        self.feed.join(feed_viewer)
        read, write = os.pipe()
        self.addCleanup(os.close, write)
        self.worker.hand_over(connection, 5, read, {"camera": "cam"})
        self.worker.lost()
        connection.on_lost.assert_called_once_with()
        self.assertEqual(len(self.hub), 0)
        self.assertRaises(OSError, os.fstat, read)


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
