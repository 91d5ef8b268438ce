"""One viewer whose connection the server has handed to a worker."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Callable
from typing import Any, Protocol

from twisted.internet import protocol
from twisted.internet.interfaces import IHalfCloseableProtocol
from twisted.python.failure import Failure
from zope.interface import implementer

from twistedcam.delivery import (
    GopSubscription,
    LatestSubscription,
    SoundSubscription,
    choose_sender,
)
from twistedcam.delivery.ack_reader import AckReader
from twistedcam.delivery.memfd import Memfd, as_sendable
from twistedcam.delivery.sender import HIGH_WATER, MAX_QUEUED, Sender
from twistedcam.delivery.sendfile_sender import SendfileSender
from twistedcam.delivery.stream_subscription import subscription_class
from twistedcam.delivery.workers.ack_filter import AckFilter
from twistedcam.delivery.workers.channel import WorkerChannel, to_bytes, to_text
from twistedcam.media.packet import Packet
from twistedcam.net.graceful_close import LINGER
from twistedcam.runtime.timer import Timer
from twistedcam.stream.hub import Hub, Sink
from twistedcam.stream.viewers import Tally, Viewer


def received_file(packet: Packet) -> bytes:
    """Raise an error: the serializer of a worker's frames, which come as memory files."""
    raise AssertionError(f"{packet!r} came without its file")


def received_bytes(packet: Packet) -> bytes:
    """Return the wire form of sound, which came as a small memory file."""
    form: bytes | Memfd = packet.shared(as_sendable(received_file))
    return form if isinstance(form, bytes) else os.pread(form.fd, form.size, 0)


class WorkerServices(Protocol):
    """The parts of the worker that a connection uses."""

    reactor: Any
    channel: WorkerChannel
    ack_reader: AckReader

    def tally(self, camera: str, kind: str) -> Tally:
        """Return the common counts of the viewers of a camera and kind."""

    def lost(self, connection: ViewerConnection) -> None:
        """Forget a connection that is lost."""

    def released(self, connection: ViewerConnection) -> None:
        """Forget a connection that is the server's again."""

    def refuse(self, connection: ViewerConnection) -> None:
        """Forget a connection for which there is no file descriptor."""


