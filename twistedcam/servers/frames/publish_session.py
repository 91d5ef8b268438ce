"""The session of a publisher, which sends a camera's frames to the server."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from twisted.logger import Logger

from twistedcam import wire
from twistedcam.delivery.sender import MAX_QUEUED, do_nothing
from twistedcam.errors import BadMessage
from twistedcam.events import CameraChanged, Event
from twistedcam.media.frame import Frame
from twistedcam.servers.frames.session import MessageConnection, state_of
from twistedcam.wire.messages import FrameMessage

if TYPE_CHECKING:
    from twistedcam.camera import Camera
    from twistedcam.core.server import Server

log = Logger()

#: The maximum size of a picture that is checked on the reactor's thread for an end marker before
#: its end, in bytes: some milliseconds. A larger one is checked on the camera's thread.
MAX_CHECKED_AT_ONCE = 256 * 1024
#: The least seconds between two requests for a key frame, which is large.
KEYFRAME_PAUSE = 0.5


class PublishSession:
    """Receives a camera's frames. Each is accepted at once; of JPEGs only the newest is kept.

    Arguments:
        connection: the publisher's connection.
        server: has the events and the clock.
        camera: the camera, whose source is ``push:``.
        join: the publisher's JOIN.
        instead_of: an earlier session of the same publisher, whose place this one takes.

    Raises:
        BadMessage: the camera has another source.
        Busy: the camera has another publisher.
    """

    def __init__(
        self,
        connection: MessageConnection,
        server: Server,
        camera: Camera,
        join: wire.Join,
        instead_of: PublishSession | None = None,
    ) -> None:
        if camera.spec.scheme != "push":
            raise BadMessage(f"camera {camera.name!r} accepts no frames: its source is not push:")
        self._connection = connection
        self._transport = connection.transport
        #: Bytes of messages since the publisher stopped reading.
        self._queued_bytes = 0
        self._camera = camera
        self._acknowledges = join.window > 0
        self._checker = wire.PacketChecker()
        self._sound_checker = wire.SoundChecker()
        self._clock = server.clock
        self._keyframe_asked_at = -KEYFRAME_PAUSE
        camera.inbox.attach(self, self._refused, instead_of)
        if join.keyframes:
            camera.stream.packets.on_keyframe_request = self._request_keyframe
        log.info("{peer} publishes to {camera}", peer=connection.peer, camera=camera.name)
        self.send_message(state_of(camera, camera.changed()).encode())
        self._unsubscribe = server.events.subscribe(self._on_event)

    def start(self) -> None:
        """Do nothing: the publisher sends frames."""

    def received(self, message: wire.Message) -> None:
        """Put a frame into the camera's inbox."""
        if not isinstance(message, FrameMessage):
            raise BadMessage(f"a publisher cannot send {wire.name_of(message)} now")
        frame = message.frame
        if frame.track.kind == "audio":
            self._received_sound(message)
            return
        is_stopped = self._camera.state == "stopped"
        if isinstance(frame, Frame):
            is_checked = len(frame.jpeg) <= MAX_CHECKED_AT_ONCE
            wire.check_image(frame, through=is_checked)
            if not is_stopped:
                self._camera.inbox.put(frame, is_checked)
        else:
            packet = self._checker.check(frame)
            if packet is not None and not is_stopped:
                self._camera.inbox.put(packet)
        if self._acknowledges:
            self.send_message(wire.Ack(frame.seq).encode())

    def _received_sound(self, message: FrameMessage) -> None:
        """Put sound into the camera's inbox. It is not acknowledged."""
        if message.is_configuration:
            self._sound_checker.configure(message.frame.track)
            return
        packet = self._sound_checker.check(message.frame)
        if self._camera.state != "stopped":
            self._camera.inbox.put_sound(packet)

    def acknowledge(self, seq: int) -> None:
        """Refuse an ACK: a publisher receives no frames."""
        raise BadMessage("a publisher cannot send ACK now")

    def send_message(self, data: bytes) -> None:
        """Send a message, or abort the connection if the publisher does not read."""
        self._queued_bytes = self._queued_bytes + len(data) if self._connection.is_full else 0
        self._transport.write(data)
        if self._queued_bytes > MAX_QUEUED:
            self._connection.abort("it does not read")

    def is_full(self) -> bool:
        return self._connection.is_full

    def hold(self, is_held: bool) -> None:
        if is_held:
            self._transport.pauseProducing()
        else:
            self._transport.resumeProducing()

    def on_input_closed(self) -> None:
        """Close the connection: no frame can follow."""
        self._connection.bye()

    def finish(self, done: Callable[[], None]) -> None:
        """Release the camera, and call ``done``: no frame is being sent."""
        self.close()
        done()

    def close(self) -> None:
        self._unsubscribe()
        self._unsubscribe = do_nothing
        hub = self._camera.stream.packets
        if hub.on_keyframe_request == self._request_keyframe:
            hub.on_keyframe_request = do_nothing
        self._camera.inbox.detach(self)

    def _request_keyframe(self) -> None:
        """Ask the publisher's encoder for a key frame, unless it was asked a moment ago."""
        now = self._clock.seconds()
        if now - self._keyframe_asked_at >= KEYFRAME_PAUSE:
            self._keyframe_asked_at = now
            self.send_message(wire.Keyframe().encode())

    def _refused(self, reason: str) -> None:
        """Handle a frame that the camera's thread has found to be invalid."""
        self._connection.fail(BadMessage(reason))

    def _on_event(self, event: Event) -> None:
        if isinstance(event, CameraChanged) and event.camera == self._camera.name:
            self.send_message(state_of(self._camera, event).encode())
