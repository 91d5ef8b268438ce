"""A connection to the frame port that pushes a camera's frames in."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from twisted.logger import Logger

from twistedcam import wire
from twistedcam.delivery.sender import MAX_QUEUED, do_nothing
from twistedcam.errors import BadMessage
from twistedcam.events import CameraChanged, Event
from twistedcam.servers.frames.session import Connection, state_of
from twistedcam.wire.messages import FrameMessage

if TYPE_CHECKING:
    from twistedcam.camera import Camera
    from twistedcam.core.server import Server

log = Logger()

#: Bytes of a picture that the reactor looks through at once, for an end before its end: some
#: milliseconds at most. A longer one is looked through on the camera's thread.
LOOKED_THROUGH_AT_ONCE = 256 * 1024


class PublishSession:
    """Somebody pushes a camera's frames in; each is taken in at once, and only the newest kept."""

    def __init__(
        self, connection: Connection, server: Server, camera: Camera, join: wire.Join
    ) -> None:
        if camera.spec.scheme != "push":
            raise BadMessage(f"camera {camera.name!r} takes no frames: its source is not push:")
        assert connection.transport is not None
        self._connection = connection
        self._transport: Any = connection.transport
        #: Bytes that were said while the publisher reads nothing.
        self._queued_bytes = 0
        self._camera = camera
        self._acknowledges = join.window > 0
        camera.inbox.attach(self, self._refused)
        log.info("{peer} publishes to {camera}", peer=connection.peer, camera=camera.name)
        self.send_message(state_of(camera, camera.changed()).encode())
        self._unsubscribe = server.events.subscribe(self._happened)

    def begin(self) -> None:
        """Wait for frames."""

    def received(self, message: wire.Message) -> None:
        """A frame."""
        if not isinstance(message, FrameMessage):
            raise BadMessage(f"a publisher cannot send {wire.name_of(message)} now")
        is_checked = len(message.frame.jpeg) <= LOOKED_THROUGH_AT_ONCE
        wire.check_image(message.frame, through=is_checked)
        if self._camera.state != "stopped":
            self._camera.inbox.put(message.frame, is_checked)
        if self._acknowledges:
            self.send_message(wire.Ack(message.frame.seq).encode())

    def acknowledge(self, seq: int) -> None:
        """A publisher is sent none."""
        raise BadMessage("a publisher cannot send ACK now")

    def send_message(self, data: bytes) -> None:
        """Send a message."""
        self._queued_bytes = self._queued_bytes + len(data) if self._connection.is_full else 0
        self._transport.write(data)
        if self._queued_bytes > MAX_QUEUED:
            self._connection.drop("it does not read")

    def is_full(self) -> bool:
        """Whether answers wait for the publisher."""
        return self._connection.is_full

    def hold(self, is_held: bool) -> None:
        """Whether what the publisher sends is left unread for now."""
        if is_held:
            self._transport.pauseProducing()
        else:
            self._transport.resumeProducing()

    def read_lost(self) -> None:
        """No frame can come any more."""
        self._connection.bye()

    def finish(self, done: Callable[[], None]) -> None:
        """Nothing is under way."""
        self.lost()
        done()

    def lost(self) -> None:
        """The publisher is gone."""
        self._unsubscribe()
        self._unsubscribe = do_nothing
        self._camera.inbox.detach(self)

    def _refused(self, reason: str) -> None:
        """The camera's thread has found that a frame is not what the protocol wants."""
        self._connection.fail(BadMessage(reason))

    def _happened(self, event: Event) -> None:
        if isinstance(event, CameraChanged) and event.camera == self._camera.name:
            self.send_message(state_of(self._camera, event).encode())
