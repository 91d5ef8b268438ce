"""The server's side of one worker: its channel, its viewers, and the frames that it gets."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Protocol

from twistedcam.delivery.memfd import Memfd, as_memfd
from twistedcam.delivery.sender import Serializer
from twistedcam.delivery.workers.channel import WorkerChannel, to_bytes
from twistedcam.media.frame import Frame
from twistedcam.media.packet import Packet
from twistedcam.media.track import Track
from twistedcam.stream.hub import GroupHub, Hub, Sink
from twistedcam.stream.viewers import Viewers

if TYPE_CHECKING:
    from twistedcam.stream.stream import Stream, Subscription
    from twistedcam.stream.wants import Wants

#: Frames that may be on their way to a worker. Further ones are not sent to it.
WINDOW = 2
#: The same for sound, and for packets that refer to others. After it the worker continues with a
#: key frame.
GROUP_WINDOW = 32


class FeedViewer(Protocol):
    """A viewer of a feed."""

    def on_track(self, track: Track) -> None:
        """Handle the track of the packets that follow."""

    def abort(self) -> None:
        """Close the connection."""


class RemoteConnection(FeedViewer, Protocol):
    """A viewer's connection that a worker has. The worker's reports about it come here."""

    def on_report(
        self, frames: int, size: int, drops: int, time: int, fps: float, heard: bool
    ) -> None:
        """Update the counts of sent frames and bytes. ``heard``: the viewer has sent something."""

    def on_data(self, data: bytes) -> None:
        """Handle bytes that the viewer has sent."""

    def on_input_closed(self) -> None:
        """Note that the viewer sends nothing more, and still receives frames."""

    def on_lost(self) -> None:
        """Note that the connection, or the worker, is gone."""

    def on_refused(self) -> None:
        """Note that the worker could not take the connection."""


class WorkerFeed(Sink[Any]):
    """Sends one hub's frames, in one form, to a worker, while it has viewers for them.

    Arguments:
        id: the feed's number on the channel.
        channel: the channel to the worker.
        hub: the source of frames.
        serializer: returns their wire form.
    """

    def __init__(
        self, id: int, channel: WorkerChannel, hub: Hub[Any], serializer: Serializer
    ) -> None:
        self.id = id
        self._channel = channel
        self._hub = hub
        self._make = as_memfd(serializer)
        self._viewers: set[FeedViewer] = set()
        self._window = WINDOW
        #: Files by sequence number, which stay open until the worker has them.
        self._sent: dict[int, list[Memfd]] = {}
        #: True if the worker misses packets that those after them refer to.
        self._is_behind = False

    @property
    def track(self) -> Track | None:
        """The track of the packets, if viewers are to know it."""
        return None

    def join(self, viewer: FeedViewer) -> bool:
        """Add a viewer. Return True if the camera is live."""
        self._viewers.add(viewer)
        if len(self._viewers) == 1:
            newest = self._hub.newest
            self._open()
            if isinstance(self._hub, GroupHub):
                self._is_behind = False
                for packet in self._hub.group:
                    self._is_behind = self._is_behind or not self._send("frame", packet)
                return bool(self._hub.group)
            if newest is not None:
                self.take(newest)
        return self._hub.newest is not None

    def leave(self, viewer: FeedViewer) -> None:
        """Remove a viewer. Does nothing if it is not there."""
        if viewer not in self._viewers:
            return
        self._viewers.discard(viewer)
        if not self._viewers:
            self.stop()

    def stop(self) -> None:
        """Take no more frames from the hub."""
        self._hub.remove(self)

    def take(self, packet: Packet) -> None:
        """Send a new frame, unless the worker is behind (hub.Sink)."""
        if not isinstance(self._hub, GroupHub):
            if len(self._sent) < self._window:
                self._send("frame", packet)
        elif packet.is_keyframe or not self._is_behind:
            was_behind = self._is_behind
            self._is_behind = len(self._sent) >= GROUP_WINDOW or not self._send("frame", packet)
            if self._is_behind and not was_behind:
                self.request_keyframe()

    def request_keyframe(self) -> None:
        """Ask the encoder for a key frame soon."""
        self._hub.request_keyframe()

    def on_cleared(self) -> None:
        """Let the worker forget its newest frame, too: no viewer gets it from now on."""
        self._channel.send("clear", feed=self.id)

    def on_removed(self) -> None:
        """Close the connections after an internal error, so that the viewers may connect again."""
        for viewer in tuple(self._viewers):
            viewer.abort()

    def send_to(self, frame: Packet, viewer: int) -> int:
        """Send a frame for one viewer. Return its number of bytes, or 0."""
        return self._send("frame_for", frame, id=viewer)

    def received(self, seq: int) -> None:
        """Close the oldest file of that number: the worker has it."""
        files = self._sent.get(seq, [])
        del files[:1]
        if not files:
            self._sent.pop(seq, None)

    def _open(self) -> None:
        """Take frames from the hub."""
        self._hub.add(self)

    def _send(self, type: str, packet: Packet, **more: Any) -> int:
        try:
            file: Memfd = packet.shared(self._make)
        except OSError:  # no file descriptor now; perhaps for the next frame
            return 0
        self._sent.setdefault(packet.seq, []).append(file)
        about = {"feed": self.id, "seq": packet.seq, "time": packet.time_us}
        self._channel.send(type, file.fd, key=packet.is_keyframe, **about, **more)
        return file.size


class StreamFeed(WorkerFeed):
    """Sends the packets of a stream that suit some viewers, in one form, to a worker.

    Arguments:
        id, channel, serializer: see WorkerFeed.
        stream: the source of packets.
        wants: the codecs that the viewers understand.

    Raises:
        NotSupported: the packets cannot be had in these codecs.
    """

    def __init__(
        self, id: int, channel: WorkerChannel, stream: Stream, wants: Wants, serializer: Serializer
    ) -> None:
        super().__init__(id, channel, Hub(), serializer)
        self._stream = stream
        self._wants = wants
        if wants.kind == "audio":
            self._window = GROUP_WINDOW
        self._place: Subscription | None = None

    @property
    def track(self) -> Track | None:
        """The track of the packets, if it is known."""
        return None if self._place is None else self._place.track

    def stop(self) -> None:
        place, self._place = self._place, None
        if place is not None:
            place.close()

    def track_changed(self, track: Track) -> None:
        """Announce another track to the viewers, and another kind of packets to the worker."""
        if self._place is not None and self._place.hub is not None:
            self._use(self._place.hub)
        for viewer in tuple(self._viewers):
            viewer.on_track(track)

    def _open(self) -> None:
        hub = self._stream.hub_for(self._wants)
        if hub is not None:
            self._use(hub)
        self._place = self._stream.subscribe(self, self._wants)

    def _use(self, hub: Hub[Any]) -> None:
        if hub is not self._hub:
            self._hub = hub
            self._is_behind = True
            self._channel.send("hub", feed=self.id, groups=isinstance(hub, GroupHub))


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
        self._feeds: dict[tuple[object, ...], WorkerFeed] = {}
        self._by_id: dict[int, WorkerFeed] = {}
        #: Descriptors of connections, which stay open until the worker has them.
        self._sent: dict[int, int] = {}

    def feed(self, hub: Hub[Frame], serializer: Serializer) -> WorkerFeed:
        """Return the feed of a hub's frames in one form."""
        key = hub, serializer
        if key not in self._feeds:
            self._add(key, WorkerFeed(len(self._feeds) + 1, self.channel, hub, serializer))
        return self._feeds[key]

    def stream_feed(self, stream: Stream, wants: Wants, serializer: Serializer) -> StreamFeed:
        """Return the feed of a stream's packets in one form.

        Raises:
            NotSupported: they cannot be had in the codecs that are wanted.
        """
        stream.hub_for(wants)
        key = stream, wants, serializer
        if key not in self._feeds:
            number = len(self._feeds) + 1
            self._add(key, StreamFeed(number, self.channel, stream, wants, serializer))
        feed = self._feeds[key]
        assert isinstance(feed, StreamFeed)
        return feed

    def _add(self, key: tuple[object, ...], feed: WorkerFeed) -> None:
        self._feeds[key] = self._by_id[feed.id] = feed

    def hand_over(
        self, connection: RemoteConnection, id: int, fd: int, options: dict[str, Any]
    ) -> None:
        """Send it a viewer's connection; ``fd`` is closed when it has it."""
        self.connections[id] = connection
        self._sent[id] = fd
        self.channel.send("view", fd, id=id, **options)

    def received(self, message: dict[str, Any]) -> None:
        """Handle a message of the worker."""
        type = message["type"]
        if type == "frame_received":
            self._by_id[message["feed"]].received(message["seq"])
        elif type == "keyframe":
            self._by_id[message["feed"]].request_keyframe()
        elif type == "connection_received":
            os.close(self._sent.pop(message["id"]))
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
            elif type == "refused":
                connection.on_refused()

    def lost(self) -> None:
        """Forget the worker, which is gone, and its viewers' connections."""
        for connection in tuple(self.assigned):
            connection.on_lost()
        for feed in self._feeds.values():
            feed.stop()
        for fd in self._sent.values():
            os.close(fd)
        self._sent.clear()
