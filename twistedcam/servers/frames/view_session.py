"""A connection to the frame port that watches a camera."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from twistedcam import wire
from twistedcam.delivery.sender import FULL, MAX_UNSENT, no_one
from twistedcam.errors import BadMessage, TooMany
from twistedcam.events import CameraChanged, Event
from twistedcam.servers.frames.session import Connection, state_of

if TYPE_CHECKING:
    from twistedcam.camera import Camera
    from twistedcam.core.server import Server
    from twistedcam.delivery import Hearing


class ViewSession:
    """Somebody watches: STATE at every change, and frames while the camera is live."""

    def __init__(
        self, connection: Connection, server: Server, camera: Camera, join: wire.Join
    ) -> None:
        assert connection.transport is not None
        self._connection = connection
        self._server = server
        self._camera = camera
        self._outlet = outlet = server.delivery.outlet(
            connection.transport, wire.frame_message, self._cleared, self._refused
        )
        self._viewer = server.viewers.join(
            connection.peer, "tcp", camera.name, outlet.path, lambda _: connection.bye()
        )
        self._watcher = server.delivery.watch(
            self._viewer, camera.hub, outlet, join.max_fps, join.window
        )
        #: The viewer has taken in all frames up to this one (session.Session). Called for each
        #: frame of each viewer, so it is the watcher's own.
        self.acknowledge = self._watcher.acknowledge
        self.say(state_of(camera, camera.changed()).encode())
        self._unsubscribe = server.events.subscribe(self._happened)
        self._hearing: Hearing | None = None
        outlet.on_flushed = connection.go_on

    def begin(self) -> None:
        """Send what there is, and tell the others."""
        connection = self._connection
        self._hearing = self._server.delivery.hear(
            self._outlet,
            connection.transport,
            connection.dataReceived,
            connection.readConnectionLost,
        )
        self._watcher.begin()
        self._server.viewers.announce(self._viewer)

    def received(self, message: wire.Message) -> None:
        """Only ACKs are expected."""
        raise BadMessage(f"a viewer cannot send {wire.name_of(message)} now")

    def say(self, data: bytes) -> None:
        """Send a message other than a frame."""
        self._outlet.say(data)
        if self._outlet.unsent() > MAX_UNSENT:
            self._connection.drop("it does not read")

    def is_full(self) -> bool:
        """Whether answers wait for the viewer."""
        return self._outlet.unsent() > FULL

    def hold(self, is_held: bool) -> None:
        """Whether what the viewer sends is left unread for now."""
        if self._hearing is not None:
            self._hearing.hold(is_held)

    def read_lost(self) -> None:
        """The viewer has closed its half, and goes on watching: nothing is acknowledged now."""
        self._watcher.stop_waiting()
        if self._hearing is not None:
            self._hearing.end()
            self._hearing.watch_end()

    def finish(self, done: Callable[[], None]) -> None:
        """Take this viewer out everywhere, once the frame under way is whole."""
        self._unsubscribe()
        self._unsubscribe = no_one
        self._deafen()
        self._server.viewers.leave(self._viewer)
        self._watcher.finish(done)

    def lost(self) -> None:
        """Take this viewer out everywhere."""
        self._unsubscribe()
        self._unsubscribe = no_one
        self._deafen()
        self._watcher.end()
        self._server.viewers.leave(self._viewer)

    def _deafen(self) -> None:
        self._outlet.on_flushed = no_one
        if self._hearing is not None:
            self._hearing.end()
            self._hearing = None

    def _refused(self) -> None:
        self._connection.fail(TooMany("there is no room for one more viewer: try again later"))

    def _cleared(self) -> None:
        self._watcher.ready()

    def _happened(self, event: Event) -> None:
        if isinstance(event, CameraChanged) and event.camera == self._camera.name:
            self.say(state_of(self._camera, event).encode())
