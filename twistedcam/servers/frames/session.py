"""The interfaces of a connection to the frame port and its session."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from twistedcam import wire
from twistedcam.errors import WireError
from twistedcam.events import CameraChanged

if TYPE_CHECKING:
    from twistedcam.camera import Camera


class MessageConnection(Protocol):
    """The parts of a connection that the session of a publisher uses."""

    #: True while the transport has paused its producer; for a session without a sender.
    is_full: bool
    #: The client's address, for logs.
    peer: str
    #: Sends messages with ``write``, and can be paused.
    transport: Any

    def abort(self, reason: str) -> None:
        """Close the connection at once, and log the reason."""

    def bye(self) -> None:
        """Send BYE and close the connection."""

    def fail(self, error: WireError) -> None:
        """Send ERROR and close the connection."""


class FrameConnection(MessageConnection, Protocol):
    """The parts of a connection to the frame port that its session uses."""

    def dataReceived(self, data: bytes) -> None:
        """Handle received bytes, also those that a worker or AckReader has read."""

    def readConnectionLost(self) -> None:
        """Handle the end of the client's input."""

    def resume(self) -> None:
        """Handle what was received meanwhile: the client has read its answers."""


class FrameSession(Protocol):
    """The session of a viewer or a publisher, after its JOIN."""

    def start(self) -> None:
        """Start to send and receive."""

    def received(self, message: wire.Message) -> None:
        """Handle a message; WireError if it is not allowed here."""

    def acknowledge(self, seq: int) -> None:
        """Handle an ACK; WireError if it is not allowed here."""

    def send_message(self, data: bytes) -> None:
        """Send a message other than a frame, after the frame that is being sent."""

    def is_full(self) -> bool:
        """True while the client does not read its answers: its messages wait, too."""

    def hold(self, is_held: bool) -> None:
        """Leave what the client sends unread, or read it again."""

    def on_input_closed(self) -> None:
        """Handle the end of the client's input."""

    def finish(self, done: Callable[[], None]) -> None:
        """Send no more frames; call ``done`` when everything begun has been sent."""

    def close(self) -> None:
        """Release everything: the connection is lost."""


def state_of(
    camera: Camera, event: CameraChanged, codec: str | None = None, audio: str | None = None
) -> wire.State:
    """Return a camera's change as a STATE message, with the codecs of the viewer's frames."""
    size = (event.width, event.height)
    fields = (event.camera, event.state, *size, event.fps, event.reason)
    return wire.State(*fields, camera.via, camera.title, codec, audio, camera.audio.gives_silence)
