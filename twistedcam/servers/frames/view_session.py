"""The session of a viewer."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from twistedcam import wire
from twistedcam.delivery.sender import HIGH_WATER, MAX_QUEUED, do_nothing
from twistedcam.delivery.subscription import RATE_TOLERANCE
from twistedcam.errors import BadMessage, NotSupported, TooMany, UnsupportedCodec
from twistedcam.events import CameraChanged, Event
from twistedcam.servers.frames.session import FrameConnection, state_of
from twistedcam.stream.wants import Wants

if TYPE_CHECKING:
    from twistedcam.camera import Camera
    from twistedcam.core.server import Server
    from twistedcam.delivery import InputHandle
    from twistedcam.media.track import Track


class ViewSession:
    """Sends STATE at every change, and frames while the camera is live.

    Raises:
        UnsupportedCodec: the camera's frames cannot be had in a codec of the JOIN.
    """

    def __init__(
        self, connection: FrameConnection, server: Server, camera: Camera, join: wire.Join
    ) -> None:
        assert connection.transport is not None
        wants = _wants(camera, join)
        self._connection = connection
        self._server = server
        self._camera = camera
        self._sender = sender = server.delivery.make_sender(
            connection.transport, wire.frame_message, self._on_ready, self._on_refused
        )
        self._viewer = server.viewers.join(
            connection.peer, "tcp", camera.name, sender.path, lambda _: connection.bye()
        )
        limits = join.max_fps, join.window
        #: The codec of the frames that follow; None if it is not known yet.
        self._codec: str | None = "mjpeg"
        if wants.codecs == ("mjpeg",):
            self._subscription = server.delivery.subscribe(
                self._viewer, camera.hub, sender, *limits
            )
        else:
            hub = camera.stream.hub_for(wants)
            self._codec = None if hub is None or hub.track is None else hub.track.codec
            self._subscription = server.delivery.subscribe_stream(
                self._viewer, camera.stream, wants, sender, *limits, self._on_track
            )
        #: FrameSession.acknowledge: the subscription's own method, because it is called for each
        #: frame of each viewer.
        self.acknowledge = self._subscription.acknowledge
        self._send_state(camera.changed())
        self._unsubscribe = server.events.subscribe(self._on_event)
        self._input: InputHandle | None = None
        sender.on_flushed = connection.resume

    def start(self) -> None:
        """Send frames, and announce the viewer."""
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
        """Refuse a message: a viewer sends ACKs only."""
        raise BadMessage(f"a viewer cannot send {wire.name_of(message)} now")

    def send_message(self, data: bytes) -> None:
        self._sender.send_message(data)
        if self._sender.queued_bytes() > MAX_QUEUED:
            self._connection.abort("it does not read")

    def is_full(self) -> bool:
        return self._sender.queued_bytes() > HIGH_WATER

    def hold(self, is_held: bool) -> None:
        if self._input is not None:
            self._input.hold(is_held)

    def on_input_closed(self) -> None:
        """Send frames without acknowledgements: the viewer sends nothing any more."""
        self._subscription.ignore_acks()
        if self._input is not None:
            self._input.stop_reading()
            self._input.watch_end()

    def finish(self, done: Callable[[], None]) -> None:
        self._release()
        self._server.viewers.leave(self._viewer)
        self._subscription.finish(done)

    def close(self) -> None:
        self._release()
        self._subscription.close()
        self._server.viewers.leave(self._viewer)

    def _release(self) -> None:
        self._unsubscribe()
        self._unsubscribe = do_nothing
        self._sender.on_flushed = do_nothing
        if self._input is not None:
            self._input.stop_reading()
            self._input = None

    def _on_refused(self) -> None:
        self._connection.fail(TooMany("the server has no room for another viewer; try again later"))

    def _on_ready(self) -> None:
        self._subscription.ready()

    def _on_event(self, event: Event) -> None:
        if isinstance(event, CameraChanged) and event.camera == self._camera.name:
            self._send_state(event)

    def _on_track(self, track: Track) -> None:
        """Announce another codec before its first frame."""
        if track.codec != self._codec:
            self._codec = track.codec
            self._send_state(self._camera.changed())

    def _send_state(self, event: CameraChanged) -> None:
        self.send_message(state_of(self._camera, event, self._codec).encode())


def _wants(camera: Camera, join: wire.Join) -> Wants:
    """Return the codecs in which a viewer gets a camera's frames.

    A viewer that limits the frames per second gets JPEGs, if it understands them: of H.264 it would
    get the key frames only.
    """
    codecs = tuple(each for each in join.codecs if each in wire.CODECS)
    if not codecs:
        raise UnsupportedCodec(
            f"the frame port sends {', '.join(wire.CODECS)}; JOIN asks for {', '.join(join.codecs)}"
        )
    if join.max_fps is not None and "mjpeg" in codecs:
        rate = camera.source_info.fps
        if not rate or rate > join.max_fps * RATE_TOLERANCE:
            codecs = ("mjpeg",)
    wants = Wants(codecs)
    try:
        camera.stream.hub_for(wants)
    except NotSupported as error:
        raise UnsupportedCodec(str(error)) from None
    return wants