@implementer(IHalfCloseableProtocol)
class ViewerConnection(protocol.Protocol):
    """The protocol of a connection in the worker.

    Arguments:
        worker: the worker.
        hub: the source of frames.
        options: the server's message: id, address, kind, camera, fps, window, ``input`` (True if
            the viewer's messages are read), ``acks`` (True if there are acknowledgements among
            them), and ``first``, which precedes the first packet.
    """

    #: True: the viewer's counts are reported.
    is_counted = True

    def __init__(self, worker: WorkerServices, hub: Hub[Any], options: dict[str, Any]) -> None:
        self.id: int = options["id"]
        #: The number of the feed that it gets its packets from.
        self.feed: int = options["feed"]
        #: The number of the feed that it gets sound from, or None.
        self.sound_feed: int | None = None
        self._sound: SoundSubscription | None = None
        self.viewer = Viewer(
            self.id,
            options["address"],
            options["kind"],
            options["camera"],
            "sendfile",
            lambda _: None,
            tally=worker.tally(options["camera"], options["kind"]),
        )
        self._worker = worker
        self._hub = hub
        self._options = options
        self._reads: bool = options["input"]
        self._ack_filter = AckFilter() if options["acks"] else None
        self._sender: SendfileSender | None = None
        self._subscription: LatestSubscription | GopSubscription | None = None
        self._window: int = options["window"]
        self._has_sent = False
        self._linger = Timer(worker.reactor)
        #: True until the server has handled the data that was passed on.
        self._is_server_busy = False
        self._is_held = False

    def adopt(self, fd: int, family: int) -> None:
        """Take over the connection; ``fd`` is closed, and a duplicate is used."""
        factory: protocol.Factory[ViewerConnection] = protocol.Factory.forProtocol(lambda: self)
        factory.noisy = False
        try:
            _check_connected(fd, family)
            self._worker.reactor.adoptStreamConnection(fd, family, factory)
        except OSError as error:
            if error.errno in (errno.EMFILE, errno.ENFILE):
                self._worker.refuse(self)
            else:  # it was lost before it came
                self._worker.lost(self)
        finally:
            os.close(fd)

    def connectionMade(self) -> None:
        reactor = self._worker.reactor
        sender = choose_sender(self.transport, received_file, self._on_ready, reactor)
        assert isinstance(sender, SendfileSender)
        self._sender = sender
        self._sender.on_flushed = self._update_reading
        self._subscription = self._subscribe(self._sender)
        if self._reads:
            self._worker.ack_reader.attach(self.transport, self.dataReceived)
        if self._options["first"]:
            self._sender.send_message(to_bytes(self._options["first"]))
        else:
            self._sender.open()
        self._subscription.start()

    def dataReceived(self, data: bytes) -> None:
        """Handle acknowledgements, and pass everything else to the server."""
        if not self._reads or self._subscription is None:
            return
        self._has_sent = True
        others = data
        if self._ack_filter is not None:
            seq, others = self._ack_filter.feed(data)
            if seq is not None:
                self._subscription.acknowledge(seq)
        if others:
            self._is_server_busy = True
            self._update_reading()
            self._worker.channel.send("data", id=self.id, data=to_text(others))

    def change_hub(self, hub: Hub[Any]) -> None:
        """Continue with the packets of another hub: the camera's codec has changed."""
        if self._hub is hub:
            return
        before, self._hub = self._hub, hub
        if self._subscription is not None and self._sender is not None:
            before.remove(self._subscription)
            last_seq = self._subscription.last_seq
            self._subscription = self._subscribe(self._sender)
            self._subscription.follow(last_seq)
            self._subscription.start()

    def listen(self, feed: int | None, hub: Hub[Any] | None) -> None:
        """Send the sound of a hub, too; None: no more sound."""
        self.sound_feed = feed
        self._stop_sound()
        if hub is None or self._sender is None:
            return

        def join(sink: Sink[Packet]) -> Callable[[], object]:
            hub.add(sink)
            return lambda: hub.remove(sink)

        clock = self._worker.reactor
        self._sound = SoundSubscription(self.viewer, self._sender, join, received_bytes, clock)
        self._sound.start()

    def _stop_sound(self) -> None:
        if self._sound is not None:
            self._sound.stop()
            self._sound = None

    def _subscribe(self, sender: Sender) -> LatestSubscription | GopSubscription:
        hub: Any = self._hub
        make = subscription_class(hub)
        reactor, max_fps = self._worker.reactor, self._options["fps"]
        return make(self.viewer, hub, sender, reactor, max_fps, self._window)

    def readConnectionLost(self) -> None:
        """Send frames without acknowledgements: the viewer sends nothing any more."""
        if self._subscription is None:
            self.abort()
            return
        if not self._reads:  # over HTTP: it acknowledges nothing anyway
            self._worker.ack_reader.watch_end(self.transport)
            return
        self._window = 0
        self._subscription.ignore_acks()
        self._worker.ack_reader.detach(self.transport)
        self._worker.ack_reader.watch_end(self.transport)
        self._worker.channel.send("input_closed", id=self.id)

    def writeConnectionLost(self) -> None:
        """Do nothing: this side never closes its half only."""

    def connectionLost(self, reason: Failure = protocol.connectionDone) -> None:
        self._linger.cancel()
        self._worker.ack_reader.detach(self.transport)
        self._stop_sound()
        if self._subscription is not None:
            self._subscription.close()
        self._worker.lost(self)

    def send_message(self, data: bytes) -> None:
        if self._sender is not None:
            self._sender.send_message(data)
            if self._sender.queued_bytes() > MAX_QUEUED:
                self.abort()
            else:
                self._update_reading()

    def data_handled(self) -> None:
        """Read on: the server has handled the data that was passed on."""
        self._is_server_busy = False
        self._update_reading()

    def offer(self, frame: Packet) -> None:
        if self._sender is not None:
            self._sender.offer(frame)

    def acknowledge(self, seq: int) -> None:
        """Handle an acknowledgement that the server received."""
        if self._subscription is not None:
            self._subscription.acknowledge(seq)

    def finish(self) -> None:
        """Send no more frames, and close the connection when the current one has been sent.

        A connection that does not read is aborted: the server, which it came from, cannot do that.
        """
        if self._subscription is None or self.transport is None or self._linger.is_pending:
            return
        self._stop_sound()
        self._linger.start(LINGER, self.abort)
        self._subscription.finish(self.transport.loseConnection)

    def release(self) -> None:
        """Send no more frames, and give the connection back when everything is sent."""
        if self._subscription is not None and self._sender is not None:
            self._stop_sound()
            self._subscription.stop()
            self._sender.release(self._give_back)

    def _give_back(self) -> None:
        """Leave the connection to the server, which has a descriptor of it, too."""
        self._linger.cancel()
        self._worker.ack_reader.detach(self.transport)
        self._subscription = self._sender = None
        sock = self.transport.getHandle()  # type: ignore[union-attr]
        self.transport.stopReading()  # type: ignore[union-attr]
        self.transport.stopWriting()  # type: ignore[union-attr]
        sock.close()  # the transport would shut the connection down
        self._worker.released(self)

    def abort(self) -> None:
        if self._sender is not None:
            self._sender.abort()

    def counts(self) -> list[float]:
        """Return frames, bytes, drops, the last frame's time, fps, and True if data came."""
        viewer, now = self.viewer, self._worker.reactor.seconds()
        has_sent, self._has_sent = self._has_sent, False
        fps = viewer.rate.current(now)
        return [viewer.frames, viewer.bytes, viewer.drops, viewer.last_time_us, fps, has_sent]

    def _update_reading(self) -> None:
        """Read nothing while the server is busy, or the viewer does not read its answers."""
        if not self._reads or self._sender is None:
            return
        is_held = self._is_server_busy or self._sender.queued_bytes() > HIGH_WATER
        if is_held != self._is_held:
            self._is_held = is_held
            self._worker.ack_reader.hold(self.transport, is_held)

    def _on_ready(self) -> None:
        if self._subscription is not None:
            self._subscription.ready()


def _check_connected(fd: int, family: int) -> None:
    """Check that a socket is connected: Twisted leaves its duplicate of one open that is not.

    Raises:
        OSError: it is not.
    """
    connection = socket.socket(family, socket.SOCK_STREAM, fileno=fd)
    try:
        connection.getpeername()
    finally:
        connection.detach()
