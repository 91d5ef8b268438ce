"""One viewer's way out of the process."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from twisted.internet.interfaces import IPushProducer, ITransport
from zope.interface import implementer

from twistedcam.frame import Frame

#: Gives a frame in the form that goes over the wire: made once, shared by all viewers.
Framing = Callable[[Frame], bytes]


class Outlet(Protocol):
    """Sends one frame at a time, and says when the next may come."""

    #: How it sends, in a word, for ``status``.
    path: str

    def is_clear(self) -> bool:
        """Whether a frame that is sent now would start on its way at once."""

    def send(self, frame: Frame) -> int:
        """Send a frame; only when clear. The number of bytes that it takes."""

    def say(self, data: bytes) -> None:
        """Send a small message, in order behind the frame under way; clear or not."""

    def close(self) -> None:
        """Nothing more will be sent."""


@implementer(IPushProducer)
class WriteOutlet:
    """Sends by ``transport.write``: works on every transport.

    Arguments:
        transport: where to.
        framing: the form of a frame on this wire.
        cleared: called when the way has become clear again.
    """

    path = "write"

    def __init__(
        self, transport: ITransport, framing: Framing, cleared: Callable[[], None]
    ) -> None:
        self._transport = transport
        self._framing = framing
        self._cleared = cleared
        self._paused = False
        transport.registerProducer(self, True)  # type: ignore[attr-defined]

    def is_clear(self) -> bool:
        """Whether the transport has asked for no pause."""
        return not self._paused

    def send(self, frame: Frame) -> int:
        """Hand the frame to the transport."""
        message: bytes = frame.shared(self._framing)
        self._transport.write(message)
        return len(message)

    def say(self, data: bytes) -> None:
        """Hand the message to the transport."""
        self._transport.write(data)

    def close(self) -> None:
        """Let the transport go."""
        self._paused = True
        self._transport.unregisterProducer()  # type: ignore[attr-defined]

    def pauseProducing(self) -> None:
        """The transport's buffer is full."""
        self._paused = True

    def resumeProducing(self) -> None:
        """The transport's buffer is empty."""
        self._paused = False
        self._cleared()

    def stopProducing(self) -> None:
        """The connection is gone."""
        self._paused = True
