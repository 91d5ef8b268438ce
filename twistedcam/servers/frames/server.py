"""The protocol of connections to the frame port, and its factory."""

from __future__ import annotations

import struct
import time
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import (
    IAddress,
    IHalfCloseableProtocol,
    IPushProducer,
    IReactorTime,
)
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from twistedcam import wire
from twistedcam.auth import TokenSession
from twistedcam.delivery.transport_sender import limit_buffer
from twistedcam.errors import BadMessage, Unauthorized, WireError
from twistedcam.net.addresses import show_address
from twistedcam.net.connections import Connections, ManagedConnection, send_without_delay
from twistedcam.runtime.scheduler import Job, StepResult
from twistedcam.servers.frames.admission import admit, hello, right_of
from twistedcam.servers.frames.keepalive import FRAME_LIMIT, MESSAGE_LIMIT, KeepAlive
from twistedcam.servers.frames.publish_session import PublishSession
from twistedcam.servers.frames.session import FrameSession
from twistedcam.servers.frames.view_session import ViewSession

if TYPE_CHECKING:
    from twistedcam.camera import Camera
    from twistedcam.core.server import Server

log = Logger()


#: The maximum size of a message, and of one read, before a JOIN was accepted, in bytes.
MAX_UNJOINED = 4096
#: The maximum size of one read from a publisher, in bytes.
READ_SIZE = 64 * 1024
#: Messages of a client that are handled at once; the scheduler runs the others.
AT_ONCE = 8
_ACK_SIZE, _ACK_HEAD, _HEADER_SIZE = wire.ACK_SIZE, wire.ACK_HEAD, wire.HEADER.size
_unpack_ack = struct.Struct(">Q").unpack_from


