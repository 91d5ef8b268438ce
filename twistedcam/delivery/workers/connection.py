"""One viewer whose connection the server has handed to a worker."""

from __future__ import annotations

import errno
import os
from typing import Any, Protocol

from twisted.internet import protocol
from twisted.internet.interfaces import IHalfCloseableProtocol
from twisted.python.failure import Failure
from zope.interface import implementer

from twistedcam.delivery import Watcher, make_outlet
from twistedcam.delivery.ack_reader import Ears
from twistedcam.delivery.sender import FULL, MAX_UNSENT, Outlet
from twistedcam.delivery.workers.ack_filter import AckSplitter
from twistedcam.delivery.workers.channel import Link, to_text
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
    link: Link
    ears: Ears

    def tally(self, camera: str, kind: str) -> Tally:
        """Where viewers of a camera and kind are counted together."""

    def left(self, viewer: RemoteViewer) -> None:
        """A viewer's connection is gone."""

    def refused(self, viewer: RemoteViewer) -> None:
        """There is no file for a viewer's connection."""


@implementer(IHalfCloseableProtocol)
class RemoteViewer(protocol.Protocol):
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
        self._splitter = AckSplitter() if wishes["acks"] else None
        self._outlet: Outlet | None = None
        self._watcher: Watcher | None = None
        self._was_heard = False
        self._linger = Timer(worker.reactor)
        #: Whether the server has yet to work through what was passed on.
        self._is_asking = False
        self._is_held = False

    def adopt(self, fd: int, family: int) -> None:
        """Take over the connection; the file is closed, its duplicate kept."""
        factory: protocol.Factory[RemoteViewer] = protocol.Factory.forProtocol(lambda: self)
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
        self._outlet = make_outlet(self.transport, received_file, self._cleared, reactor)
        self._outlet.on_flushed = self._mind_reading
        self._watcher = Watcher(
            self.viewer, self._hub, self._outlet, reactor, wishes["fps"], wishes["window"]
        )
        if self._splitter is not None:
            self._worker.ears.attach(self.transport, self.dataReceived)
        self._outlet.begin()
        self._watcher.begin()

    def dataReceived(self, data: bytes) -> None:
        """Deal with acknowledgements here, and pass on the rest."""
        if self._splitter is None or self._watcher is None:
            return
        self._was_heard = True
        seq, others = self._splitter.feed(data)
        if seq is not None:
            self._watcher.acknowledge(seq)
        if others:
            self._is_asking = True
            self._mind_reading()
            self._worker.link.tell("heard", id=self.id, data=to_text(others))

    def readConnectionLost(self) -> None:
        """The viewer sends nothing any more. One that has acknowledged so far goes on watching."""
        if self._watcher is None:
            self.drop()
            return
        if self._splitter is None:  # over HTTP: it had nothing to say anyway
            self._worker.ears.watch_end(self.transport)
            return
        self._watcher.stop_waiting()
        self._worker.ears.detach(self.transport)
        self._worker.ears.watch_end(self.transport)
        self._worker.link.tell("closed", id=self.id)

    def writeConnectionLost(self) -> None:
        """It is never this side that ends its half alone."""

    def connectionLost(self, reason: Failure = protocol.connectionDone) -> None:
        """The viewer is gone."""
        self._linger.cancel()
        self._worker.ears.detach(self.transport)
        if self._watcher is not None:
            self._watcher.end()
        self._worker.left(self)

    def say(self, data: bytes) -> None:
        """Send a message, in order behind the frame under way."""
        if self._outlet is not None:
            self._outlet.say(data)
            if self._outlet.unsent() > MAX_UNSENT:
                self.drop()
            else:
                self._mind_reading()

    def taken(self) -> None:
        """The server has worked through what was passed on."""
        self._is_asking = False
        self._mind_reading()

    def show(self, frame: Frame) -> None:
        """Send this one frame, if there is room for it."""
        if self._outlet is not None:
            self._outlet.offer(frame)

    def acknowledge(self, seq: int) -> None:
        """An acknowledgement that the server heard."""
        if self._watcher is not None:
            self._watcher.acknowledge(seq)

    def finish(self) -> None:
        """No more frames; end the connection when what is under way is out.

        One that does not read is cut off: the server, whose connection it was, cannot do that.
        """
        if self._watcher is not None and self.transport is not None and not self._linger.is_pending:
            self._linger.start(LINGER, self.drop)
            self._watcher.finish(self.transport.loseConnection)

    def drop(self) -> None:
        """End the connection now."""
        if self._outlet is not None:
            self._outlet.abort()

    def counts(self) -> list[float]:
        """Frames, bytes, drops, last frame's time, fps, and whether it was heard of late."""
        viewer, now = self.viewer, self._worker.reactor.seconds()
        heard, self._was_heard = self._was_heard, False
        fps = viewer.rate.current(now)
        return [viewer.frames, viewer.bytes, viewer.drops, viewer.last_time_us, fps, heard]

    def _mind_reading(self) -> None:
        """Read nothing while the server is busy with it, or answers wait for the viewer."""
        if self._splitter is None or self._outlet is None:
            return
        is_held = self._is_asking or self._outlet.unsent() > FULL
        if is_held != self._is_held:
            self._is_held = is_held
            self._worker.ears.hold(self.transport, is_held)

    def _cleared(self) -> None:
        if self._watcher is not None:
            self._watcher.ready()
