"""The subscriptions of one viewer to sound."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from twistedcam.delivery.sender import Sender, do_nothing
from twistedcam.delivery.subscription import STALL_LIMIT
from twistedcam.delivery.udp_sender import UdpSender
from twistedcam.media.packet import Packet
from twistedcam.media.track import Track
from twistedcam.stream.hub import Hub, Sink
from twistedcam.stream.viewers import Viewer

log = Logger()

#: Seconds after which a viewer that has not received what was sent gets no more sound for now.
MAX_DELAY = 1.0


class SoundSubscription(Sink[Packet]):
    """Sends sound to a viewer, as messages between its pictures, and keeps none.

    Sound is left out while the viewer has not received what was sent ``MAX_DELAY`` ago, pictures
    included. Without acknowledgements the sender's unsent bytes show what it has received. One that
    receives nothing for ``STALL_LIMIT`` is disconnected.

    Arguments:
        viewer: its bytes are counted.
        sender: the destination.
        join: adds this sink to its source, and returns a function that removes it.
        serialize: returns the wire form of a packet; empty if the viewer does not get it.
        clock: measures delays.
        on_track: called before the first packet of each track.
        window: 0 if no acknowledgements are expected. Time is limited, not the number of packets.
    """

    __slots__ = (
        "_clock",
        "_join",
        "_leave",
        "_sender",
        "_serialize",
        "_under_way",
        "_window",
        "on_track",
        "viewer",
    )

    def __init__(
        self,
        viewer: Viewer,
        sender: Sender,
        join: Callable[[Sink[Packet]], Callable[[], object]],
        serialize: Callable[[Packet], bytes],
        clock: IReactorTime,
        on_track: Callable[[Track], None] = lambda track: None,
        window: int = 0,
    ) -> None:
        self.viewer = viewer
        self.on_track = on_track
        self._sender = sender
        self._join = join
        self._leave: Callable[[], object] = do_nothing
        self._serialize = serialize
        self._clock = clock
        self._window = window
        #: What was sent and may not have been received, oldest first: the time of sending, and the
        #: number of a packet, or without acknowledgements the viewer's bytes up to it.
        self._under_way: deque[tuple[float, int]] = deque()

    @property
    def waits(self) -> bool:
        """True if a packet that was sent is not acknowledged yet; only with a window."""
        return bool(self._window and self._under_way)

    def waits_for(self, seq: int) -> bool:
        """True if an acknowledgement of the packets up to this one would be new."""
        return self.waits and self._under_way[0][1] <= seq

    def start(self) -> None:
        """Send sound from now on."""
        self._leave = self._join(self)

    def ready(self) -> None:
        """Do nothing: sound does not wait for its viewer."""

    def acknowledge(self, seq: int) -> None:
        """Note that the viewer has received all packets up to this one."""
        if self._window:
            self._received(seq)

    def ignore_acks(self) -> None:
        """Expect no more acknowledgements."""
        if self._window:
            self._window = 0
            self._under_way.clear()

    def stop(self) -> None:
        """Send no more sound."""
        leave, self._leave = self._leave, do_nothing
        leave()

    def finish(self, done: Callable[[], None]) -> None:
        """Send no more; call ``done`` when everything has been sent."""
        self.stop()
        self._sender.finish(done)

    def close(self) -> None:
        """Send no more, and release the connection."""
        self.stop()
        self._sender.close()

    def take(self, packet: Packet, /) -> None:
        """Send a packet, or leave it out (hub.Sink)."""
        now, viewer, under_way = self._clock.seconds(), self.viewer, self._under_way
        if under_way and not self._window:
            unsent = self._sender.queued_bytes() + self._sender.unsent_bytes()
            self._received(viewer.bytes - unsent)
        if under_way:
            delay = now - under_way[0][0]
            if delay >= MAX_DELAY:
                viewer.drops += 1
                if delay >= STALL_LIMIT:
                    self._abort()
                return
        data = self._serialize(packet)
        if not data:
            return
        self._sender.send_message(data)
        viewer.bytes += len(data)
        under_way.append((now, packet.seq if self._window else viewer.bytes))

    def track_changed(self, track: Track) -> None:
        """Announce another track (hub.Sink)."""
        self.on_track(track)

    def on_removed(self) -> None:
        """Close the connection after an internal error (hub.Sink)."""
        self._sender.abort()

    def _received(self, mark: int) -> None:
        under_way = self._under_way
        while under_way and under_way[0][1] <= mark:
            under_way.popleft()

    def _abort(self) -> None:
        log.info(
            "viewer {id} at {address} has not read for {limit:g} s; its connection is closed",
            id=self.viewer.id,
            address=self.viewer.address,
            limit=STALL_LIMIT,
        )
        self.stop()
        self._sender.abort()


class SoundFeed(Sink[Packet]):
    """Sends the packets of a hub of sound, which are small, between the pictures.

    Arguments:
        hub: the source of packets.
        sender: sends them.
        serialize: returns the wire form of a packet; not used over UDP.
    """

    #: Bytes of sound that may wait in this process; beyond, packets are left out.
    MOST = 16 * 1024

    __slots__ = ("_hub", "_sender", "_serialize")

    def __init__(
        self, hub: Hub[Packet], sender: Sender, serialize: Callable[[Packet], bytes]
    ) -> None:
        self._hub = hub
        self._sender = sender
        self._serialize = serialize
        hub.add(self)

    def take(self, packet: Packet, /) -> None:
        """Send a packet (hub.Sink)."""
        if isinstance(self._sender, UdpSender):
            try:
                self._sender.offer(packet)
            except OSError:
                self._sender.abort()
        elif self._sender.queued_bytes() < self.MOST:
            self._sender.send_message(self._serialize(packet))

    def close(self) -> None:
        """Send no more packets."""
        self._hub.remove(self)
