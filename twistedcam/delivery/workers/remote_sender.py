"""A viewer's way out through a worker, as the server's session sees it."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from typing import Any

from twisted.internet.interfaces import IPullProducer
from zope.interface import implementer

from twistedcam.delivery.sender import Serializer, do_nothing
from twistedcam.delivery.workers.channel import to_text
from twistedcam.delivery.workers.handle import WorkerFeed, WorkerHandle
from twistedcam.media.frame import Frame
from twistedcam.stream.hub import Hub
from twistedcam.stream.viewers import Viewer
from twistedcam.util.rate import ReportedRate


@implementer(IPullProducer)
class RemoteSender:
    """Hands a connection to a worker as soon as what was said to it is out (see Sender).

    The server's own transport stays, paused, for as long as the connection lives: it knows the
    peer, and its end is the session's end. What the viewer sends comes back through ``heard``.

    Arguments:
        worker: the worker's side of things here.
        transport: the connection.
        sock: its socket.
        serializer: the form of a frame on this wire.
        refused: called when the worker has no file left for the connection, which is this
            process's again.
    """

    path = "sendfile"

    def __init__(
        self,
        worker: WorkerHandle,
        transport: Any,
        sock: socket.socket,
        serializer: Serializer,
        refused: Callable[[], None],
    ) -> None:
        self.serializer = serializer
        self._worker = worker
        self._transport = transport
        self._socket = sock
        self._refused = refused
        self._heard: Callable[[bytes], None] | None = None
        self._closed: Callable[[], None] = do_nothing
        #: Whether what the viewer sends is left unread, and whether the worker waits to hear that
        #: the last of it was worked through: until then it reads no more.
        self._is_held = False
        self._owes = False
        #: Bytes that were said and that the transport has not sent yet.
        self._queued_bytes = 0
        self.on_flushed: Callable[[], None] = do_nothing
        self._viewer: Viewer | None = None
        self._wishes: dict[str, Any] | None = None
        self._feed: WorkerFeed | None = None
        self._flushing = False
        self._handed = False
        self._over = False
        self._done: Callable[[], None] | None = None
        worker.assigned.add(self)
        transport.registerProducer(self, False)  # calls stopProducing if the connection is lost

    def hear(
        self, received: Callable[[bytes], None], closed: Callable[[], None] = do_nothing
    ) -> RemoteInput:
        """Pass on what the viewer sends, acknowledgements left out, and its end."""
        self._heard, self._closed = received, closed
        return RemoteInput(self)

    def hold(self, is_held: bool) -> None:
        """Whether what the viewer sends is left unread for now."""
        self._is_held = is_held
        if not self._handed:
            if is_held:
                self._transport.pauseProducing()
            else:
                self._transport.resumeProducing()
        elif not is_held:
            self._take()

    def is_ready(self) -> bool:
        """Whether the worker has the connection; it knows the rest."""
        return self._handed and not self._over

    def offer(self, frame: Frame, is_caught_up: bool = False) -> int:
        """Have the worker send this one frame, if it finds the way clear."""
        if not self.is_ready():
            return 0
        assert self._feed is not None and self._viewer is not None
        return self._feed.show(frame, self._viewer.id)

    def begin(self) -> None:
        """Nothing was said: the worker may have the connection at once."""
        self._flushing = True
        self.resumeProducing()

    def send_message(self, data: bytes) -> None:
        """Send a message, by whoever has the connection."""
        if self._over:
            return
        if self._handed:
            self._tell("say", data=to_text(data))
        else:
            self._flushing = True
            self._queued_bytes += len(data)
            self._transport.write(data)

    def queued_bytes(self) -> int:
        """What was said before the worker has the connection; it looks after all else."""
        return self._queued_bytes

    def unsent_bytes(self) -> int:
        """The worker looks after that."""
        return 0

    def watch(self, viewer: Viewer, hub: Hub, fps: float | None, window: int) -> None:
        """From now on the hub's frames go out, once the connection is handed over."""
        viewer.rate = ReportedRate()
        self._viewer = viewer
        self._feed = self._worker.feed(hub, self.serializer)
        self._wishes = {
            "address": viewer.address,
            "kind": viewer.kind,
            "camera": viewer.camera,
            "fps": fps,
            "window": window,
        }

    def acknowledge(self, seq: int) -> None:
        """An acknowledgement came here and not there."""
        if self._handed:
            self._tell("ack", seq=seq)

    def finish(self, done: Callable[[], None]) -> None:
        """Send what is under way and was said, and then no more."""
        if self._over or not self._handed:
            self.close()
            done()
        else:
            self._done = done
            self._tell("finish")

    def abort(self) -> None:
        """End the connection."""
        self.close()
        self._transport.abortConnection()

    def close(self) -> None:
        """Nothing more will be sent."""
        if self._over:
            return
        self._over = True
        self._heard, self._closed, self._refused = None, do_nothing, do_nothing
        self.on_flushed = do_nothing
        if self._handed:
            self._tell("drop")
        else:
            self._transport.unregisterProducer()
        self._leave()

    # What the worker says (worker.RemoteConnection).

    def counted(
        self, frames: int, size: int, drops: int, time: int, fps: float, heard: bool
    ) -> None:
        """What has gone out so far."""
        viewer = self._viewer
        if viewer is None:
            return
        viewer.frames, viewer.bytes, viewer.drops = frames, size, drops
        viewer.last_time_us = time
        assert isinstance(viewer.rate, ReportedRate)
        viewer.rate.told = fps
        if heard and self._heard is not None:
            self._heard(b"")

    def heard(self, data: bytes) -> None:
        """The viewer has sent something."""
        if self._heard is not None and not self._over:
            self._owes = True
            self._heard(data)
            if not self._is_held:
                self._take()

    def closed(self) -> None:
        """The viewer will send nothing more, and goes on watching."""
        if not self._over:
            self._closed()

    def gone(self) -> None:
        """The connection is gone, or the worker is."""
        if self._over:
            return
        self._over = True
        if not self._handed:
            self._transport.unregisterProducer()
        self._leave()
        done, self._done = self._done, None
        (done or self._transport.loseConnection)()

    def refused(self) -> None:
        """The worker cannot take the connection."""
        if not self._over:
            self._leave()
            self._handed, self._wishes = False, None
            self._refused()

    # The transport's producer calls.

    def resumeProducing(self) -> None:
        """The transport holds nothing any more: the worker may have the connection."""
        if self._queued_bytes:
            self._queued_bytes = 0
            self.on_flushed()
        if not self._flushing or self._over or self._wishes is None or self._viewer is None:
            return
        assert self._feed is not None
        try:
            fd = os.dup(self._socket.fileno())
        except OSError:
            self._wishes = None
            self._leave()
            self._refused()
            return
        self._transport.unregisterProducer()
        self._transport.pauseProducing()
        self._handed = True
        live = self._feed.join(self)
        family = int(self._socket.family)
        acks = self._heard is not None
        wishes = {**self._wishes, "acks": acks, "family": family}
        wishes.update(feed=self._feed.id, live=live)
        self._worker.hand_over(self, self._viewer.id, fd, wishes)

    def stopProducing(self) -> None:
        """The connection is gone."""
        self.close()

    def _take(self) -> None:
        """What the worker has passed on is worked through."""
        if self._owes and not self._over:
            self._owes = False
            self._tell("taken")

    def _tell(self, what: str, **more: Any) -> None:
        assert self._viewer is not None
        self._worker.channel.tell(what, id=self._viewer.id, **more)

    def _leave(self) -> None:
        self._worker.assigned.discard(self)
        if self._handed and self._feed is not None and self._viewer is not None:
            self._feed.leave(self)
            self._worker.connections.pop(self._viewer.id, None)


