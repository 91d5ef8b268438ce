"""The interface by which frames and messages are sent to one viewer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from twistedcam.media.packet import Packet

#: Returns a frame or a packet in its wire form, which is made once and shared by all viewers. It
#: has to be the same function object for all of them: a function of a module. A callable object is
#: for one viewer, which is then served in this process.
Serializer = Callable[[Any], bytes]

#: Bytes of messages that may be queued for a viewer; beyond, its connection is closed.
MAX_QUEUED = 256 * 1024
#: Bytes of messages that may be queued while the viewer's own messages are still read.
HIGH_WATER = 4096


def do_nothing() -> None:
    """Do nothing: the value of a callback that is not needed."""


class Sender(Protocol):
    """Sends one frame at a time to a viewer, and reports when it is ready for the next.

    A sender is not ready until the first ``send_message`` or ``open``, so that everything written
    to the transport before, such as a greeting or the headers of a response, precedes the first
    frame.
    """

    #: The name of the method, as ``status`` shows it: ``sendfile`` or ``write``.
    path: str
    #: Called when all queued messages have been sent.
    on_flushed: Callable[[], None]

    def is_ready(self) -> bool:
        """True if an offered frame would be sent at once; else ``on_ready`` is called later."""

    def offer(self, frame: Packet, is_caught_up: bool = False) -> int:
        """Send a frame if the sender is ready. Return the frame's number of bytes, or 0.

        Arguments:
            is_caught_up: the viewer has acknowledged everything that was sent before.
        """

    def open(self) -> None:
        """Allow frames where no message precedes them."""

    def send_message(self, data: bytes) -> None:
        """Send a small message, after the frame that is being sent, ready or not."""

    def queued_bytes(self) -> int:
        """Return the number of bytes of messages that wait in this process."""

    def unsent_bytes(self) -> int:
        """Return the number of bytes that the viewer has not received, as far as known.

        It changes while the viewer reads.
        """

    def finish(self, done: Callable[[], None]) -> None:
        """Send what was begun, and no more frames. Call ``done`` when the transport has all of it,
        so that ``transport.loseConnection`` loses nothing."""

    def abort(self) -> None:
        """Close the connection at once."""

    def close(self) -> None:
        """Release the transport: the connection is lost, or passes to another owner."""
