"""The common part of the viewers that a worker serves, as the server sees them."""

from __future__ import annotations

from collections.abc import Callable

from twistedcam.delivery.sender import do_nothing
from twistedcam.delivery.workers.feeds import WorkerFeed
from twistedcam.delivery.workers.handle import WorkerHandle
from twistedcam.media.track import Track
from twistedcam.stream.viewers import Viewer
from twistedcam.util.rate import ReportedRate


class RemoteViewer:
    """A viewer of a worker, whose counts come in the worker's reports.

    Arguments:
        worker: the worker.
    """

    def __init__(self, worker: WorkerHandle) -> None:
        self._worker = worker
        #: The viewer whose counts the worker reports, and the source of its packets; None before
        #: the subscription.
        self._viewer: Viewer | None = None
        self._feed: WorkerFeed | None = None

    def _count(self, viewer: Viewer) -> None:
        """Update a viewer's counts from the worker's reports."""
        viewer.rate = ReportedRate()
        self._viewer = viewer

    def on_report(
        self, frames: int, size: int, drops: int, time: int, fps: float, has_sent: bool
    ) -> None:
        """Take over the counts (handle.RemoteConnection)."""
        viewer = self._viewer
        if viewer is None:
            return
        viewer.frames, viewer.bytes, viewer.drops = frames, size, drops
        viewer.last_time_us = time
        assert isinstance(viewer.rate, ReportedRate)
        viewer.rate.reported = fps


class SoundListener:
    """The part of a viewer that gets sound: it joins another feed (feeds.FeedViewer).

    Arguments:
        feed: the feed.
        abort: called to close the connection.
        on_track: called before the first packet of each track.
        on_start: called when the viewer gets the packets that come from now on.
    """

    def __init__(
        self,
        feed: WorkerFeed,
        abort: Callable[[], None],
        on_track: Callable[[Track], None] = lambda track: None,
        on_start: Callable[[], object] = do_nothing,
    ) -> None:
        self.feed = feed
        self._handler = on_track
        self._on_start = on_start
        self._has_joined = False
        self.abort = abort

    def join(self, listen: Callable[[int], None]) -> None:
        """Take packets for the worker, and announce their track.

        Arguments:
            listen: lets the worker send the packets of a feed to the viewer.
        """
        self.feed.join(self)
        self._has_joined = True
        if self.feed.track is not None:
            self._handler(self.feed.track)
        listen(self.feed.id)
        self._on_start()

    def on_track(self, track: Track) -> None:
        """Announce another track; that of the beginning is announced by ``join``."""
        if self._has_joined:
            self._handler(track)
