"""The server's side of one worker: its channel, its viewers, and the frames that it gets."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Protocol
from weakref import WeakValueDictionary

from twistedcam.delivery.sender import Serializer
from twistedcam.delivery.workers.channel import WorkerChannel, to_bytes
from twistedcam.delivery.workers.feeds import (
    FeedViewer,
    StreamFeed,
    WorkerFeed,
)
from twistedcam.stream.hub import Hub
from twistedcam.stream.viewers import Viewers

if TYPE_CHECKING:
    from twistedcam.stream.stream import Stream
    from twistedcam.stream.wants import Wants


class RemoteConnection(FeedViewer, Protocol):
    """A viewer's connection that a worker has. The worker's reports about it come here."""

    def on_report(
        self, frames: int, size: int, drops: int, time: int, fps: float, has_sent: bool
    ) -> None:
        """Update the counts of sent frames and bytes.

        Arguments:
            has_sent: True if the viewer has sent something since the last report.
        """

    def on_data(self, data: bytes) -> None:
        """Handle bytes that the viewer has sent."""

    def on_input_closed(self) -> None:
        """Note that the viewer sends nothing more, and still receives frames."""

    def on_lost(self) -> None:
        """Note that the connection, or the worker, is gone."""

    def on_refused(self) -> None:
        """Note that the worker could not take the connection."""

    def on_released(self) -> None:
        """Note that the worker does not have the connection any more: it is this process's."""


class WorkerHandle:
    """One running worker.

    Arguments:
        number: its number, from 1.
        pid: its process.
        channel: the channel to it.
        viewers: all viewers, whose counts its reports update.
    """

    def __init__(self, number: int, pid: int, channel: WorkerChannel, viewers: Viewers) -> None:
        self.number = number
        self.pid = pid
        self.channel = channel
        #: Connections that it was chosen for, until they end; also those not handed over yet.
        self.assigned: set[RemoteConnection] = set()
        #: Connections that it has, by the viewers' numbers.
        self.connections: dict[int, RemoteConnection] = {}
        self._viewers = viewers
        #: The feeds that somebody has; those that are used, or were until now, by their numbers.
        self._feeds: WeakValueDictionary[tuple[object, ...], WorkerFeed] = WeakValueDictionary()
        self._by_id: dict[int, WorkerFeed] = {}
        self._last_feed = 0
        #: Descriptors of connections, which stay open until the worker has them.
        self._sent: dict[int, tuple[int, ...]] = {}

    def feed(self, hub: Hub[Any], serializer: Serializer, *, is_sound: bool = False) -> WorkerFeed:
        """Return the feed of a hub's packets in one form.

        Arguments:
            is_sound: the packets are sound: many, and small.
        """
        key = hub, serializer
        feed = self._feeds.get(key)
        if feed is None:
            is_sound = is_sound or (hub.track is not None and hub.track.kind == "audio")
            feed = WorkerFeed(self._next_feed(), self.channel, hub, serializer, is_sound)
            self._add(key, feed)
        return feed

    def stream_feed(self, stream: Stream, wants: Wants, serializer: Serializer) -> StreamFeed:
        """Return the feed of a stream's packets in one form.

        Raises:
            NotSupported: they are not available in the codecs that are wanted.
        """
        stream.hub_for(wants)
        key = stream, wants, serializer
        feed = self._feeds.get(key)
        if feed is None:
            feed = StreamFeed(self._next_feed(), self.channel, stream, wants, serializer)
            self._add(key, feed)
        assert isinstance(feed, StreamFeed)
        return feed

    def _next_feed(self) -> int:
        self._last_feed += 1
        return self._last_feed

    def _add(self, key: tuple[object, ...], feed: WorkerFeed) -> None:
        self._feeds[key] = feed
        feed.on_use = self._on_use

    def _on_use(self, feed: WorkerFeed, is_used: bool) -> None:
        """Keep a feed while it has viewers: its hub may be that of a track that ends."""
        if is_used:
            self._by_id[feed.id] = feed
        else:
            self.channel.send("end", feed=feed.id)
            self._forget_if_over(feed)

    def _forget_if_over(self, feed: WorkerFeed) -> None:
        if feed.is_over:
            self._by_id.pop(feed.id, None)

    def hand_over(
        self, connection: RemoteConnection, id: int, fd: int, options: dict[str, Any]
    ) -> None:
        """Send it a viewer's connection; ``fd`` is closed when it has it."""
        self.connections[id] = connection
        self._sent[id] = (fd,)
        self.channel.send("view", fd, id=id, **options)

    def send_datagrams(
        self, connection: RemoteConnection, id: int, fds: tuple[int, int], options: dict[str, Any]
    ) -> None:
        """Let it send to a viewer by UDP.

        Arguments:
            fds: the sockets of RTP and RTCP, which are closed when it has them.
        """
        self.connections[id] = connection
        self._sent[id] = fds
        self.channel.send("rtcp_socket", fds[1], id=id)
        self.channel.send("view_datagrams", fds[0], id=id, **options)

    def received(self, message: dict[str, Any]) -> None:
        """Handle a message of the worker."""
        type = message["type"]
        if type == "frame_received":
            feed = self._by_id[message["feed"]]
            feed.received(message["seq"])
            self._forget_if_over(feed)
        elif type == "keyframe":
            if message["feed"] in self._by_id:
                self._by_id[message["feed"]].request_keyframe()
        elif type == "connection_received":
            for fd in self._sent.pop(message["id"]):
                os.close(fd)
        elif type == "report":
            for id, counts in message["viewers"].items():
                if int(id) in self.connections:
                    self.connections[int(id)].on_report(*counts)
            for camera, protocol, counts, total in message["tallies"]:
                self._viewers.tallies[camera, protocol].ages.add(counts, total)
        elif message["id"] in self.connections:
            connection = self.connections[message["id"]]
            if type == "data":
                connection.on_data(to_bytes(message["data"]))
            elif type == "input_closed":
                connection.on_input_closed()
            elif type == "lost":
                connection.on_report(*message["counts"])
                connection.on_lost()
            elif type == "released":
                connection.on_report(*message["counts"])
                connection.on_released()
            elif type == "refused":
                connection.on_refused()

    def lost(self) -> None:
        """Forget the worker, which is gone, and its viewers' connections."""
        for connection in tuple(self.assigned):
            connection.on_lost()
        for feed in tuple(self._by_id.values()):
            feed.stop()
        for fds in self._sent.values():
            for fd in fds:
                os.close(fd)
        self._sent.clear()
