"""One viewer whose connection the server has handed to a worker."""

from __future__ import annotations

import errno
import os
from typing import Any, Protocol

from twisted.internet import protocol
from twisted.internet.interfaces import IHalfCloseableProtocol
from twisted.python.failure import Failure
from zope.interface import implementer

from twistedcam.delivery import Subscription, choose_sender
from twistedcam.delivery.ack_reader import AckReader
from twistedcam.delivery.sender import HIGH_WATER, MAX_QUEUED, Sender
from twistedcam.delivery.workers.ack_filter import AckFilter
from twistedcam.delivery.workers.channel import WorkerChannel, to_text
from twistedcam.media.frame import Frame
from twistedcam.net.graceful_close import LINGER
from twistedcam.runtime.timer import Timer
from twistedcam.stream.hub import Hub
from twistedcam.stream.viewers import Tally, Viewer


def received_file(frame: Frame) -> bytes:
    """The form of frames here: they come with their files, so it is never asked for."""
    raise AssertionError(f"{frame!r} came without its file")


class Host(Protocol):
    """What a viewer needs of the worker that it is with."""

    reactor: Any
    channel: WorkerChannel
    ack_reader: AckReader

    def tally(self, camera: str, kind: str) -> Tally:
        """Where viewers of a camera and kind are counted together."""

    def left(self, viewer: ViewerConnection) -> None:
        """A viewer's connection is gone."""

    def refused(self, viewer: ViewerConnection) -> None:
        """There is no file for a viewer's connection."""


@implementer(IHalfCloseableProtocol)
class ViewerConnection(protocol.Protocol):
    """A connection's protocol in the worker.

    Arguments:
        worker: whose viewer it is.
        hub: where frames come from.
        wishes: the server's message: id, address, kind, camera, fps, window, acks.
    """

    def __init__(self, worker: Host, hub: Hub, wishes: dict[str, Any]) -> None:
        self.id: int = wishes["id"]
        self.viewer = Viewer(
            self.id,
            wishes["address"],
            wishes["kind"],
            wishes["camera"],
            "sendfile",
            lambda _: None,
            tally=worker.tally(wishes["camera"], wishes["kind"]),
        )
        self._worker = worker
        self._hub = hub
        self._wishes = wishes
        self._ack_filter = AckFilter() if wishes["acks"] else None
        self._sender: Sender | None = None
        self._subscription: Subscription | None = None
        self._was_heard = False
        self._linger = Timer(worker.reactor)
        #: Whether the server has yet to work through what was passed on.
        self._is_asking = False
        self._is_held = False

    def adopt(self, fd: int, family: int) -> None:
        """Take over the connection; the file is closed, its duplicate kept."""
        factory: protocol.Factory[ViewerConnection] = protocol.Factory.forProtocol(lambda: self)
        factory.noisy = False
        try:
            self._worker.reactor.adoptStreamConnection(fd, family, factory)
        except OSError as error:
            if error.errno in (errno.EMFILE, errno.ENFILE):
                self._worker.refused(self)
            else:  # it was gone before it came
                self._worker.left(self)
        finally:
            os.close(fd)

    def connectionMade(self) -> None:
        """Frames may go out."""
        wishes, reactor = self._wishes, self._worker.reactor
        self._sender = choose_sender(self.transport, received_file, self._on_ready, reactor)
        self._sender.on_flushed = self._mind_reading
        self._subscription = Subscription(
            self.viewer, self._hub, self._sender, reactor, wishes["fps"], wishes["window"]
        )
        if self._ack_filter is not None:
            self._worker.ack_reader.attach(self.transport, self.dataReceived)
        self._sender.begin()
        self._subscription.begin()

    def dataReceived(self, data: bytes) -> None:
        """Deal with acknowledgements here, and pass on the rest."""
        if self._ack_filter is None or self._subscription is None:
            return
        self._was_heard = True
        seq, others = self._ack_filter.feed(data)
        if seq is not None:
            self._subscription.acknowledge(seq)
        if others:
            self._is_asking = True
            self._mind_reading()
            self._worker.channel.tell("heard", id=self.id, data=to_text(others))

    def readConnectionLost(self) -> None:
        """The viewer sends nothing any more. One that has acknowledged so far goes on watching."""
        if self._subscription is None:
            self.drop()
            return
        if self._ack_filter is None:  # over HTTP: it had nothing to say anyway
            self._worker.ack_reader.watch_end(self.transport)
            return
        self._subscription.stop_waiting()
        self._worker.ack_reader.detach(self.transport)
        self._worker.ack_reader.watch_end(self.transport)
        self._worker.channel.tell("closed", id=self.id)

    def writeConnectionLost(self) -> None:
        """It is never this side that ends its half alone."""

    def connectionLost(self, reason: Failure = protocol.connectionDone) -> None:
        """The viewer is gone."""
        self._linger.cancel()
        self._worker.ack_reader.detach(self.transport)
        if self._subscription is not None:
            self._subscription.end()
        self._worker.left(self)

    def send_message(self, data: bytes) -> None:
        """Send a message, in order behind the frame under way."""
        if self._sender is not None:
            self._sender.send_message(data)
            if self._sender.queued_bytes() > MAX_QUEUED:
                self.drop()
            else:
                self._mind_reading()

    def taken(self) -> None:
        """The server has worked through what was passed on."""
        self._is_asking = False
        self._mind_reading()

    def show(self, frame: Frame) -> None:
        """Send this one frame, if there is room for it."""
        if self._sender is not None:
            self._sender.offer(frame)

    def acknowledge(self, seq: int) -> None:
        """An acknowledgement that the server heard."""
        if self._subscription is not None:
            self._subscription.acknowledge(seq)

    def finish(self) -> None:
        """No more frames; end the connection when what is under way is out.

        One that does not read is cut off: the server, whose connection it was, cannot do that.
        """
        if (
            self._subscription is not None
            and self.transport is not None
            and not self._linger.is_pending
        ):
            self._linger.start(LINGER, self.drop)
            self._subscription.finish(self.transport.loseConnection)

    def drop(self) -> None:
        """End the connection now."""
        if self._sender is not None:
            self._sender.abort()

    def counts(self) -> list[float]:
        """Frames, bytes, drops, last frame's time, fps, and whether it was heard of late."""
        viewer, now = self.viewer, self._worker.reactor.seconds()
        heard, self._was_heard = self._was_heard, False
        fps = viewer.rate.current(now)
        return [viewer.frames, viewer.bytes, viewer.drops, viewer.last_time_us, fps, heard]

    def _mind_reading(self) -> None:
        """Read nothing while the server is busy with it, or answers wait for the viewer."""
        if self._ack_filter is None or self._sender is None:
            return
        is_held = self._is_asking or self._sender.queued_bytes() > HIGH_WATER
        if is_held != self._is_held:
            self._is_held = is_held
            self._worker.ack_reader.hold(self.transport, is_held)

    def _on_ready(self) -> None:
        if self._subscription is not None:
            self._subscription.ready()
