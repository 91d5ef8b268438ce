"""Pictures over a WebSocket: each is acknowledged, so a slow line delays none and skips some."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
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

from twistedcam.delivery import Subscription, choose_sender
from twistedcam.delivery.sender import HIGH_WATER
from twistedcam.delivery.transport_sender import limit_buffer
from twistedcam.errors import BadArgument
from twistedcam.media.frame import Frame
from twistedcam.net.addresses import show_address, source_of
from twistedcam.runtime.scheduler import Job, Progress
from twistedcam.runtime.timer import Timer
from twistedcam.servers.http.connection.request import HttpRequest, requested_camera
from twistedcam.servers.http.streams.mjpeg import wanted_fps

if TYPE_CHECKING:
    from twistedcam.camera import Camera
    from twistedcam.core.server import Server

#: Pictures on their way at once: two, so that the next is there while one is being drawn.
WINDOW = 2
#: Bytes of a message from a browser; all that it has to say is a number.
MAX_MESSAGE = 1024
#: Bytes that are read at once, and that are looked at in one step.
READ_SIZE = 4096
PIECE = 1024
#: Steps that are taken as soon as something comes; the scheduler runs the others.
AT_ONCE = 6
#: Seconds that a browser may take to read what is under way before its connection is cut.
GOODBYE_TIMEOUT = 1.0
#: A browser that has acknowledged nothing for this many seconds, or up to twice as many, is gone.
ACK_TIMEOUT = 5.0
_HEADER = struct.Struct("!QQ")
_BINARY = 0x82  # FIN, opcode 2 (RFC 6455, 5.2)


def websocket_message(frame: Frame) -> bytes:
    """A frame as one binary message: sequence number, time of capture in µs (u64 each), JPEG.

    Made by hand and not by wsproto because messages from a server are not masked (RFC 6455,
    5.1): these bytes are the same for every viewer, and are made once.
    """
    size = _HEADER.size + len(frame.jpeg)
    if size < 126:
        head = struct.pack("!BB", _BINARY, size)
    elif size < 1 << 16:
        head = struct.pack("!BBH", _BINARY, 126, size)
    else:
        head = struct.pack("!BBQ", _BINARY, 127, size)
    return b"".join([head, _HEADER.pack(frame.seq, frame.time_us), frame.jpeg])


class WebSockets:
    """Answers ``/live``."""

    def __init__(self, server: Server) -> None:
        self.server = server

    def get(self, request: HttpRequest, camera: str | None = None) -> None:
        """Begin to show a camera.

        Raises:
            NoSuchCamera, BadArgument: as they say; so is a request that is no WebSocket's.
        """
        watched = self.server.first_or_named(requested_camera(request, self.server, camera))
        fps = wanted_fps(request)
        handshake = H11Handshake(ConnectionType.SERVER)
        try:
            if (request.method, request.clientproto) != (b"GET", b"HTTP/1.1"):  # RFC 6455, 4.1
                raise ValueError("a WebSocket begins with GET, over HTTP/1.1")
            handshake.initiate_upgrade_connection(_handshake(request), request.uri.decode("ascii"))
        except (ProtocolError, ValueError):
            raise BadArgument("this address is for WebSockets; /stream is for all others") from None
        accept = handshake.send(AcceptConnection())
        assert handshake.connection is not None
        WebSocketSession(self.server, request, handshake.connection, accept, watched, fps)


def _handshake(request: HttpRequest) -> list[tuple[bytes, bytes]]:
    """The headers that a WebSocket begins with (RFC 6455, 4.1), and no others."""
    return [
        (name, value)
        for name, values in request.requestHeaders.getAllRawHeaders()
        if name.lower() in (b"host", b"connection", b"upgrade")
        or name.lower().startswith(b"sec-websocket-")
        for value in values
    ]


class WebSocketSession:
    """One who watches over a WebSocket (channel.Receiver)."""

    def __init__(
        self,
        server: Server,
        request: HttpRequest,
        protocol: Connection,
        accept: bytes,
        camera: Camera,
        fps: float | None,
    ) -> None:
        self._server = server
        self._protocol = protocol
        self._transport: Any = request.channel.transport
        self._begun = False
        #: Whether goodbye was said, and whether the connection is gone.
        self._over = self._gone = False
        #: What has come, and what is found in the part of it that was looked at.
        self._pending = bytearray()
        self._events: Iterator[Event] = iter(())
        #: What has come of a message.
        self._text = ""
        self._job = Job(server.scheduler, self._step, self._hold, AT_ONCE)
        self._job.source = source_of(request.getClientAddress())
        request.channel.take_over(self)
        limit_buffer(self._transport, READ_SIZE)
        self._sender = choose_sender(
            self._transport, websocket_message, self._on_ready, server.clock
        )
        self._sender.on_flushed = self._job.resume
        self._sender.send_message(accept)
        address = show_address(request.getClientAddress())
        self._viewer = server.viewers.join(
            address, "http", camera.name, self._sender.path, self._kicked
        )
        self._subscription = Subscription(
            self._viewer, camera.hub, self._sender, server.clock, fps, window=WINDOW
        )
        self._subscription.begin()
        self._is_late = False
        self._was_full = False
        self._timer = Timer(server.clock)
        self._timer.start(ACK_TIMEOUT, self._check_acks)
        server.viewers.announce(self._viewer)
        self._begun = True
        if self._pending:
            self._job.add()

    def received(self, data: bytes) -> None:
        """Acknowledgements, pings, and the end (channel.Receiver)."""
        if self._over:
            return
        self._pending += data
        if self._begun:
            self._job.add()

    def _step(self) -> Progress:
        """Deal with one message, or look at some more bytes."""
        if self._over:
            return Progress.DONE
        if self._sender.queued_bytes() > HIGH_WATER:
            return Progress.BLOCKED
        try:
            event = next(self._events, None)
            if event is not None:
                self._happened(event)
            elif self._pending:
                self._protocol.receive_data(bytes(self._pending[:PIECE]))
                del self._pending[:PIECE]
                self._events = self._protocol.events()
            else:
                return Progress.DONE
        except (ProtocolError, ValueError, KeyError, TypeError, RecursionError):
            self._end(1002)
        return Progress.MORE

    def _hold(self, is_held: bool) -> None:
        """Whether what comes is left unread."""
        if is_held:
            self._transport.pauseProducing()
        else:
            self._transport.resumeProducing()

    def read_closed(self) -> bool:
        """Without acknowledgements no more pictures are sent (channel.Receiver)."""
        return False

    def lost(self) -> None:
        """The connection is gone (channel.Receiver)."""
        self._gone = True
        self._timer.cancel()
        self._job.stop()
        self._pending.clear()
        self._subscription.end()
        if not self._over:
            self._over = True
            self._server.viewers.leave(self._viewer)

    def close(self) -> None:
        """The server ends (channel.Receiver)."""
        self._end(1001)

    def _kicked(self, reason: str) -> None:
        self._end(1008, reason)

    def _on_ready(self) -> None:
        self._subscription.ready()

    def _happened(self, event: Event) -> None:
        if isinstance(event, TextMessage):
            self._text += event.data
            if len(self._text) > MAX_MESSAGE:
                raise ValueError("too long")
            if not event.message_finished:
                return
            seq, self._text = _sequence(self._text), ""
            if self._subscription.waits_for(seq):
                self._is_late = False
            self._subscription.acknowledge(seq)
        elif isinstance(event, BytesMessage):
            raise ValueError("nothing binary is expected")
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
        """Say goodbye, and close."""
        if self._over:
            return
        if self._protocol.state in (ConnectionState.OPEN, ConnectionState.REMOTE_CLOSING):
            code = 1000 if code == 1005 else code
            self._sender.send_message(self._protocol.send(CloseConnection(code, reason)))
        self._over = True
        self._timer.cancel()
        if self._job.is_held:
            self._hold(False)
        self._job.stop()
        self._server.viewers.leave(self._viewer)
        self._subscription.finish(self._transport.loseConnection)
        # A browser that does not read would keep the connection for ever.
        self._server.clock.callLater(GOODBYE_TIMEOUT, self._abort)

    def _abort(self) -> None:
        if not self._gone:
            self._transport.abortConnection()


def _sequence(text: str) -> int:
    """``{"ack": SEQ}``."""
    sequence = json.loads(text)["ack"]
    if not isinstance(sequence, int):
        raise ValueError("ack has to be a number")
    return sequence
