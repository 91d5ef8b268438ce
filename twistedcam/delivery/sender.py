"""The interface by which frames and messages are sent to one viewer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from twistedcam.media.frame import Frame

#: Gives a frame in the form that goes over the wire: made once, shared by all viewers. It has to
#: be the same function object for all of them: a module's function, not one made per connection.
Serializer = Callable[[Frame], bytes]

#: Bytes of messages that may wait for a viewer that does not read; then its connection is cut.
MAX_QUEUED = 256 * 1024
#: Bytes of messages that may wait while what the viewer sends is still read and answered.
HIGH_WATER = 4096


def do_nothing() -> None:
    """Nobody waits for a sender's messages to be sent."""


class Sender(Protocol):
    """Sends one frame at a time, and says when the next may come.

    A sender begins closed; its first ``say`` opens it. So what was written before it, a greeting
    or a response's headers, is on its way before the first frame.
    """

    #: How it sends, in a word, for ``status``.
    path: str
    #: Called when messages had to wait and none does any more.
    on_flushed: Callable[[], None]

    def is_ready(self) -> bool:
        """Whether a frame that is offered now would start on its way at once.

        When it would not, ``on_ready`` is called as soon as it would.
        """

    def offer(self, frame: Frame, is_caught_up: bool = False) -> int:
        """Send a frame if the way is clear: the number of bytes that it takes, or else 0.

        Arguments:
            frame: the frame.
            is_caught_up: the viewer has said that it has all that was sent before.
        """

    def begin(self) -> None:
        """Open without a word, where nothing was written to the transport before."""

    def send_message(self, data: bytes) -> None:
        """Send a small message, in order behind the frame under way; clear or not."""

    def queued_bytes(self) -> int:
        """Bytes of messages that wait in this process for the viewer to read."""

    def unsent_bytes(self) -> int:
        """Bytes that the viewer has not taken yet, as far as known. One that reads changes it."""

    def finish(self, done: Callable[[], None]) -> None:
        """No more frames; ``done`` is called when the frame under way and all that was said are
        with the transport, which may then lose its connection."""

    def abort(self) -> None:
        """End the connection now, whatever is under way."""

    def close(self) -> None:
        """Nothing more will be sent: the connection is gone, or is used by somebody else."""
