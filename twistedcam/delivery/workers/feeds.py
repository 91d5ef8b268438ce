"""The packets that the server sends to a worker, while the worker has viewers for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from twistedcam.delivery.memfd import Memfd, as_memfd, as_weak_memfd
from twistedcam.delivery.sender import Serializer
from twistedcam.delivery.workers.channel import WorkerChannel
from twistedcam.media.packet import Packet
from twistedcam.media.track import Track
from twistedcam.stream.hub import GroupHub, Hub, Sink

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


class WorkerFeed(Sink[Any]):
    """Sends one hub's frames, in one form, to a worker, while it has viewers for them.

    Arguments:
        id: the feed's number on the channel.
        channel: the channel to the worker.
        hub: the source of frames.
        serializer: returns their wire form.
        is_sound: the packets are sound: many, and small. A viewer gets those that come after it.
    """

    def __init__(
        self,
        id: int,
        channel: WorkerChannel,
        hub: Hub[Any],
        serializer: Serializer,
        is_sound: bool = False,
    ) -> None:
        self.id = id
        self._channel = channel
        self._hub = hub
        self._make = as_memfd(serializer)
        self._make_weak = as_weak_memfd(serializer)
        self._viewers: set[FeedViewer] = set()
        #: Called with True before the first viewer joins, with False when the last has left.
        self.on_use: Callable[[WorkerFeed, bool], None] = lambda feed, is_used: None
        self._is_sound = is_sound
        #: The packets that may be on their way to the worker, if they stand alone.
        self._window = GROUP_WINDOW if is_sound else WINDOW
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
            self.on_use(self, True)
            newest = self._hub.newest
            self._open()
            if isinstance(self._hub, GroupHub):
                self._is_behind = False
                for packet in self._hub.group:
                    self._is_behind = self._is_behind or not self._send("frame", packet)
                return bool(self._hub.group)
            if newest is not None and not self._is_sound:
                self.take(newest)
        return self._hub.newest is not None

    def leave(self, viewer: FeedViewer) -> None:
        """Remove a viewer. Does nothing if it is not there."""
        if viewer not in self._viewers:
            return
        self._viewers.discard(viewer)
        if not self._viewers:
            self.stop()
            self.on_use(self, False)

    @property
    def is_over(self) -> bool:
        """True if it has no viewers, and the worker has everything that was sent."""
        return not self._viewers and not self._sent

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
        if isinstance(self._hub, GroupHub):
            self._announce_hub()
        self._hub.add(self)

    def _announce_hub(self) -> None:
        """Tell the worker which kind of packets follows."""
        self._channel.send("hub", feed=self.id, groups=isinstance(self._hub, GroupHub))

    def _file(self, packet: Packet) -> Memfd:
        """Return the packet as a memory file.

        Raises:
            OSError: there is no file descriptor.
        """
        if not isinstance(self._hub, GroupHub):
            made: Memfd = packet.shared(self._make)
            return made
        get: Callable[[], Memfd] = packet.shared(self._make_weak)
        return get()

    def _send(self, type: str, packet: Packet, **more: Any) -> int:
        try:
            file = self._file(packet)
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
        NotSupported: the packets are not available in these codecs.
    """

    def __init__(
        self, id: int, channel: WorkerChannel, stream: Stream, wants: Wants, serializer: Serializer
    ) -> None:
        super().__init__(id, channel, Hub(), serializer, wants.kind == "audio")
        self._stream = stream
        self._wants = wants
        self._subscription: Subscription | None = None

    @property
    def track(self) -> Track | None:
        """The track of the packets, if it is known."""
        return None if self._subscription is None else self._subscription.track

    def stop(self) -> None:
        subscription, self._subscription = self._subscription, None
        if subscription is not None:
            subscription.close()

    def track_changed(self, track: Track) -> None:
        """Announce another track to the viewers, and another kind of packets to the worker."""
        if self._subscription is not None and self._subscription.hub is not None:
            self._use(self._subscription.hub)
        for viewer in tuple(self._viewers):
            viewer.on_track(track)

    def _open(self) -> None:
        hub = self._stream.hub_for(self._wants)
        if hub is not None:
            self._hub = hub
            self._announce_hub()  # the worker has forgotten it if there were viewers before
        self._subscription = self._stream.subscribe(self, self._wants)

    def _use(self, hub: Hub[Any]) -> None:
        if hub is not self._hub:
            self._hub = hub
            self._is_behind = True
            self._announce_hub()
