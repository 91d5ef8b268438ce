"""The session of a viewer."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from twistedcam import wire
from twistedcam.delivery import SoundSubscription, SubscriptionHandle, choose_sender
from twistedcam.delivery.sender import HIGH_WATER, MAX_QUEUED, Sender, do_nothing
from twistedcam.delivery.subscription import RATE_TOLERANCE
from twistedcam.errors import BadMessage, NotSupported, TooMany, UnsupportedCodec
from twistedcam.events import CameraChanged, Event, SoundChanged
from twistedcam.servers.frames.session import FrameConnection, state_of
from twistedcam.stream.wants import Wants

if TYPE_CHECKING:
    from twistedcam.camera import Camera
    from twistedcam.core.server import Server
    from twistedcam.delivery import InputHandle
    from twistedcam.media.track import Track


class ViewSession:
    """Sends STATE at every change, and frames while the camera is live.

    A JOIN with codecs of sound gets sound, too, or only sound.

    Arguments:
        connection: the viewer's connection.
        server, camera: the server, and its camera.
        join: the viewer's JOIN.
        may_listen: False to leave the sound out.

    Raises:
        UnsupportedCodec: the camera's frames are not available in a codec of the JOIN.
    """

    def __init__(
        self,
        connection: FrameConnection,
        server: Server,
        camera: Camera,
        join: wire.Join,
        may_listen: bool = True,
    ) -> None:
        assert connection.transport is not None
        wants = _wants(camera, join)
        self._sound_wants = _sound_wants(join) if may_listen else None
        self._connection = connection
        self._server = server
        self._camera = camera
        self._sender = sender = self._make_sender(wants is None)
        self._viewer = server.viewers.join(
            connection.peer, "tcp", camera.name, sender.path, lambda _: connection.bye()
        )
        limits = join.max_fps, join.window
        #: The codec of the frames that follow; None if it is not known yet.
        self._codec: str | None = "mjpeg"
        #: The codec of the sound; None if it is not known yet, or there is none.
        self._sound_codec: str | None = None
        self._stop_sound: Callable[[], None] = do_nothing
        self._is_muted = False
        if self._sound_wants is not None:
            sound = camera.stream.hub_for(self._sound_wants)
            self._sound_codec = None if sound is None or sound.track is None else sound.track.codec
        self._subscription: SubscriptionHandle
        if wants is None:
            self._codec = None
            assert self._sound_wants is not None
            self._subscription = server.delivery.make_sound(
                self._viewer,
                camera.stream,
                self._sound_wants,
                sender,
                wire.frame_message,
                self._on_sound_track,
            )
        elif wants.codecs == ("mjpeg",):
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
        if self._sound_wants is not None and not isinstance(self._subscription, SoundSubscription):
            self._stop_sound = self._server.delivery.subscribe_sound(
                self._viewer,
                self._camera.stream,
                self._sound_wants,
                self._sender,
                wire.frame_message,
                self._on_sound_track,
            )
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

    def _make_sender(self, is_local: bool) -> Sender:
        """Return a sender; one of this process for a viewer that only gets sound."""
        transport, delivery = self._connection.transport, self._server.delivery
        if is_local:
            clock = self._server.clock
            return choose_sender(transport, wire.frame_message, self._on_ready, clock)
        return delivery.make_sender(transport, wire.frame_message, self._on_ready, self._on_refused)

    def _release(self) -> None:
        self._stop_sound()
        self._stop_sound = do_nothing
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
        if not isinstance(event, CameraChanged | SoundChanged):
            return
        if event.camera != self._camera.name:
            return
        if isinstance(event, CameraChanged):
            self._send_state(event)
        elif (event.state == "muted") != self._is_muted:
            self._send_state(self._camera.changed())

    def _on_track(self, track: Track) -> None:
        """Announce another codec before its first frame."""
        if track.codec != self._codec:
            self._codec = track.codec
            self._send_state(self._camera.changed())

    def _on_sound_track(self, track: Track) -> None:
        """Announce another codec of the sound, and its configuration, before its first packet."""
        if track.codec != self._sound_codec:
            self._sound_codec = track.codec
            self._send_state(self._camera.changed())
        self.send_message(wire.configuration_message(track))

    def _send_state(self, event: CameraChanged) -> None:
        self._is_muted = self._camera.audio.gives_silence
        state = state_of(self._camera, event, self._codec, self._sound_codec)
        self.send_message(state.encode())


def _sound_wants(join: wire.Join) -> Wants | None:
    """Return the codecs in which a viewer gets a camera's sound; None if it gets none."""
    codecs = tuple(each for each in join.codecs if each in wire.SOUND_CODECS)
    return Wants(codecs, kind="audio") if codecs else None


def _wants(camera: Camera, join: wire.Join) -> Wants | None:
    """Return the codecs in which a viewer gets a camera's frames; None if it only gets sound.

    A viewer that limits the frames per second gets JPEGs, if it understands them: of H.264 it would
    get the key frames only.
    """
    codecs = tuple(each for each in join.codecs if each in wire.CODECS)
    if not codecs:
        if _sound_wants(join) is not None:
            return None
        raise UnsupportedCodec(
            f"the frame port sends {', '.join(wire.CODECS | wire.SOUND_CODECS)}; JOIN asks for "
            f"{', '.join(join.codecs)}"
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
