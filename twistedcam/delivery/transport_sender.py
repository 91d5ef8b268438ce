"""The way out that every transport has: TLS, and systems without memory files."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.interfaces import IPushProducer
from zope.interface import implementer

from twistedcam.delivery.sender import Serializer, do_nothing
from twistedcam.delivery.socket_state import set_low_water, stream_socket, unacknowledged
from twistedcam.media.frame import Frame

#: Bytes that may wait in a transport, and unsent in the kernel, before a viewer is passed over.
TRANSPORT_WATER = 2048
KERNEL_WATER = 32 * 1024


def bottom_of(transport: Any) -> Any:
    """The transport under TLS, or the transport itself."""
    return getattr(transport, "transport", None) or transport


def limit_buffer(transport: Any, size: int) -> None:
    """Have a transport read no more than ``size`` bytes at once, and ask for a pause above that.

    It is abstract.FileDescriptor's attribute ``bufferSize``, which is in no interface. A transport
    that does not know it goes by its own rules.
    """
    bottom_of(transport).bufferSize = size


@implementer(IPushProducer)
class TransportSender:
    """Sends by ``transport.write``, one frame at a time.

    A slow viewer has one frame on its way, not a queue: the kernel takes no more than
    ``KERNEL_WATER`` unsent bytes from the transport, and the transport asks its producer to pause
    while it holds more than ``TRANSPORT_WATER``. By itself it does so above 64 KB, which is several
    small frames. The limit cannot be 0, because no more than that is read at once, either.

    Arguments:
        transport: the connection.
        serializer: the form of a frame on this wire.
        on_ready: called when the way has become clear again.
    """

    path = "write"

    def __init__(
        self, transport: Any, serializer: Serializer, on_ready: Callable[[], None]
    ) -> None:
        self._transport = transport
        self._serializer = serializer
        self._on_ready = on_ready
        self._open = True
        self._paused = False
        #: Bytes that were said since the transport has asked for a pause.
        self._queued_bytes = 0
        self.on_flushed: Callable[[], None] = do_nothing
        limit_buffer(transport, TRANSPORT_WATER)
        self._socket = stream_socket(bottom_of(transport))
        if self._socket is not None:
            set_low_water(self._socket, KERNEL_WATER)
        transport.registerProducer(self, True)

    def is_ready(self) -> bool:
        """Whether the transport has asked for no pause."""
        return not self._paused

    def offer(self, frame: Frame, is_caught_up: bool = False) -> int:
        """Hand the frame to the transport, if it has asked for no pause."""
        if self._paused:
            return 0
        message: bytes = frame.shared(self._serializer)
        self._transport.write(message)
        return len(message)

    def begin(self) -> None:
        """It is open from the start."""

    def send_message(self, data: bytes) -> None:
        """Hand the message to the transport."""
        self._count(data)
        self._transport.write(data)

    def queued_bytes(self) -> int:
        """What was said since the transport has asked for a pause."""
        return self._queued_bytes

    def unsent_bytes(self) -> int:
        """What the kernel still holds; 0 where it does not say."""
        return unacknowledged(self._socket.fileno()) if self._socket is not None else 0

    def finish(self, done: Callable[[], None]) -> None:
        """The transport keeps the order by itself."""
        self.close()
        done()

    def abort(self) -> None:
        """End the connection. It has to be let go first: over TLS it cannot be afterwards."""
        self.close()
        self._transport.abortConnection()

    def close(self) -> None:
        """Let the transport go."""
        self._paused = True
        if self._open:
            self._open = False
            self._on_ready = self.on_flushed = do_nothing
            self._transport.unregisterProducer()

    def pauseProducing(self) -> None:
        """The transport holds bytes."""
        self._paused = True

    def resumeProducing(self) -> None:
        """The transport holds nothing."""
        if self._open:
            self._paused = False
            self._flushed()
            self._on_ready()

    def stopProducing(self) -> None:
        """The connection is gone."""
        self._paused = True

    def _count(self, data: bytes) -> None:
        if self._paused:
            self._queued_bytes += len(data)

    def _flushed(self) -> None:
        if self._queued_bytes:
            self._queued_bytes = 0
            self.on_flushed()
