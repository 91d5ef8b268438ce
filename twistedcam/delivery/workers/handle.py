"""The server's side of one worker: its channel, its viewers, the frames that it gets."""

from __future__ import annotations

import os
from typing import Any, Protocol

from twistedcam.delivery.memfd import Memfd, as_memfd
from twistedcam.delivery.sender import Serializer
from twistedcam.delivery.workers.channel import WorkerChannel, to_bytes
from twistedcam.media.frame import Frame
from twistedcam.stream.hub import Hub, Sink
from twistedcam.stream.viewers import Viewers

#: Frames that may be on their way to a worker; one that has not taken them gets no third.
WINDOW = 2


class RemoteConnection(Protocol):
    """A viewer's connection that a worker has: here is told what it says of it."""

    def counted(
        self, frames: int, size: int, drops: int, time: int, fps: float, heard: bool
    ) -> None:
        """What has gone out so far, in frames and bytes, and whether the viewer was heard."""

    def heard(self, data: bytes) -> None:
        """The viewer has sent something."""

    def closed(self) -> None:
        """The viewer will send nothing more, and goes on watching."""

    def gone(self) -> None:
        """The connection is gone, or the worker is."""

    def refused(self) -> None:
        """The worker cannot take the connection."""

    def abort(self) -> None:
        """End the connection."""


class WorkerFeed(Sink):
    """Brings one hub's frames, in one form, to a worker, while it has viewers for them (hub.Sink).

    Arguments:
        id: what the worker knows it by.
        channel: the way to the worker.
        hub: where frames come from.
        serializer: their form.
    """

    def __init__(self, id: int, channel: WorkerChannel, hub: Hub, serializer: Serializer) -> None:
        self.id = id
        self._channel = channel
        self._hub = hub
        self._make = as_memfd(serializer)
        self._viewers: set[RemoteConnection] = set()
        #: Files on their way, by sequence number: they stay open until the worker has them.
        self._under_way: dict[int, list[Memfd]] = {}

    def join(self, viewer: RemoteConnection) -> bool:
        """One more viewer; whether the camera is live."""
        newest = self._hub.newest
        self._viewers.add(viewer)
        if len(self._viewers) == 1:
            self._hub.add(self)
            if newest is not None:
                self.take(newest)
        return newest is not None

    def leave(self, viewer: RemoteConnection) -> None:
        """One viewer less."""
        self._viewers.discard(viewer)
        if not self._viewers:
            self._hub.remove(self)

    def take(self, frame: Frame) -> None:
        """A new frame (hub.Sink)."""
        if len(self._under_way) < WINDOW:
            self._send("frame", frame)

    def on_cleared(self) -> None:
        """The camera is not live (hub.Holder): who becomes ready now gets no frame of before."""
        self._channel.tell("clear", feed=self.id)

    def on_removed(self) -> None:
        """It failed in a way that it should not (hub.Connected): its viewers may come again."""
        for viewer in tuple(self._viewers):
            viewer.abort()

    def show(self, frame: Frame, viewer: int) -> int:
        """One frame for one viewer."""
        return self._send("show", frame, id=viewer)

    def had(self, seq: int) -> None:
        """The worker has the oldest file of that number."""
        files = self._under_way.get(seq, [])
        del files[:1]
        if not files:
            self._under_way.pop(seq, None)

    def _send(self, what: str, frame: Frame, **more: Any) -> int:
        try:
            file: Memfd = frame.shared(self._make)
        except OSError:  # no file to be had now: the next frame may find one
            return 0
        self._under_way.setdefault(frame.seq, []).append(file)
        self._channel.tell(
            what, fd=file.fd, feed=self.id, seq=frame.seq, time=frame.time_us, **more
        )
        return file.size


class WorkerHandle:
    """One worker that is there.

    Arguments:
        number: which one.
        pid: its process.
        channel: the way to it.
        viewers: all who watch, by whom its reports are counted.
    """

    def __init__(self, number: int, pid: int, channel: WorkerChannel, viewers: Viewers) -> None:
        self.number = number
        self.pid = pid
        self.channel = channel
        #: Connections it was chosen for, until they end; also those not handed over yet.
        self.assigned: set[RemoteConnection] = set()
        #: Viewers handed to it, by their numbers.
        self.connections: dict[int, RemoteConnection] = {}
        self._viewers = viewers
        self._feeds: dict[tuple[Hub, Serializer], WorkerFeed] = {}
        self._by_id: dict[int, WorkerFeed] = {}
        #: Connections on their way to it, open until it has them.
        self._under_way: dict[int, int] = {}

    def feed(self, hub: Hub, serializer: Serializer) -> WorkerFeed:
        """What brings it a hub's frames in a form."""
        key = hub, serializer
        if key not in self._feeds:
            feed = WorkerFeed(len(self._feeds) + 1, self.channel, hub, serializer)
            self._feeds[key] = self._by_id[feed.id] = feed
        return self._feeds[key]

    def hand_over(self, sender: RemoteConnection, id: int, fd: int, wishes: dict[str, Any]) -> None:
        """Give it a viewer's connection; the file is closed when it has it."""
        self.connections[id] = sender
        self._under_way[id] = fd
        self.channel.tell("view", fd=fd, id=id, **wishes)

    def received(self, message: dict[str, Any]) -> None:
        """It has said something."""
        what = message["what"]
        if what == "had":
            self._by_id[message["feed"]].had(message["seq"])
        elif what == "joined":
            os.close(self._under_way.pop(message["id"]))
        elif what == "heard":
            if message["id"] in self.connections:
                self.connections[message["id"]].heard(to_bytes(message["data"]))
        elif what == "closed":
            if message["id"] in self.connections:
                self.connections[message["id"]].closed()
        elif what == "gone":
            if message["id"] in self.connections:
                sender = self.connections[message["id"]]
                sender.counted(*message["counts"])
                sender.gone()
        elif what == "full":
            if message["id"] in self.connections:
                self.connections[message["id"]].refused()
        elif what == "report":
            for id, counts in message["viewers"].items():
                if int(id) in self.connections:
                    self.connections[int(id)].counted(*counts)
            for camera, kind, counts, total in message["tallies"]:
                self._viewers.tallies[camera, kind].ages.add(counts, total)

    def lost(self) -> None:
        """It is gone: so are its viewers' connections."""
        for sender in tuple(self.assigned):
            sender.gone()
        for feed in self._feeds.values():
            feed._hub.remove(feed)
        for fd in self._under_way.values():
            os.close(fd)
        self._under_way.clear()
