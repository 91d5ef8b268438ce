"""The service by which sessions send to viewers and read from them, in this process."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from twistedcam.delivery.ack_reader import AckReader
from twistedcam.delivery.choose import choose_sender
from twistedcam.delivery.sender import Sender, Serializer, do_nothing
from twistedcam.delivery.sound_subscription import SoundFeed, SoundSubscription
from twistedcam.delivery.stream_subscription import StreamSubscription, subscription_class
from twistedcam.delivery.udp_sender import Address, DatagramSockets, UdpSender
from twistedcam.media.packet import Packet
from twistedcam.media.track import Track
from twistedcam.rtsp.rtp_frame import rtp_frame
from twistedcam.stream.hub import Hub, Sink
from twistedcam.stream.viewers import Viewer

if TYPE_CHECKING:
    from twistedcam.stream.stream import Stream
    from twistedcam.stream.wants import Wants


class SubscriptionHandle(Protocol):
    """Controls a subscription, which is in this process or in a worker."""

    def start(self) -> None:
        """Send frames from now on."""

    def ready(self) -> None:
        """Send the newest frame if the viewer has not had it and is ready for it."""

    def acknowledge(self, seq: int) -> None:
        """Note that the viewer has processed all frames up to this one."""

    def ignore_acks(self) -> None:
        """Send frames as fast as the viewer reads: it acknowledges nothing any more."""

    def finish(self, done: Callable[[], None]) -> None:
        """Send no more frames; call ``done`` when the current one has been sent.

        The connection has to be closed then: a worker that has it does that.
        """

    def close(self) -> None:
        """Send no more frames."""


class InputHandle(Protocol):
    """Controls how a viewer's messages are read."""

    def hold(self, is_held: bool) -> None:
        """Leave what the viewer sends unread, or read it again."""

    def watch_end(self) -> None:
        """Notice when the connection is lost, although the viewer sends nothing any more."""

    def stop_reading(self) -> None:
        """Let the transport read again."""


class _LocalInput:
    __slots__ = ("_reader", "_transport")

    def __init__(self, reader: AckReader, transport: Any) -> None:
        self._reader = reader
        self._transport = transport

    def hold(self, is_held: bool) -> None:
        self._reader.hold(self._transport, is_held)

    def watch_end(self) -> None:
        self._reader.watch_end(self._transport)

    def stop_reading(self) -> None:
        self._reader.detach(self._transport)


