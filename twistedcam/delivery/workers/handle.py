"""The server's side of one worker: its channel, its viewers, and the frames that it gets."""

from __future__ import annotations

import os
from typing import Any, Protocol

from twistedcam.delivery.memfd import Memfd, as_memfd
from twistedcam.delivery.sender import Serializer
from twistedcam.delivery.workers.channel import WorkerChannel, to_bytes
from twistedcam.media.frame import Frame
from twistedcam.stream.hub import Hub, Sink
from twistedcam.stream.viewers import Viewers

#: Frames that may be on their way to a worker. Further ones are not sent to it.
WINDOW = 2


class RemoteConnection(Protocol):
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

    def abort(self) -> None:
        """Close the connection."""


class WorkerFeed(Sink[Frame]):
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
        self._viewers: set[RemoteConnection] = set()
        #: Files by sequence number, which stay open until the worker has them.
        self._sent: dict[int, list[Memfd]] = {}

    def join(self, viewer: RemoteConnection) -> bool:
        """Add a viewer. Return True if the camera is live."""
        newest = self._hub.newest
        self._viewers.add(viewer)
        if len(self._viewers) == 1:
            self._hub.add(self)
            if newest is not None:
                self.take(newest)
        return newest is not None

    def leave(self, viewer: RemoteConnection) -> None:
        """Remove a viewer."""
        self._viewers.discard(viewer)
        if not self._viewers:
            self.stop()

    def stop(self) -> None:
        """Take no more frames from the hub."""
        self._hub.remove(self)

    def take(self, frame: Frame) -> None:
        """Send a new frame, unless the worker is behind (hub.Sink)."""
        if len(self._sent) < WINDOW:
            self._send("frame", frame)

    def on_cleared(self) -> None:
        """Let the worker forget its newest frame, too: no viewer gets it from now on."""
        self._channel.send("clear", feed=self.id)

    def on_removed(self) -> None:
        """Close the connections after an internal error, so that the viewers may connect again."""
        for viewer in tuple(self._viewers):
            viewer.abort()

    def send_to(self, frame: Frame, viewer: int) -> int:
        """Send a frame for one viewer. Return its number of bytes, or 0."""
        return self._send("frame_for", frame, id=viewer)

    def received(self, seq: int) -> None:
        """Close the oldest file of that number: the worker has it."""
        files = self._sent.get(seq, [])
        del files[:1]
        if not files:
            self._sent.pop(seq, None)

    def _send(self, type: str, frame: Frame, **more: Any) -> int:
        try:
            file: Memfd = frame.shared(self._make)
        except OSError:  # no file descriptor now; perhaps for the next frame
            return 0
        self._sent.setdefault(frame.seq, []).append(file)
        about = {"feed": self.id, "seq": frame.seq, "time": frame.time_us}
        self._channel.send(type, file.fd, **about, **more)
        return file.size


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
        self._feeds: dict[tuple[Hub[Any], Serializer], WorkerFeed] = {}
        self._by_id: dict[int, WorkerFeed] = {}
        #: Descriptors of connections, which stay open until the worker has them.
        self._sent: dict[int, int] = {}

    def feed(self, hub: Hub[Any], serializer: Serializer) -> WorkerFeed:
        """Return the feed of a hub's frames in one form."""
        key = hub, serializer
        if key not in self._feeds:
            feed = WorkerFeed(len(self._feeds) + 1, self.channel, hub, serializer)
            self._feeds[key] = self._by_id[feed.id] = feed
        return self._feeds[key]

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
