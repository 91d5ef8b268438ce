"""A sender for every transport: TLS, and systems without memory files."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.interfaces import IPushProducer
from zope.interface import implementer

from twistedcam.delivery.sender import Serializer, do_nothing
from twistedcam.delivery.socket_state import set_low_water, stream_socket, unacknowledged
from twistedcam.media.packet import Packet

#: Bytes that may wait in a transport, and unsent in the kernel, before a viewer misses frames.
TRANSPORT_WATER = 2048
KERNEL_WATER = 32 * 1024


def lowest_transport(transport: Any) -> Any:
    """Return the transport under TLS, or the transport itself."""
    return getattr(transport, "transport", None) or transport


def limit_buffer(transport: Any, size: int) -> None:
    """Let a transport read at most ``size`` bytes at once, and pause its producer above that.

    This sets ``bufferSize`` of abstract.FileDescriptor, which is in no interface. A transport
    without it is not affected.
    """
    lowest_transport(transport).bufferSize = size


@implementer(IPushProducer)
class TransportSender:
    """Sends with ``transport.write``, one frame at a time.

    A slow viewer has one frame on its way, not a queue: the kernel takes at most ``KERNEL_WATER``
    unsent bytes from the transport, and the transport pauses its producer while it holds more than
    ``TRANSPORT_WATER``. Its default is 64 KB, which is several small frames. The limit cannot be 0,
    because it also limits how much is read at once.

    Arguments:
        transport, serializer, on_ready: see ``choose_sender``.
    """

    path = "write"

    def __init__(
        self, transport: Any, serializer: Serializer, on_ready: Callable[[], None]
    ) -> None:
        self._transport = transport
        self._serializer = serializer
        self._on_ready = on_ready
        self._closed = False
        self._paused = False
        #: Bytes of messages that were written since the transport paused this producer.
        self._queued_bytes = 0
        self.on_flushed: Callable[[], None] = do_nothing
        limit_buffer(transport, TRANSPORT_WATER)
        self._socket = stream_socket(lowest_transport(transport))
        if self._socket is not None:
            set_low_water(self._socket, KERNEL_WATER)
        transport.registerProducer(self, True)

    def is_ready(self) -> bool:
        """True if the transport has not paused this producer."""
        return not self._paused

    def offer(self, frame: Packet, is_caught_up: bool = False) -> int:
        """Write the frame to the transport, if that has not paused this producer."""
        if self._paused:
            return 0
        message: bytes = frame.shared(self._serializer)
        self._transport.write(message)
        return len(message)

    def open(self) -> None:
        """Do nothing: the transport keeps the order by itself."""

    def send_message(self, data: bytes) -> None:
        self._count(data)
        self._transport.write(data)

    def queued_bytes(self) -> int:
        """Return the bytes of messages since the transport paused this producer."""
        return self._queued_bytes

    def unsent_bytes(self) -> int:
        """Return the bytes that the kernel holds; 0 if that is not known."""
        return unacknowledged(self._socket.fileno()) if self._socket is not None else 0

    def finish(self, done: Callable[[], None]) -> None:
        """Send no more frames, and call ``done`` at once: the transport has all data."""
        self.close()
        done()

    def abort(self) -> None:
        """Close the connection; over TLS that is not possible before the transport is released."""
        self.close()
        self._transport.abortConnection()

    def close(self) -> None:
        self._paused = True
        if not self._closed:
            self._closed = True
            self._on_ready = self.on_flushed = do_nothing
            self._transport.unregisterProducer()

    # IPushProducer, called by the transport.

    def pauseProducing(self) -> None:
        self._paused = True

    def resumeProducing(self) -> None:
        """Continue: the transport's buffer is empty."""
        if not self._closed:
            self._paused = False
            self._flushed()
            self._on_ready()

    def stopProducing(self) -> None:
        self._paused = True

    def _count(self, data: bytes) -> None:
        if self._paused:
            self._queued_bytes += len(data)

    def _flushed(self) -> None:
        if self._queued_bytes:
            self._queued_bytes = 0
            self.on_flushed()