class Delivery:
    """Serves viewers in this process. WorkerPool serves them in others.

    Arguments:
        reactor: waits for sockets, and is the clock.
    """

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self._reader = AckReader(reactor)

    @property
    def workers(self) -> int:
        """The number of worker processes."""
        return 0

    def make_sender(
        self,
        transport: Any,
        serializer: Serializer,
        on_ready: Callable[[], None],
        on_refused: Callable[[], None],
    ) -> Sender:
        """Return the fastest sender that a connection allows.

        Arguments:
            transport, serializer, on_ready: see ``choose_sender``.
            on_refused: called if a worker turns out to have no room for the connection.
        """
        return choose_sender(transport, serializer, on_ready, self._reactor)

    def make_datagram_sender(
        self, sockets: DatagramSockets, rtp: Address, rtcp: Address, on_abort: Callable[[], None]
    ) -> Sender:
        """Return a sender of RTP packets by UDP (``UdpSender``).

        Arguments:
            on_abort: called when the address cannot be reached, or the worker has ended.
        """
        return UdpSender(sockets, rtp, rtcp, rtp_frame, on_abort)

    def read_all(
        self, sender: Sender, on_data: Callable[[bytes], None], on_closed: Callable[[], None]
    ) -> InputHandle | None:
        """Let a worker that has the viewer's connection pass on all that the viewer sends.

        Return None if this process has the connection, whose transport reads as before.

        Arguments:
            sender: of ``make_sender``.
            on_data: called with the bytes.
            on_closed: called at the end of the viewer's input.
        """
        return None

    def read_from(
        self,
        sender: Sender,
        transport: Any,
        on_data: Callable[[bytes], None],
        on_closed: Callable[[], None] = do_nothing,
    ) -> InputHandle:
        """Read what the viewer of a sender of ``make_sender`` sends, in the cheapest way.

        Arguments:
            transport: the viewer's connection.
            on_data: called with the bytes.
            on_closed: called at the end of the viewer's input, if the transport does not report it.
        """
        self._reader.attach(transport, on_data)
        return _LocalInput(self._reader, transport)

    def subscribe(
        self,
        viewer: Viewer,
        hub: Hub[Any],
        sender: Sender,
        max_fps: float | None,
        window: int = 0,
    ) -> SubscriptionHandle:
        """Return a subscription of a sender of ``make_sender`` to a hub.

        Over UDP the sender is one of ``make_datagram_sender``.
        """
        make: Any = subscription_class(hub)  # its hub is of the right kind
        made: SubscriptionHandle = make(viewer, hub, sender, self._reactor, max_fps, window)
        return made

    def subscribe_stream(
        self,
        viewer: Viewer,
        stream: Stream,
        wants: Wants,
        sender: Sender,
        max_fps: float | None,
        window: int = 0,
        on_track: Callable[[Track], None] = lambda track: None,
    ) -> SubscriptionHandle:
        """Return a subscription of a sender of ``make_sender`` to a stream.

        Arguments:
            wants: the codecs that the viewer understands.
            on_track: called before the first packet of each track.

        Raises:
            NotSupported: the camera's packets are not available in these codecs.
        """
        return StreamSubscription(
            viewer, stream, wants, sender, self._reactor, max_fps, window, on_track
        )

    def subscribe_sound(
        self,
        viewer: Viewer,
        stream: Stream,
        wants: Wants,
        sender: Sender,
        serializer: Serializer,
        on_track: Callable[[Track], None],
    ) -> Callable[[], None]:
        """Send a stream's sound to a viewer, too, and return a function that ends that.

        The viewer has a subscription to the pictures, which has been started.

        Arguments:
            wants: the codecs that the viewer understands.
            sender: of ``make_sender``.
            serializer: returns the wire form of a packet of sound.
            on_track: called before the first packet of each track.

        Raises:
            NotSupported: the camera's sound is not available in these codecs.
        """
        subscription = self.make_sound(viewer, stream, wants, sender, serializer, on_track)
        subscription.start()
        return subscription.stop

    def subscribe_sound_hub(
        self,
        viewer: Viewer,
        hub: Hub[Any],
        sender: Sender,
        serializer: Serializer,
        on_start: Callable[[], object],
    ) -> Callable[[], None]:
        """Send the sound of a hub to a viewer, too, and return a function that ends that.

        The next packet of the hub is the first one that the viewer gets.

        Arguments:
            sender: that of the pictures, or one of ``make_datagram_sender``.
            serializer: returns the wire form of a packet of sound; not used over UDP.
            on_start: called when the viewer gets the packets that come from now on.
        """
        stop = SoundFeed(hub, sender, serializer).close
        on_start()
        return stop

    def release(self, subscription: SubscriptionHandle, done: Callable[[], None]) -> None:
        """End a subscription; call ``done`` when its connection can be used otherwise."""
        subscription.finish(done)

    def make_sound(
        self,
        viewer: Viewer,
        stream: Stream,
        wants: Wants,
        sender: Sender,
        serializer: Serializer,
        on_track: Callable[[Track], None],
        window: int = 0,
    ) -> SoundSubscription:
        """Return a subscription to a stream's sound, which may be all that the viewer gets.

        Arguments:
            sender: a sender of this process (``choose_sender``).
            window: 0 if no acknowledgements are expected.
            others: as for ``subscribe_sound``.
        """

        def join(sink: Sink[Packet]) -> Callable[[], object]:
            return stream.subscribe(sink, wants).close

        def serialize(packet: Packet) -> bytes:
            made: bytes = packet.shared(serializer)
            return made

        clock = self._reactor
        return SoundSubscription(viewer, sender, join, serialize, clock, on_track, window)
