"""The server's side of a worker: its frames, and its reports."""

from __future__ import annotations

import os
from typing import Any
from unittest.mock import Mock

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.support.sockets import frame, serialize
from tests.support.system import require
from twistedcam.delivery.socket_state import HAS_SENDFILE
from twistedcam.delivery.workers.feeds import WINDOW
from twistedcam.delivery.workers.handle import WorkerHandle
from twistedcam.events import EventBus
from twistedcam.stream.hub import Hub
from twistedcam.stream.viewers import Viewers


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
        self.assertEqual(self.sent(), ["frame", "clear", "end"])
        self.assertEqual(len(self.hub), 0)

    def test_a_worker_that_is_behind_gets_no_more_frames(self) -> None:
        self.feed.join(Mock())
        for seq in range(1, 10):
            self.hub.publish(frame(seq, 10))
        self.assertEqual(len(self.sent()), WINDOW)
        self.worker.received({"type": "frame_received", "feed": self.feed.id, "seq": 1})
        self.hub.publish(frame(10, 10))
        self.assertEqual(len(self.sent()), WINDOW + 1)

    def test_a_feed_is_kept_until_its_last_viewer_and_frame_are_gone(self) -> None:
        viewer = Mock()
        self.feed.join(viewer)
        self.hub.publish(frame(1, 10))
        self.feed.leave(viewer)
        confirmation = {"type": "frame_received", "feed": self.feed.id, "seq": 1}
        self.worker.received(confirmation)
        self.worker.received({"type": "keyframe", "feed": self.feed.id})
        self.assertRaises(KeyError, self.worker.received, confirmation)
        self.feed.join(viewer)
        self.hub.publish(frame(2, 10))
        self.assertEqual(self.sent(), ["frame", "end", "frame", "frame"])

    def test_the_sockets_of_a_viewer_by_udp_are_closed_when_the_worker_has_them(self) -> None:
        connection = Mock()
        fds = os.pipe()
        self.worker.send_datagrams(connection, 5, fds, {"camera": "cam"})
        self.assertEqual(self.sent(), ["rtcp_socket", "view_datagrams"])
        self.worker.received({"type": "connection_received", "id": 5})
        for fd in fds:
            self.assertRaises(OSError, os.fstat, fd)
        counts = [1, 2, 3, 4, 5.0, False]
        self.worker.received({"type": "released", "id": 5, "counts": counts})
        connection.on_report.assert_called_once_with(*counts)
        connection.on_released.assert_called_once_with()

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