class RemoteInput:
    """Stands where a _LocalInput does: the worker reads."""

    __slots__ = ("_sender",)

    def __init__(self, sender: RemoteSender) -> None:
        self._sender = sender

    def hold(self, is_held: bool) -> None:
        """Whether what the viewer sends is left unread for now."""
        self._sender.hold(is_held)

    def watch_end(self) -> None:
        """The worker does."""

    def end(self) -> None:
        """The worker hears of it."""


class RemoteSubscription:
    """Stands where a Subscription does, and leaves its work to the worker's."""

    def __init__(
        self, viewer: Viewer, hub: Hub, sender: RemoteSender, fps: float | None, window: int
    ) -> None:
        self._sender = sender
        self._begin = lambda: sender.watch(viewer, hub, fps, window)

    def begin(self) -> None:
        """From now on frames go out."""
        self._begin()

    def ready(self) -> None:
        """The worker knows."""

    def acknowledge(self, seq: int) -> None:
        """Pass it on."""
        self._sender.acknowledge(seq)

    def stop_waiting(self) -> None:
        """The worker has done it."""

    def finish(self, done: Callable[[], None]) -> None:
        """No more frames; ``done`` is called when the one under way is out."""
        self._sender.finish(done)

    def end(self) -> None:
        """No more frames."""
        self._sender.close()
