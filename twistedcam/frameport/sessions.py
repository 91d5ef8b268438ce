"""What a connection to the frame port does after its JOIN: view, or publish."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from twisted.logger import Logger

from twistedcam import wire
from twistedcam.errors import BadMessage
from twistedcam.events import CameraChanged, Event
from twistedcam.wire.messages import FrameMessage

log = Logger()

if TYPE_CHECKING:
    from twistedcam.camera import Camera
    from twistedcam.frameport.server import FrameProtocol
    from twistedcam.server import Server


def state_of(camera: Camera, event: CameraChanged) -> wire.State:
    """A camera's change as a STATE message."""
    size = (event.width, event.height)
    return wire.State(event.camera, event.state, *size, event.fps, event.reason, camera.via)


class ViewSession:
    """Somebody watches: STATE at every change, and frames while the camera is live."""

    def __init__(
        self, protocol: FrameProtocol, server: Server, camera: Camera, join: wire.Join
    ) -> None:
        assert protocol.transport is not None
        self._protocol = protocol
        self._server = server
        self._camera = camera
        self._outlet = outlet = server.delivery.outlet(
            protocol.transport, wire.frame_message, self._cleared, protocol.dataReceived
        )
        self._viewer = server.viewers.join(
            protocol.peer, "tcp", camera.name, outlet.path, lambda _: protocol.bye()
        )
        self._watcher = server.delivery.watch(
            self._viewer, camera.hub, outlet, join.max_fps, join.window
        )
        self.say(state_of(camera, camera.changed()).encode())
        self._unsubscribe = server.events.subscribe(self._happened)

    def begin(self) -> None:
        """Send what there is, and tell the others."""
        self._watcher.begin()
        self._server.viewers.announce(self._viewer)

    def received(self, message: wire.Message) -> None:
        """Only ACKs are expected."""
        if not isinstance(message, wire.Ack):
            raise BadMessage(f"a viewer cannot send {type(message).__name__.upper()} now")
        self.acknowledge(message.seq)

    def say(self, data: bytes) -> None:
        """Send a message other than a frame."""
        self._outlet.say(data)

    def acknowledge(self, seq: int) -> None:
        """The viewer has taken in all frames up to this one."""
        self._watcher.acknowledge(seq)

    def finish(self, done: Callable[[], None]) -> None:
        """Take this viewer out everywhere, once the frame under way is whole."""
        self._unsubscribe()
        self._server.viewers.leave(self._viewer)
        self._watcher.finish(done)

    def lost(self) -> None:
        """Take this viewer out everywhere."""
        self._unsubscribe()
        self._watcher.end()
        self._server.viewers.leave(self._viewer)

    def _cleared(self) -> None:
        self._watcher.ready()

    def _happened(self, event: Event) -> None:
        if isinstance(event, CameraChanged) and event.camera == self._camera.name:
            self.say(state_of(self._camera, event).encode())


class PublishSession:
    """Somebody pushes a camera's frames in; each is taken in at once, and only the newest kept."""

    def __init__(
        self, protocol: FrameProtocol, server: Server, camera: Camera, join: wire.Join
    ) -> None:
        if camera.spec.scheme != "push":
            raise BadMessage(f"camera {camera.name!r} takes no frames: its source is not push:")
        assert protocol.transport is not None
        self._transport = protocol.transport
        self._camera = camera
        self._acknowledges = join.window > 0
        camera.inbox.attach(self)
        log.info("{peer} publishes to {camera}", peer=protocol.peer, camera=camera.name)
        self.say(state_of(camera, camera.changed()).encode())
        self._unsubscribe = server.events.subscribe(self._happened)

    def begin(self) -> None:
        """Wait for frames."""

    def received(self, message: wire.Message) -> None:
        """A frame."""
        if not isinstance(message, FrameMessage):
            raise BadMessage(f"a publisher cannot send {type(message).__name__.upper()} now")
        wire.check_image(message.frame)
        if self._camera.state != "stopped":
            self._camera.inbox.put(message.frame)
        if self._acknowledges:
            self.say(wire.Ack(message.frame.seq).encode())

    def say(self, data: bytes) -> None:
        """Send a message."""
        self._transport.write(data)

    def finish(self, done: Callable[[], None]) -> None:
        """Nothing is under way."""
        self.lost()
        done()

    def lost(self) -> None:
        """The publisher is gone."""
        self._unsubscribe()
        self._camera.inbox.detach(self)

    def _happened(self, event: Event) -> None:
        if isinstance(event, CameraChanged) and event.camera == self._camera.name:
            self.say(state_of(self._camera, event).encode())
