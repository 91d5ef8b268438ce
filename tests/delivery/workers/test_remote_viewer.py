"""The counts of a viewer that a worker serves, and its sound."""

from __future__ import annotations

from typing import Any
from unittest.mock import Mock

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.support.packet_streams import H264_TRACK
from twistedcam.delivery.sender import do_nothing
from twistedcam.delivery.workers.handle import WorkerHandle
from twistedcam.delivery.workers.remote_viewer import RemoteViewer, SoundListener
from twistedcam.events import EventBus
from twistedcam.stream.viewers import Viewers


class RemoteViewerTests(SynchronousTestCase):
    def test_the_counts_are_those_of_the_reports(self) -> None:
        viewers = Viewers(EventBus(), Clock())
        channel: Any = Mock()
        worker = WorkerHandle(1, 4711, channel, viewers)
        viewer = viewers.join("here", "rtsp", "cam", "udp", lambda _: None)
        remote = RemoteViewer(worker)
        remote.on_report(1, 2, 3, 4, 5.0, False)  # it has no viewer yet
        remote._count(viewer)
        remote.on_report(7, 700, 1, 99, 25.0, False)
        self.assertEqual((viewer.frames, viewer.bytes, viewer.drops), (7, 700, 1))
        self.assertEqual((viewer.last_time_us, viewer.rate.current(0)), (99, 25.0))

    def test_a_track_of_sound_is_announced_once_when_it_joins_and_then_each_new_one(self) -> None:
        tracks: list[Any] = []
        feed: Any = Mock(track=H264_TRACK, id=3)
        listener = SoundListener(feed, do_nothing, tracks.append)
        listener.on_track(H264_TRACK)
        self.assertEqual(tracks, [])
        listener.join(lambda feed: None)
        listener.on_track(H264_TRACK)
        self.assertEqual(tracks, [H264_TRACK, H264_TRACK])
        feed.join.assert_called_once_with(listener)

    def test_sound_has_started_when_the_worker_listens(self) -> None:
        calls: list[Any] = []
        feed: Any = Mock(track=None, id=3)
        SoundListener(feed, do_nothing, on_start=lambda: calls.append("start")).join(calls.append)
        self.assertEqual(calls, [3, "start"])
