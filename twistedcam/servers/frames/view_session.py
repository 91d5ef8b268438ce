"""A connection to the frame port that watches a camera."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from twistedcam import wire
from twistedcam.delivery.sender import HIGH_WATER, MAX_QUEUED, do_nothing
from twistedcam.errors import BadMessage, TooMany
from twistedcam.events import CameraChanged, Event
from twistedcam.servers.frames.session import Connection, state_of

if TYPE_CHECKING:
    from twistedcam.camera import Camera
    from twistedcam.core.server import Server
    from twistedcam.delivery import InputHandle


class ViewSession:
    """Somebody watches: STATE at every change, and frames while the camera is live."""

    def __init__(
        self, connection: Connection, server: Server, camera: Camera, join: wire.Join
    ) -> None:
        assert connection.transport is not None
        self._connection = connection
        self._server = server
        self._camera = camera
        self._sender = sender = server.delivery.make_sender(
            connection.transport, wire.frame_message, self._on_ready, self._refused
        )
        self._viewer = server.viewers.join(
            connection.peer, "tcp", camera.name, sender.path, lambda _: connection.bye()
        )
        self._subscription = server.delivery.subscribe(
            self._viewer, camera.hub, sender, join.max_fps, join.window
        )
        #: The viewer has taken in all frames up to this one (session.Session). Called for each
        #: frame of each viewer, so it is the subscription's own.
        self.acknowledge = self._subscription.acknowledge
        self.send_message(state_of(camera, camera.changed()).encode())
        self._unsubscribe = server.events.subscribe(self._happened)
        self._input: InputHandle | None = None
        sender.on_flushed = connection.go_on

    def begin(self) -> None:
        """Send what there is, and tell the others."""
        connection = self._connection
        self._input = self._server.delivery.read_from(
            self._sender,
            connection.transport,
            connection.dataReceived,
            connection.readConnectionLost,
        )
        self._subscription.start()
        self._server.viewers.announce(self._viewer)

    def received(self, message: wire.Message) -> None:
        """Only ACKs are expected."""
        raise BadMessage(f"a viewer cannot send {wire.name_of(message)} now")

    def send_message(self, data: bytes) -> None:
        """Send a message other than a frame."""
        self._sender.send_message(data)
        if self._sender.queued_bytes() > MAX_QUEUED:
            self._connection.drop("it does not read")

    def is_full(self) -> bool:
        """Whether answers wait for the viewer."""
        return self._sender.queued_bytes() > HIGH_WATER

    def hold(self, is_held: bool) -> None:
        """Whether what the viewer sends is left unread for now."""
        if self._input is not None:
            self._input.hold(is_held)

    def read_lost(self) -> None:
        """The viewer has closed its half, and goes on watching: nothing is acknowledged now."""
        self._subscription.ignore_acks()
        if self._input is not None:
            self._input.stop_reading()
            self._input.watch_end()

    def finish(self, done: Callable[[], None]) -> None:
        """Take this viewer out everywhere, once the frame under way is whole."""
        self._unsubscribe()
        self._unsubscribe = do_nothing
        self._deafen()
        self._server.viewers.leave(self._viewer)
        self._subscription.finish(done)

    def lost(self) -> None:
        """Take this viewer out everywhere."""
        self._unsubscribe()
        self._unsubscribe = do_nothing
        self._deafen()
        self._subscription.close()
        self._server.viewers.leave(self._viewer)

    def _deafen(self) -> None:
        self._sender.on_flushed = do_nothing
        if self._input is not None:
            self._input.stop_reading()
            self._input = None

    def _refused(self) -> None:
        self._connection.fail(TooMany("there is no room for one more viewer: try again later"))

    def _on_ready(self) -> None:
        self._subscription.ready()

    def _happened(self, event: Event) -> None:
        if isinstance(event, CameraChanged) and event.camera == self._camera.name:
            self.send_message(state_of(self._camera, event).encode())
