"""A viewer whose connection is handed to a worker, as the server's session sees it."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from twisted.internet.interfaces import IPullProducer
from zope.interface import implementer

from twistedcam.delivery.sender import Serializer, do_nothing
from twistedcam.delivery.workers.channel import to_text
from twistedcam.delivery.workers.feeds import WorkerFeed
from twistedcam.delivery.workers.handle import WorkerHandle
from twistedcam.delivery.workers.remote_viewer import RemoteViewer, SoundListener
from twistedcam.media.packet import Packet
from twistedcam.media.track import Track
from twistedcam.stream.hub import Hub
from twistedcam.stream.viewers import Viewer

if TYPE_CHECKING:
    from twistedcam.stream.stream import Stream
    from twistedcam.stream.wants import Wants


@implementer(IPullProducer)
class RemoteSender(RemoteViewer):
    """Hands a connection to a worker when the first messages have been sent.

    It is the viewer's Sender, SubscriptionHandle and InputHandle at once. The server's transport
    stays, paused: it knows the peer's address, and its end is that of the session. What the viewer
    sends comes back from the worker.

    Arguments:
        worker: the worker.
        transport: the connection.
        sock: its socket.
        serializer: returns the wire form of a frame.
        on_refused: called when the worker has no file descriptor left for the connection, which is
            this process's again.
    """

    path = "sendfile"

    def __init__(
        self,
        worker: WorkerHandle,
        transport: Any,
        sock: socket.socket,
        serializer: Serializer,
        on_refused: Callable[[], None],
    ) -> None:
        super().__init__(worker)
        self._serializer = serializer
        self._transport = transport
        self._socket = sock
        self._on_refused = on_refused
        self._on_data: Callable[[bytes], None] | None = None
        self._on_closed: Callable[[], None] = do_nothing
        #: True while what the viewer sends is left unread.
        self._is_held = False
        #: True if all that the viewer sends is passed on; False: acknowledgements stay there.
        self._is_raw = False
        #: True while the worker waits until the viewer's last bytes have been handled.
        self._is_awaited = False
        #: Bytes of messages that the transport has not sent yet.
        self._queued_bytes = 0
        self.on_flushed: Callable[[], None] = do_nothing
        #: Called before the first packet of each track (handle.RemoteConnection).
        self.on_track: Callable[[Track], None] = lambda track: None
        self._listener: SoundListener | None = None
        self._options: dict[str, Any] = {}
        self._started = False
        self._flushing = False
        self._handed_over = False
        #: Messages that are collected for the worker, while the connection is handed over.
        self._collected: list[bytes] | None = None
        self._closed = False
        self._done: Callable[[], None] | None = None
        #: True while the worker sends what it has begun, before it gives the connection back.
        self._is_releasing = False
        worker.assigned.add(self)
        transport.registerProducer(self, False)  # calls stopProducing if the connection is lost

    # InputHandle

    def read_from(self, on_data: Callable[[bytes], None], on_closed: Callable[[], None]) -> None:
        """Pass on what the viewer sends, without acknowledgements, and its end."""
        self._on_data, self._on_closed = on_data, on_closed

    def read_all(self, on_data: Callable[[bytes], None], on_closed: Callable[[], None]) -> None:
        """Pass on all that the viewer sends, and its end: it sends no acknowledgements."""
        self._on_data, self._on_closed, self._is_raw = on_data, on_closed, True

    def hold(self, is_held: bool) -> None:
        self._is_held = is_held
        if not self._handed_over:
            if is_held:
                self._transport.pauseProducing()
            else:
                self._transport.resumeProducing()
        elif not is_held:
            self._data_handled()

    def watch_end(self) -> None:
        """Do nothing: the worker watches the connection."""

    def stop_reading(self) -> None:
        """Do nothing: the worker knows when the connection is lost."""

    # SubscriptionHandle

    def subscribe(self, viewer: Viewer, hub: Hub[Any], max_fps: float | None, window: int) -> None:
        """Set the source of packets; they are sent after ``start``."""
        self._feed = self._worker.feed(hub, self._serializer)
        self._describe(viewer, max_fps, window)

    def subscribe_stream(
        self,
        viewer: Viewer,
        stream: Stream,
        wants: Wants,
        max_fps: float | None,
        window: int,
        on_track: Callable[[Track], None],
    ) -> None:
        """Set the source of packets; they are sent after ``start``.

        Raises:
            NotSupported: they are not available in the codecs that are wanted.
        """
        self._feed = self._worker.stream_feed(stream, wants, self._serializer)
        self.on_track = on_track
        self._describe(viewer, max_fps, window)

    def subscribe_sound(
        self,
        stream: Stream,
        wants: Wants,
        serializer: Serializer,
        on_track: Callable[[Track], None],
    ) -> Callable[[], None]:
        """Let the worker send sound, too. Return a function that ends it.

        Raises:
            NotSupported: the sound is not available in the codecs that are wanted.
        """
        feed = self._worker.stream_feed(stream, wants, serializer)
        return self._add_sound(SoundListener(feed, self.abort, on_track))

    def subscribe_sound_hub(
        self, hub: Hub[Any], serializer: Serializer, on_start: Callable[[], object]
    ) -> Callable[[], None]:
        feed = self._worker.feed(hub, serializer, is_sound=True)
        return self._add_sound(SoundListener(feed, self.abort, on_start=on_start))

    def _add_sound(self, listener: SoundListener) -> Callable[[], None]:
        self._listener = listener
        if self._handed_over:
            self._listen()
        return self._stop_listening

    def _listen(self) -> None:
        if self._listener is not None:
            self._listener.join(lambda feed: self._send("listen", feed=feed))

    def _stop_listening(self) -> None:
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.feed.leave(listener)
            if self._handed_over and not self._closed:
                self._send("listen", feed=None)

    def _describe(self, viewer: Viewer, max_fps: float | None, window: int) -> None:
        self._count(viewer)
        self._options = {
            "address": viewer.address,
            "kind": viewer.kind,
            "camera": viewer.camera,
            "fps": max_fps,
            "window": window,
        }

    def start(self) -> None:
        """Send frames as soon as the worker has the connection."""
        self._started = True
        if self._flushing and not self._queued_bytes:
            self._hand_over()

    def ready(self) -> None:
        """Do nothing: the worker sends the newest frame."""

    def acknowledge(self, seq: int) -> None:
        if self._handed_over:
            self._send("ack", seq=seq)

    def ignore_acks(self) -> None:
        """Do nothing: the worker has noticed the end of the input."""

    # Sender

    def is_ready(self) -> bool:
        return self._handed_over and not self._closed

    def offer(self, frame: Packet, is_caught_up: bool = False) -> int:
        """Let the worker send this one frame, if its sender is ready."""
        if not self.is_ready():
            return 0
        assert self._feed is not None and self._viewer is not None
        return self._feed.send_to(frame, self._viewer.id)

    def open(self) -> None:
        """Hand the connection over at once: no message precedes the frames."""
        self._flushing = True
        self.resumeProducing()

    def send_message(self, data: bytes) -> None:
        """Send a message, from the process that has the connection."""
        if self._closed:
            return
        if self._collected is not None:
            self._collected.append(data)
        elif self._handed_over:
            self._send("message", data=to_text(data))
        else:
            self._flushing = True
            self._queued_bytes += len(data)
            self._transport.write(data)

    def queued_bytes(self) -> int:
        """Return the bytes queued before the worker has the connection; it limits all others."""
        return self._queued_bytes

    def unsent_bytes(self) -> int:
        return 0  # the worker finds viewers that do not read

    def finish(self, done: Callable[[], None]) -> None:
        if self._closed or not self._handed_over:
            self.close()
            done()
        else:
            self._done = done
            self._send("finish")

    def release(self, done: Callable[[], None]) -> None:
        """Send no more frames, and take the connection back when the current one is sent.

        Arguments:
            done: called when the connection is this process's again, unless it is lost.
        """
        if self._closed or not self._handed_over:
            self.close()
            done()
        else:
            self._done, self._is_releasing = done, True
            self._send("release")

    def abort(self) -> None:
        self.close()
        self._transport.abortConnection()

    def close(self) -> None:
        """Send nothing more, and let the worker close the connection."""
        if self._closed:
            return
        self._closed = True
        self._on_data, self._on_closed, self._on_refused = None, do_nothing, do_nothing
        self.on_track = lambda track: None
        self.on_flushed = do_nothing
        if self._handed_over:
            self._send("abort")
        else:
            self._transport.unregisterProducer()
        self._leave()

    # handle.RemoteConnection, called with the worker's reports.

    def on_report(
        self, frames: int, size: int, drops: int, time: int, fps: float, has_sent: bool
    ) -> None:
        super().on_report(frames, size, drops, time, fps, has_sent)
        if has_sent and self._on_data is not None and self._viewer is not None:
            self._on_data(b"")

    def on_data(self, data: bytes) -> None:
        """Handle what the viewer has sent; the worker waits until that is done."""
        if self._on_data is not None and not self._closed:
            self._is_awaited = True
            self._on_data(data)
            if not self._is_held:
                self._data_handled()

    def on_input_closed(self) -> None:
        if not self._closed:
            self._on_closed()

    def on_lost(self) -> None:
        """Close the transport: the connection, or the worker, is gone."""
        if self._closed:
            return
        self._closed = True
        if not self._handed_over:
            self._transport.unregisterProducer()
        self._leave()
        done, self._done = self._done, None
        if done is None or self._is_releasing:
            self._transport.loseConnection()
        else:
            done()

    def on_refused(self) -> None:
        """Take the connection back: the worker could not take it."""
        if not self._closed:
            self._leave()
            self._handed_over = self._started = False
            self._on_refused()

    def on_released(self) -> None:
        """Read from the connection again: the worker has given it back."""
        if self._closed:
            return
        self._closed = True
        self._leave()
        self._on_data, self._on_closed = None, do_nothing
        if not self._is_held:
            self._transport.resumeProducing()
        done, self._done = self._done, None
        if done is not None:
            done()

    # IPullProducer, called by the transport.

    def resumeProducing(self) -> None:
        """Hand the connection over: the transport's buffer is empty."""
        if self._queued_bytes:
            self._queued_bytes = 0
            self.on_flushed()
        if self._flushing and self._started and not self._closed:
            self._hand_over()

    def _hand_over(self) -> None:
        assert self._feed is not None and self._viewer is not None
        try:
            fd = os.dup(self._socket.fileno())
        except OSError:
            self.on_refused()
            return
        self._transport.unregisterProducer()
        self._transport.pauseProducing()
        self._handed_over = True
        live, first = self._join(self._feed)
        options = {
            **self._options,
            "acks": self._on_data is not None and not self._is_raw,
            "input": self._on_data is not None,
            "family": int(self._socket.family),
            "feed": self._feed.id,
            "live": live,
            "first": to_text(first),
        }
        self._worker.hand_over(self, self._viewer.id, fd, options)
        self._listen()

    def _join(self, feed: WorkerFeed) -> tuple[bool, bytes]:
        """Join the feed. Return True if the camera is live, and what precedes the first packet.

        The worker gets these messages with the connection, because it may send packets at once.
        """
        on_track, self.on_track = self.on_track, lambda track: None
        live = feed.join(self)
        self.on_track = on_track
        self._collected = []
        if feed.track is not None:
            self.on_track(feed.track)
        first, self._collected = b"".join(self._collected), None
        return live, first

    def stopProducing(self) -> None:
        self.close()

    def _data_handled(self) -> None:
        """Let the worker read on: what it has passed on was handled."""
        if self._is_awaited and not self._closed:
            self._is_awaited = False
            self._send("data_handled")

    def _send(self, type: str, **more: Any) -> None:
        assert self._viewer is not None
        self._worker.channel.send(type, id=self._viewer.id, **more)

    def _leave(self) -> None:
        if self._listener is not None:
            self._listener.feed.leave(self._listener)
            self._listener = None
        self._worker.assigned.discard(self)
        if self._handed_over and self._feed is not None and self._viewer is not None:
            self._feed.leave(self)
            self._worker.connections.pop(self._viewer.id, None)
