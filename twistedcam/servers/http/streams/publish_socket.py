"""A publisher over a WebSocket: a browser that sends the pictures of its own camera.

The messages are those of the frame protocol, as binary messages. HELLO and JOIN are left out: the
address names the camera, and HTTP has checked the token.
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any

from twisted.internet.interfaces import IPushProducer
from twisted.logger import Logger
from wsproto.connection import Connection, ConnectionState
from wsproto.events import (
    BytesMessage,
    CloseConnection,
    Event,
    Ping,
    TextMessage,
)
from wsproto.utilities import ProtocolError
from zope.interface import implementer

from twistedcam import wire
from twistedcam.delivery.transport_sender import limit_buffer
from twistedcam.errors import BadArgument, BadMessage, WireError
from twistedcam.net.addresses import show_address, source_of
from twistedcam.runtime.scheduler import Job, StepResult
from twistedcam.runtime.timer import Timer
from twistedcam.servers.frames.keepalive import FRAME_LIMIT, KeepAlive
from twistedcam.servers.frames.publish_session import PublishSession
from twistedcam.servers.http.connection.request import HttpRequest, query
from twistedcam.servers.http.connection.takeover import Receiver
from twistedcam.servers.http.streams.websocket import accept_handshake
from twistedcam.servers.http.streams.websocket_input import WebSocketInput
from twistedcam.servers.http.streams.websocket_messages import binary_message

if TYPE_CHECKING:
    from twistedcam.camera import Camera
    from twistedcam.core.server import Server

log = Logger()

#: The maximum size of a message that is no frame, in bytes.
MAX_OTHER = 4096
#: Bytes to read at once, and to parse in one step.
READ_SIZE = 64 * 1024
PIECE = 16 * 1024
#: Steps to run at once when data arrives; the scheduler runs the others.
AT_ONCE = 8
#: Seconds for a browser to receive the reason of the end, and to close its side.
CLOSE_TIMEOUT = 2.0
#: Codes of close messages (RFC 6455, 7.4.1), and the most bytes of a reason.
_NORMAL, _GOING_AWAY, _PROTOCOL_ERROR, _POLICY = 1000, 1001, 1002, 1008
_MAX_REASON = 120
#: The word by which a browser shows that it has opened an earlier connection.
_SESSION = re.compile(r"[A-Za-z0-9_-]{16,64}", re.ASCII)


class PublishSockets:
    """Answers ``/publish/CAMERA`` if a WebSocket is opened."""

    def __init__(self, server: Server) -> None:
        self._server = server
        #: The newest connection to each camera.
        self._newest: dict[str, PublishSocket] = {}

    def get(self, request: HttpRequest, camera: Camera) -> None:
        """Open a WebSocket, and receive the pictures of a camera whose source is ``push:``.

        Raises:
            BadArgument: the handshake or ``session`` is not valid.
        """
        session = query(request, "session")
        if session is not None and not _SESSION.fullmatch(session):
            raise BadArgument("session must have 16 to 64 letters, digits, - and _")
        refusal = "the request is not a valid handshake of a WebSocket"
        protocol, accept = accept_handshake(request, refusal)
        before = self._newest.get(camera.name)
        if before is not None and (session is None or before.session != session):
            before = None
        socket = PublishSocket(self._server, request, protocol, session)
        self._newest[camera.name] = socket
        socket.on_lost = lambda: self._forget(camera.name, socket)
        socket.begin(accept, camera, before)

    def _forget(self, camera: str, socket: PublishSocket) -> None:
        if self._newest.get(camera) is socket:
            del self._newest[camera]


class _MessageTransport:
    """Writes each message of the frame protocol as a binary message."""

    def __init__(self, transport: Any) -> None:
        self._transport = transport

    def write(self, data: bytes) -> None:
        self._transport.write(binary_message(data))


@implementer(IPushProducer)
class PublishSocket(Receiver):
    """One publisher over a WebSocket.

    Arguments:
        server: the server of the cameras.
        request: the request that has opened it.
        protocol: the WebSocket, which is open.
        session: the browser's word for its own connections, or None.
    """

    def __init__(
        self, server: Server, request: HttpRequest, protocol: Connection, session: str | None
    ) -> None:
        self.session = session
        self.peer = show_address(request.getClientAddress())
        #: True while the browser does not read.
        self.is_full = False
        #: Called when the connection is lost.
        self.on_lost = lambda: None
        self._server = server
        self._protocol = protocol
        self._raw: Any = request.channel.transport
        self.transport = _MessageTransport(self._raw)
        self._decoder = wire.Decoder()
        self._decoder.max_other = MAX_OTHER
        self._keepalive = KeepAlive(server.clock, self._ping, self.fail, self._current_message)
        self._input = WebSocketInput(protocol, PIECE)
        self._publisher: PublishSession | None = None
        #: True after the close message, and after the end of the connection.
        self._closing = self._gone = False
        self._job = Job(server.scheduler, self._step, self._hold, AT_ONCE)
        self._job.source = source_of(request.getClientAddress())
        request.channel.take_over(self)
        limit_buffer(self._raw, READ_SIZE)
        self._is_producer = True
        self._raw.registerProducer(self, True)
        self._timer = Timer(server.clock)

    def begin(self, accept: bytes, camera: Camera, before: PublishSocket | None) -> None:
        """Send the answer to the handshake, and accept pictures.

        Arguments:
            before: an earlier connection of the same browser, which it has lost.
        """
        self._raw.write(accept)
        self._keepalive.received_at = self._server.clock.seconds()
        self._keepalive.watch(FRAME_LIMIT)
        join = wire.Join("publish", camera.name, window=8, keyframes=True)
        earlier = None if before is None else before._publisher
        try:
            self._publisher = PublishSession(self, self._server, camera, join, earlier)
        except WireError as error:
            self.fail(error)
        if before is not None:
            before.bye()
        if self._closing:  # a listener of the events has ended it
            self._release()

    def received(self, data: bytes) -> None:
        """Keep data until the scheduler runs the job."""
        self._keepalive.received_at = self._server.clock.seconds()
        self._input.add(data)
        self._job.add()

    def read_closed(self) -> bool:
        """End the connection: no picture can follow."""
        return False

    def lost(self) -> None:
        """Clean up after the end of the connection."""
        self._gone = self._closing = True
        self._timer.cancel()
        self._job.stop()
        self._keepalive.close()
        self._decoder.close()
        self._input.clear()
        self._release()
        self.on_lost()

    def close(self) -> None:
        """Close the connection, because the server stops or the token has expired."""
        self._end(_GOING_AWAY, "", wire.Bye().encode())

    def bye(self) -> None:
        """Send BYE and close the connection."""
        self._end(_NORMAL, "", wire.Bye().encode())

    def fail(self, error: WireError) -> None:
        """Send ERROR and close the connection."""
        if self._server.refusals.should_log(self._job.source, f"publish, {error.code}"):
            log.info("{peer}: {code}: {why}", peer=self.peer, code=error.code, why=str(error))
        self._end(_POLICY, str(error), wire.Error(error.code, str(error)).encode())

    def abort(self, reason: str) -> None:
        """Close the connection at once, and log the reason."""
        if self._server.refusals.should_log(self._job.source, "publish, cut"):
            log.info("{peer}: {why}; its connection is closed", peer=self.peer, why=reason)
        self._closing = True
        self._raw.abortConnection()

    # IPushProducer.

    def pauseProducing(self) -> None:
        """Wait: the browser does not read."""
        self.is_full = True

    def resumeProducing(self) -> None:
        """Go on: the browser has read."""
        self.is_full = False
        self._job.resume()

    def stopProducing(self) -> None:
        """Do nothing: ``lost`` follows."""

    # What is received (scheduler.Job).

    def _step(self) -> StepResult:
        """Handle one message, or parse some more bytes."""
        if self._gone:
            return StepResult.DONE
        if self.is_full and not self._closing:
            return StepResult.BLOCKED
        try:
            message = None if self._closing else self._decoder.take()
            if message is not None:
                self._on_message(message)
                return StepResult.MORE
            event = self._input.take()
            if event is not None:
                self._on_event(event)
            elif not self._input.parse():
                return StepResult.DONE
        except WireError as error:
            self.fail(error)
        except ProtocolError as error:
            if self._closing:
                self._raw.loseConnection()
                return StepResult.DONE
            self._end(_PROTOCOL_ERROR, str(error))
        return StepResult.MORE

    def _hold(self, is_held: bool) -> None:
        """Stop or resume reading from the browser."""
        if is_held:
            self._raw.pauseProducing()
        else:
            self._raw.resumeProducing()

    def _on_event(self, event: Event) -> None:
        if isinstance(event, CloseConnection):
            if self._closing:
                self._raw.loseConnection()
            else:
                self._end(event.code)
        elif self._closing:
            return  # the browser has not yet read that this is the end
        elif isinstance(event, BytesMessage):
            self._decoder.add(bytes(event.data))
        elif isinstance(event, TextMessage):
            raise BadMessage("text is not allowed: messages of the frame protocol are binary")
        elif isinstance(event, Ping):
            self._raw.write(self._protocol.send(event.response()))

    def _on_message(self, message: wire.Message) -> None:
        if isinstance(message, wire.Ping):
            self.transport.write(wire.Pong(message.data).encode())
            self.transport.write(wire.clock_ping(time.time()).encode())
        elif isinstance(message, wire.Pong):
            return
        elif isinstance(message, wire.Bye | wire.Error):
            self.bye()
        elif self._publisher is None:
            return
        elif isinstance(message, wire.Ack):
            self._publisher.acknowledge(message.seq)
        else:
            self._publisher.received(message)

    def _ping(self) -> None:
        self.transport.write(wire.Ping().encode())

    def _current_message(self) -> int | None:
        return None if self._decoder.is_idle else self._decoder.count

    def _end(self, code: int, reason: str = "", last_message: bytes = b"") -> None:
        """Send a last message and a close message. The connection is closed when both are read.

        What the browser sends meanwhile is discarded: unread data would make the kernel reset the
        connection, and the browser would not receive the reason.
        """
        if self._closing:
            return
        if last_message:
            self.transport.write(last_message)
        self._closing = True
        self._keepalive.end()
        self._release()
        is_open = self._protocol.state is ConnectionState.OPEN
        if is_open or self._protocol.state is ConnectionState.REMOTE_CLOSING:
            code = _NORMAL if code == 1005 else code
            shown = reason.encode()[:_MAX_REASON].decode(errors="ignore")
            self._raw.write(self._protocol.send(CloseConnection(code, shown or None)))
        if self._job.is_held:
            self._hold(False)
        if not is_open:
            self._raw.loseConnection()
        self._timer.start(CLOSE_TIMEOUT, self._raw.abortConnection)

    def _release(self) -> None:
        """Release the camera, and stop being the transport's producer."""
        publisher, self._publisher = self._publisher, None
        if publisher is not None:
            publisher.close()
        if self._is_producer:
            self._is_producer = False
            self._raw.unregisterProducer()
