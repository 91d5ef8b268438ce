"""Video or sound over a WebSocket, acknowledged: a slow connection delays none."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from wsproto import ConnectionType
from wsproto.connection import Connection, ConnectionState
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Event,
    Ping,
    TextMessage,
)
from wsproto.handshake import H11Handshake
from wsproto.utilities import ProtocolError

from twistedcam.delivery import (
    LatestSubscription,
    SoundSubscription,
    StreamSubscription,
    choose_sender,
)
from twistedcam.delivery.sender import HIGH_WATER
from twistedcam.delivery.transport_sender import limit_buffer
from twistedcam.errors import BadArgument
from twistedcam.media.track import Track
from twistedcam.net.addresses import show_address, source_of
from twistedcam.runtime.scheduler import Job, StepResult
from twistedcam.runtime.timer import Timer
from twistedcam.servers.http.connection.request import HttpRequest, requested_camera
from twistedcam.servers.http.connection.takeover import Receiver
from twistedcam.servers.http.streams.live_parameters import (
    WantedSound,
    WantedVideo,
    read_parameters,
)
from twistedcam.servers.http.streams.video import wanted_stream
from twistedcam.servers.http.streams.websocket_acks import AckFrames
from twistedcam.servers.http.streams.websocket_input import WebSocketInput
from twistedcam.servers.http.streams.websocket_messages import (
    Container,
    sound_description,
    track_messages,
)

if TYPE_CHECKING:
    from twistedcam.camera import Camera
    from twistedcam.core.server import Server

#: Most unacknowledged frames: two, so that the next one has arrived while one is being drawn.
WINDOW = 2
#: Most bytes of a message from a browser, which contains only a number.
MAX_MESSAGE = 1024
#: Bytes to read at once, and to parse in one step.
READ_SIZE = 4096
PIECE = 1024
#: Steps to run at once when data arrives; the scheduler runs the others.
AT_ONCE = 6
#: Seconds for a browser to read unsent data before its connection is aborted.
CLOSE_TIMEOUT = 1.0
#: A browser that acknowledges nothing in one to two of these periods, in seconds, is disconnected.
ACK_TIMEOUT = 5.0


class WebSockets:
    """Answers ``/live``."""

    def __init__(self, server: Server) -> None:
        self.server = server

    def get(self, request: HttpRequest, camera: str | None = None) -> None:
        """Start to send the video or the sound of a camera.

        Raises:
            NoSuchCamera, BadArgument: the camera, a parameter or the handshake is not valid.
            NotSupported: the camera's video or sound is not available in that codec, or it has no
                smaller stream.
        """
        asked = self.server.first_or_named(requested_camera(request, self.server, camera))
        watched = wanted_stream(request, self.server, asked)
        wanted = read_parameters(request)
        if wanted.codecs:
            watched.stream.hub_for(wanted.wants)
        refusal = "this address is only for WebSockets; use /stream"
        protocol, accept = accept_handshake(request, refusal)
        WebSocketSession(self.server, request, protocol, accept, asked.name, watched, wanted)


def accept_handshake(request: HttpRequest, refusal: str) -> tuple[Connection, bytes]:
    """Return the protocol of a WebSocket that a request opens, and the bytes of the answer.

    Raises:
        BadArgument: the handshake is not valid; with ``refusal`` as its message.
    """
    handshake = H11Handshake(ConnectionType.SERVER)
    try:
        if (request.method, request.clientproto) != (b"GET", b"HTTP/1.1"):  # RFC 6455, 4.1
            raise ValueError("a WebSocket needs GET over HTTP/1.1")
        handshake.initiate_upgrade_connection(
            _handshake_headers(request), request.uri.decode("ascii")
        )
    except (ProtocolError, ValueError):
        raise BadArgument(refusal) from None
    accept = handshake.send(AcceptConnection())
    assert handshake.connection is not None
    return handshake.connection, accept


def _handshake_headers(request: HttpRequest) -> list[tuple[bytes, bytes]]:
    """Return only the headers of a WebSocket handshake (RFC 6455, 4.1)."""
    return [
        (name, value)
        for name, values in request.requestHeaders.getAllRawHeaders()
        if name.lower() in (b"host", b"connection", b"upgrade")
        or name.lower().startswith(b"sec-websocket-")
        for value in values
    ]


class WebSocketSession(Receiver):
    """One viewer over a WebSocket.

    Arguments:
        server, request: the server, and the request.
        protocol, accept: as ``accept_handshake`` returns them.
        name: the name of the camera.
        camera, wanted: the camera or its smaller stream, and its video or sound.
    """

    def __init__(
        self,
        server: Server,
        request: HttpRequest,
        protocol: Connection,
        accept: bytes,
        name: str,
        camera: Camera,
        wanted: WantedVideo | WantedSound,
    ) -> None:
        self._server = server
        self._protocol = protocol
        self._transport: Any = request.channel.transport
        self._started = False
        #: True after the close message, and after the end of the connection.
        self._closing = self._gone = False
        #: Data that came with the request.
        self._early = b""
        self._acks = AckFrames()
        self._input = WebSocketInput(protocol, PIECE)
        #: The part of a message that has arrived.
        self._text = ""
        self._job = Job(server.scheduler, self._step, self._hold, AT_ONCE)
        self._job.source = source_of(request.getClientAddress())
        request.channel.take_over(self)
        limit_buffer(self._transport, READ_SIZE)
        self._sender = choose_sender(
            self._transport, wanted.serializer, self._on_ready, server.clock
        )
        self._sender.on_flushed = self._job.resume
        self._sender.send_message(accept)
        address = show_address(request.getClientAddress())
        self._viewer = server.viewers.join(address, "http", name, self._sender.path, self._kicked)
        self._reading = server.delivery.read_from(self._sender, self._transport, self.received)
        self._is_late = self._was_full = False
        self._timer = Timer(server.clock)
        self._timer.start(ACK_TIMEOUT, self._check_acks)
        self._subscribe(camera, wanted)
        if not self._closing:
            server.viewers.announce(self._viewer)
        self._started = True
        self.received(self._early)

    def _subscribe(self, camera: Camera, wanted: WantedVideo | WantedSound) -> None:
        viewer, sender, clock = self._viewer, self._sender, self._server.clock
        self._subscription: LatestSubscription | StreamSubscription | SoundSubscription
        if isinstance(wanted, WantedSound):
            self._subscription = self._server.delivery.make_sound(
                viewer,
                camera.stream,
                wanted.wants,
                sender,
                wanted.serializer,
                lambda track: sender.send_message(sound_description(track)),
                window=WINDOW,
            )
        elif not wanted.codecs:
            self._subscription = LatestSubscription(
                viewer, camera.hub, sender, clock, wanted.fps, window=WINDOW
            )
        else:
            self._subscription = StreamSubscription(
                viewer,
                camera.stream,
                wanted.wants,
                sender,
                clock,
                wanted.fps,
                window=WINDOW,
                on_track=lambda track: self._on_track(track, wanted.container),
            )
        self._subscription.start()

    def _on_track(self, track: Track, container: Container) -> None:
        """Describe the packets that follow."""
        try:
            messages = track_messages(track, container)
        except ValueError as error:
            self._end(1011, f"the camera's video is not valid: {error}")
        else:
            self._sender.send_message(messages)

    def received(self, data: bytes) -> None:
        """Handle acknowledgements, and keep other data until the scheduler runs the job."""
        if self._closing:
            return
        if not self._started:
            self._early += data
            return
        seq, others = self._acks.feed(data)
        if seq is not None:
            self._acknowledge(seq)
        if others:
            self._input.add(others)
            self._job.add()

    def _acknowledge(self, seq: int) -> None:
        if self._subscription.waits_for(seq):
            self._is_late = False
        self._subscription.acknowledge(seq)

    def _step(self) -> StepResult:
        """Handle one message, or parse some more bytes."""
        if self._closing:
            return StepResult.DONE
        if self._sender.queued_bytes() > HIGH_WATER:
            return StepResult.BLOCKED
        try:
            event = self._input.take()
            if event is not None:
                self._on_event(event)
            elif not self._input.parse():
                return StepResult.DONE
        except (ProtocolError, ValueError, KeyError, TypeError, RecursionError):
            self._end(1002)
        return StepResult.MORE

    def _hold(self, is_held: bool) -> None:
        """Stop or resume reading from the browser."""
        self._reading.hold(is_held)

    def read_closed(self) -> bool:
        """End the connection: without acknowledgements no more frames are sent."""
        return False

    def lost(self) -> None:
        """Clean up after the end of the connection."""
        self._gone = True
        self._timer.cancel()
        self._job.stop()
        self._input.clear()
        self._reading.stop_reading()
        self._subscription.close()
        if not self._closing:
            self._closing = True
            self._server.viewers.leave(self._viewer)

    def close(self) -> None:
        """Close the connection because the server stops."""
        self._end(1001)

    def _kicked(self, reason: str) -> None:
        self._end(1008, reason)

    def _on_ready(self) -> None:
        self._subscription.ready()

    def _on_event(self, event: Event) -> None:
        if isinstance(event, TextMessage):
            self._text += event.data
            if len(self._text) > MAX_MESSAGE:
                raise ValueError("the message is too long")
            if not event.message_finished:
                return
            seq, self._text = _sequence(self._text), ""
            self._acknowledge(seq)
        elif isinstance(event, BytesMessage):
            raise ValueError("no binary message is expected")
        elif isinstance(event, Ping):
            self._sender.send_message(self._protocol.send(event.response()))
        elif isinstance(event, CloseConnection):
            self._end(event.code)

    def _check_acks(self) -> None:
        is_full = self._sender.queued_bytes() > HIGH_WATER
        if is_full and self._was_full:
            self._end(1008, "answers were not read for too long")
            return
        self._was_full = is_full
        if self._is_late and self._subscription.waits:
            self._end(1008, "nothing was acknowledged for too long")
            return
        self._is_late = self._subscription.waits
        self._timer.start(ACK_TIMEOUT, self._check_acks)

    def _end(self, code: int, reason: str | None = None) -> None:
        """Send a close message and close the connection."""
        if self._closing:
            return
        if self._protocol.state in (ConnectionState.OPEN, ConnectionState.REMOTE_CLOSING):
            code = 1000 if code == 1005 else code
            self._sender.send_message(self._protocol.send(CloseConnection(code, reason)))
        self._closing = True
        self._timer.cancel()
        if self._job.is_held:
            self._hold(False)
        self._job.stop()
        self._reading.stop_reading()
        self._server.viewers.leave(self._viewer)
        self._subscription.finish(self._transport.loseConnection)
        # A browser that does not read would keep the connection open without end.
        self._server.clock.callLater(CLOSE_TIMEOUT, self._abort)

    def _abort(self) -> None:
        if not self._gone:
            self._transport.abortConnection()


def _sequence(text: str) -> int:
    """Return SEQ of ``{"ack": SEQ}``."""
    sequence = json.loads(text)["ack"]
    if not isinstance(sequence, int):
        raise ValueError("ack must be a number")
    return sequence