@implementer(IHalfCloseableProtocol, IPushProducer)
class FrameProtocol(ManagedConnection, Protocol):
    """One connection to the frame port.

    The scheduler runs what a client requests. Nothing more is read from it meanwhile, nor while it
    does not read its answers.
    """

    factory: FrameFactory
    transport: Any

    def __init__(self, factory: FrameFactory) -> None:
        self.factory = factory
        self._seconds = factory.clock.seconds
        self.peer = ""
        #: True while the transport has paused this producer; a viewer has a sender for that.
        self.is_full = False
        self._is_producer = False
        self._decoder = wire.Decoder(factory.max_frame)
        self._decoder.max_other = MAX_UNJOINED
        self._decoder.no_frames = "the first message has to be JOIN"
        self._nonce = wire.new_nonce()
        self._session: FrameSession | None = None
        self._keepalive = KeepAlive(factory.clock, self._ping, self.fail, self._current_message)
        self._job = Job(factory.server.scheduler, self._step, self._hold, AT_ONCE)
        self._sends_clock = False
        self._is_over = False
        #: True if the client has closed its half of the connection.
        self._is_half_closed = False
        self._token_session: TokenSession | None = None
        #: The check of the JOIN.
        self._joining: Deferred[None] | None = None

    def connectionMade(self) -> None:
        self.peer = show_address(self.transport.getPeer())
        send_without_delay(self.transport)
        try:
            self._register(has_to_join=True)
        except WireError as error:
            self.fail(error)
            return
        limit_buffer(self.transport, MAX_UNJOINED)
        self._is_producer = True
        self.transport.registerProducer(self, True)
        self._keepalive.await_join()
        self._send(hello(self.factory.server, self._nonce).encode())

    def dataReceived(self, data: bytes) -> None:
        if self._is_over:
            return
        self._keepalive.received_at = self._seconds()
        session = self._session
        # Most messages are one ACK from each viewer for each frame: they bypass the decoder.
        if (
            session is not None
            and len(data) == _ACK_SIZE
            and data.startswith(_ACK_HEAD)
            and self._decoder.is_idle
        ):
            try:
                session.acknowledge(_unpack_ack(data, _HEADER_SIZE)[0])
            except WireError as error:
                self.fail(error)
            return
        self._decoder.add(data)
        self._job.add()

    def readConnectionLost(self) -> None:
        """Close the connection, unless the client is a viewer, which still receives frames."""
        self._is_half_closed = True
        if self._is_over:
            self.transport.loseConnection()  # both sides have sent everything
        elif self._session is not None:
            self._watch_half()
        elif self._joining is None:
            self._is_over = True
            self._release_transport()
            self.transport.loseConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Release all that is held for this connection."""
        self._is_over = True
        self._unregister()
        self._keepalive.close()
        self._decoder.close()
        self._release_transport()
        if self._joining is not None:
            self._joining.cancel()
        if self._token_session is not None:
            self._token_session.close()
            self._token_session = None
        if self._session is not None:
            self._session.close()
            self._session = None

    def fail(self, error: WireError | Unauthorized) -> None:
        if self._is_logged(f"frame port, {error.code}"):
            log.info("{peer}: {code}: {why}", peer=self.peer, code=error.code, why=str(error))
        self._end(wire.Error(error.code, str(error)).encode())

    def bye(self) -> None:
        self._end(wire.Bye().encode())

    def abort(self, reason: str) -> None:
        """Close the connection at once, and log the reason."""
        if self._is_logged("frame port, cut"):
            log.info("{peer}: {why}; its connection is closed", peer=self.peer, why=reason)
        self._is_over = True
        self._abort()

    def resume(self) -> None:
        self._job.resume()

    def _end(self, last_message: bytes) -> None:
        if self._is_over or self.transport is None:
            return
        self._is_over = True
        self._keepalive.end()
        self._job.stop()
        self._send(last_message)
        self._release_transport()
        # A client that neither reads nor closes would keep the connection open without end.
        self.factory.connections.closer.abort_later(self.transport)
        session, self._session = self._session, None
        if session is not None:
            session.finish(self._close)
        else:
            self._close()

    def _close(self) -> None:
        if self in self.factory.connections:  # a worker may report late that its viewer is gone
            self._close_gracefully()

    def _ping(self) -> None:
        self._send(wire.Ping().encode())

    def _send(self, data: bytes) -> None:
        if self._session is not None:
            self._session.send_message(data)
        elif self.transport is not None:
            self.transport.write(data)

    def _abort(self) -> None:
        abort = getattr(self.transport, "abortConnection", None)
        if self in self.factory.connections and abort is not None:
            abort()

    # Received messages (scheduler.Job).

    def _step(self) -> StepResult:
        if self._is_over:
            return StepResult.DONE
        if self.is_full if self._session is None else self._session.is_full():
            return StepResult.BLOCKED
        try:
            message = self._decoder.take()
            if message is None:
                return StepResult.DONE
            self._received(message)
        except WireError as error:
            self.fail(error)
        return StepResult.MORE

    def _hold(self, is_held: bool) -> None:
        """Stop or resume reading from the client."""
        if self._is_half_closed:
            return
        if self._session is not None:
            self._session.hold(is_held)
        elif is_held:
            self.transport.pauseProducing()
        else:
            self.transport.resumeProducing()

    def _current_message(self) -> int | None:
        return None if self._decoder.is_idle else self._decoder.count

    # IPushProducer, until a sender is the transport's producer.

    def pauseProducing(self) -> None:
        """Wait: the client does not read."""
        self.is_full = True

    def resumeProducing(self) -> None:
        """Go on: the client has read."""
        self.is_full = False
        self.resume()

    def stopProducing(self) -> None:
        """Do nothing: connectionLost follows."""

    def _release_transport(self) -> None:
        """Stop being the transport's producer."""
        self.is_full = False
        if self._is_producer:
            self._is_producer = False
            self.transport.unregisterProducer()

    def _received(self, message: wire.Message) -> None:
        if isinstance(message, wire.Ping):
            self._send(wire.Pong(message.data).encode())
            if self._sends_clock:
                self._send(wire.clock_ping(time.time()).encode())
        elif isinstance(message, wire.Pong):
            pass
        elif isinstance(message, wire.Bye):
            self.bye()
        elif isinstance(message, wire.Error):
            why = " ".join(message.message[:200].split())  # on one line
            if self._is_logged("frame port, gave up"):
                log.info("{peer} closed the connection: {why}", peer=self.peer, why=why)
            self.bye()
        elif self._session is not None:
            if isinstance(message, wire.Ack):
                self._session.acknowledge(message.seq)
            else:
                self._session.received(message)
        elif isinstance(message, wire.Join):
            self._join(message)
        else:
            raise BadMessage("the first message has to be JOIN")

    def _join(self, join: wire.Join) -> None:
        if self._joining is not None:
            raise BadMessage("only one JOIN is allowed")
        self._keepalive.end()
        self._joining = Deferred.fromCoroutine(self._admit(join)).addErrback(self._not_admitted)

    async def _admit(self, join: wire.Join) -> None:
        try:
            peer = self.transport.getPeer()
            camera, grant = await admit(self.factory.server, join, self._nonce, peer)
            if self._is_over:
                return
            right, name = right_of(join), camera.name
            may_listen = grant.allows("listen", name)
            has_sound = any(each in wire.SOUND_CODECS for each in join.codecs)
            rights = grant.watching_rights(name, right, has_sound=has_sound)
            self._token_session = self.factory.server.authenticator.open_session(
                grant, lambda now: now.allows_all(rights, name), self.fail
            )
            self._welcome(join, camera, may_listen)
        except (WireError, Unauthorized) as error:
            self.fail(error)

    def _welcome(self, join: wire.Join, camera: Camera, may_listen: bool) -> None:
        """Begin the session of a viewer or a publisher."""
        is_view = join.role == "view"
        self._keepalive.watch(MESSAGE_LIMIT if is_view else FRAME_LIMIT)
        self._joined()
        self._sends_clock = join.clock
        self._decoder.max_other = wire.MAX_JSON
        server = self.factory.server
        if is_view:
            self._decoder.no_frames = "a viewer cannot send FRAME now"
            self._release_transport()  # the sender is the transport's producer from now on
            self._session = ViewSession(self, server, camera, join, may_listen)
        else:
            self._session = PublishSession(self, server, camera, join)
            self._decoder.no_frames = None
            limit_buffer(self.transport, READ_SIZE)
        self._session.start()
        if self._session is None:
            return  # a listener of the events has closed it
        if self._job.is_held:
            self._session.hold(True)
        if self._is_half_closed:
            self._watch_half()

    def _watch_half(self) -> None:
        assert self._session is not None
        self._session.on_input_closed()
        if not self._is_over:
            self._keepalive.watch_half()

    def _not_admitted(self, why: Failure) -> None:
        if why.check(CancelledError) is None:  # it is cancelled when the connection is lost
            if self._is_logged("frame port, internal"):
                log.failure(
                    "{peer}: internal error in JOIN",
                    failure=why,
                    peer=self.peer,
                )
            self._abort()


class FrameFactory(Factory[FrameProtocol]):
    """Makes the protocols of the frame port.

    Arguments:
        server: the server of the cameras.
        clock: measures timeouts.
        max_frame: the maximum size of a FRAME body from a publisher, in bytes.
    """

    noisy = False

    def __init__(
        self, server: Server, clock: IReactorTime, max_frame: int = wire.MAX_FRAME
    ) -> None:
        self.server = server
        self.clock = clock
        self.max_frame = max_frame
        self.connections: Connections[FrameProtocol] = Connections(
            clock, server.connection_limiter, server.refusals
        )

    def buildProtocol(self, addr: IAddress | None) -> FrameProtocol:
        return FrameProtocol(self)

    def close(self) -> Deferred[None]:
        """Send BYE to all clients. Fires when they are disconnected."""
        for connection in self.connections:
            connection.bye()
        return self.connections.when_empty()
