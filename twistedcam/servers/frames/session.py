"""What a connection to the frame port and its session know of each other."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from twisted.internet.interfaces import ITransport

from twistedcam import wire
from twistedcam.errors import WireError
from twistedcam.events import CameraChanged

if TYPE_CHECKING:
    from twistedcam.camera import Camera


class Connection(Protocol):
    """What a session needs of its connection."""

    #: Of a session that has no sender: the transport holds so much that nothing more is to be said.
    is_full: bool

    #: Whose it is, as text.
    peer: str
    transport: ITransport | None

    def dataReceived(self, data: bytes) -> None:
        """Bytes have come, by whatever way."""

    def readConnectionLost(self) -> None:
        """The other side will send nothing more."""

    def go_on(self) -> None:
        """What was said is sent: what has come in meanwhile may be worked through."""

    def drop(self, why: str) -> None:
        """End the connection of one who does not read."""

    def bye(self) -> None:
        """End the connection in good order."""

    def fail(self, error: WireError) -> None:
        """Say why, and end the connection."""


class Session(Protocol):
    """What a connection is, once it has joined."""

    def begin(self) -> None:
        """It is the connection's session from now on."""

    def received(self, message: wire.Message) -> None:
        """A message has come; raises WireError if it has no place here."""

    def acknowledge(self, seq: int) -> None:
        """An ACK has come; raises WireError if it has no place here."""

    def send_message(self, data: bytes) -> None:
        """Send a message other than a frame, in order behind the frame under way."""

    def is_full(self) -> bool:
        """Whether so much waits to be read by the other side that it is not heard meanwhile."""

    def hold(self, is_held: bool) -> None:
        """Whether what the other side sends is left unread for now."""

    def read_lost(self) -> None:
        """The other side will send nothing more."""

    def finish(self, done: Callable[[], None]) -> None:
        """The connection ends: call ``done`` when what is under way and was said is out."""

    def lost(self) -> None:
        """The connection is gone: nothing is sent any more."""


def state_of(camera: Camera, event: CameraChanged) -> wire.State:
    """A camera's change as a STATE message."""
    size = (event.width, event.height)
    said = (event.camera, event.state, *size, event.fps, event.reason)
    return wire.State(*said, camera.via, camera.title)
