"""The protocol of connections to the RTSP port, and its factory."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import (
    IAddress,
    IHalfCloseableProtocol,
    IPushProducer,
    ISSLTransport,
)
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from twistedcam.auth import Grant, TokenSession
from twistedcam.auth.password_login import PasswordLogin
from twistedcam.delivery.local import InputHandle
from twistedcam.delivery.sender import HIGH_WATER, MAX_QUEUED, Sender
from twistedcam.delivery.transport_sender import limit_buffer
from twistedcam.errors import TooMany
from twistedcam.net.addresses import show_address
from twistedcam.net.connections import Connections, ManagedConnection, send_without_delay
from twistedcam.rtsp.messages import (
    BadRtsp,
    InterleavedFrame,
    RtspDecoder,
    RtspHeaders,
    RtspMessage,
    RtspRequest,
    RtspResponse,
    RtspTooLarge,
)
from twistedcam.rtsp.rtp_frame import interleaved
from twistedcam.runtime.scheduler import Job, StepResult
from twistedcam.servers.rtsp.methods import SERVER, RtspMethods, as_reason
from twistedcam.servers.rtsp.session import RtspServerSession
from twistedcam.servers.rtsp.streams import RtspStreams

if TYPE_CHECKING:
    from twistedcam.core.server import Server

log = Logger()

#: Bytes of one read from a client, and of the body of a request at most.
READ_SIZE = 4096
MAX_BODY = 4096
#: Seconds until the first request that is answered, and of silence without a session.
FIRST_LIMIT = 10.0
IDLE_LIMIT = 60.0
#: Requests of a client that are handled at once; the scheduler runs the others.
AT_ONCE = 4


@implementer(IHalfCloseableProtocol, IPushProducer)
class RtspProtocol(ManagedConnection, Protocol):
    """One connection to the RTSP port.

    Requests are answered one after the other. Nothing more is read from a client meanwhile, nor
    while it does not read its answers.
    """

    factory: RtspFactory
    transport: Any

    def __init__(self, factory: RtspFactory) -> None:
        self.factory = factory
        self.peer = ""
        #: The session that was made on this connection; None if there is none.
        self.session: RtspServerSession | None = None
        #: The rights of the last login; None before it.
        self.grant: Grant | None = None
        self._methods = RtspMethods(self, factory.server, factory.login, factory.streams)
        self._decoder = RtspDecoder(max_body=MAX_BODY)
        self._chunks: deque[bytes] = deque()
        self._messages: Iterator[RtspMessage] | None = None
        self._job = Job(factory.server.scheduler, self._step, self._hold, AT_ONCE)
        self._answering: Deferred[None] | None = None
        self._token_session: TokenSession | None = None
        #: What has the transport while a session plays, and a worker's part that reads from it.
        self._sender: Sender | None = None
        self._input: InputHandle | None = None
        #: The camera of the last login.
        self._viewed: str | None = None
        self._is_producer = False
        self._is_full = False
        self._is_half_closed = False
        self._is_over = False

    @property
    def is_over(self) -> bool:
        """True if the connection is closed or being closed."""
        return self._is_over

    @property
    def is_tls(self) -> bool:
        """True if the connection is encrypted."""
        return bool(ISSLTransport.providedBy(self.transport))

    def connectionMade(self) -> None:
        self.peer = show_address(self.transport.getPeer())
        send_without_delay(self.transport)
        try:
            self._register(has_to_join=True, port="rtsp")
        except TooMany as error:
            self._fail(453, str(error))
            return
        limit_buffer(self.transport, READ_SIZE)
        self._own_transport()
        self._deadline.start(FIRST_LIMIT, self._on_silent, FIRST_LIMIT)

    def dataReceived(self, data: bytes) -> None:
        if self._is_over:
            return
        if self.session is not None and self.session.is_interleaved:
            self.session.note_alive()
        self._chunks.append(data)
        self._job.add()

    def readConnectionLost(self) -> None:
        """Close the connection, unless it carries a session that plays."""
        self._is_half_closed = True
        session = self.session
        if (
            self._is_over
            or session is None
            or session.state != "playing"
            or not session.is_interleaved
        ):
            self.transport.loseConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Release all that is held for this connection."""
        self._is_over = True
        self._disown_transport()
        self._unregister()
        self._chunks.clear()
        self._messages = None
        if self._answering is not None:
            self._answering.cancel()
        if self._token_session is not None:
            self._token_session.close()
            self._token_session = None
        session, self.session = self.session, None
        if session is not None:
            self._lose_session(session)
        if self._sender is not None:
            self._sender.close()
            self._sender = None

    def end(self, reason: str) -> None:
        """End the session, send what was begun, and close the connection."""
        if self._is_over:
            return
        self._begin_end()
        session, self.session = self.session, None
        if session is None:
            self._close()
        else:
            session.carrier = None
            session.end(reason, self._close)

    # session.Carrier

    def make_sender(self, channel: int, on_ready: Callable[[], None]) -> Sender:
        self._disown_transport()
        delivery = self.factory.server.delivery
        sender = delivery.make_sender(
            self.transport, interleaved(channel), on_ready, self._on_refused
        )
        sender.on_flushed = self._job.resume
        self._sender = sender
        self._input = delivery.read_all(sender, self.dataReceived, self.readConnectionLost)
        return sender

    def on_session_ended(self, reason: str) -> None:
        self.session = None
        if self._is_over:
            return
        if self._is_logged("RTSP, session"):
            log.info("{peer}: its RTSP session is ended: {why}", peer=self.peer, why=reason)
        self._begin_end()
        self._close()

    def reclaim_transport(self) -> None:
        """Write to the transport again: its sender has finished."""
        self._sender = self._input = None
        if not self._is_over:
            self._own_transport()
            limit_buffer(self.transport, READ_SIZE)

    def log_in(self, grant: Grant, camera: str) -> None:
        """Note what the client may do, as long as its token says so."""
        self._joined()
        self._deadline.start(IDLE_LIMIT, self._on_silent, IDLE_LIMIT)
        if (grant, camera) == (self.grant, self._viewed):
            return
        self.grant, self._viewed = grant, camera
        if self._token_session is not None:
            self._token_session.close()
        rights = grant.watching_rights(camera)
        self._token_session = self.factory.server.authenticator.open_session(
            grant, lambda now: now.allows_all(rights, camera), lambda why: self.end(str(why))
        )

    # Received messages (scheduler.Job).

    def _step(self) -> StepResult:
        if self._is_over:
            return StepResult.DONE
        if self._answering is not None or self._has_to_wait():
            return StepResult.BLOCKED
        try:
            message = self._next_message()
        except BadRtsp as error:
            self._fail(413 if isinstance(error, RtspTooLarge) else 400, str(error))
            return StepResult.DONE
        if message is None:
            return StepResult.DONE
        if isinstance(message, RtspRequest):
            self._answer(message)
        elif isinstance(message, InterleavedFrame):
            self._on_interleaved(message)
        return StepResult.MORE

    def _next_message(self) -> RtspMessage | None:
        """Return the next message that has arrived whole, or None.

        Raises:
            BadRtsp: the client sends something else.
        """
        while True:
            if self._messages is not None:
                for message in self._messages:
                    return message
                self._messages = None
                if self._decoder.skipped:
                    raise BadRtsp("this is an RTSP port, and a request is not RTSP")
            if not self._chunks:
                return None
            self._messages = self._decoder.feed(self._chunks.popleft())

    def _on_interleaved(self, frame: InterleavedFrame) -> None:
        session = self.session
        is_known = session is not None and session.on_interleaved(frame.channel, frame.data)
        if not is_known and self._is_logged("RTSP, channel"):
            log.info(
                "{peer}: a packet on channel {channel}, which is not set up, is ignored",
                peer=self.peer,
                channel=frame.channel,
            )

    def _answer(self, request: RtspRequest) -> None:
        answering = Deferred.fromCoroutine(self._methods.answer(request))
        self._answering = answering
        answering.addCallbacks(self._on_answered, self._on_internal_error)

    def _on_answered(self, _: object) -> None:
        self._answering = None
        if not self._is_over:
            if self.grant is not None:
                self._deadline.start(IDLE_LIMIT, self._on_silent, IDLE_LIMIT)
            self._job.resume()

    def _on_internal_error(self, why: Failure) -> None:
        self._answering = None
        if why.check(CancelledError) is None:  # it is cancelled when the connection is lost
            if self._is_logged("RTSP, internal"):
                log.failure("{peer}: internal error in a request", failure=why, peer=self.peer)
            self._fail(500, "an internal error")

    def respond(self, response: bytes) -> None:
        """Send a response, after the packet that is being sent."""
        if self._is_over:
            return
        session = self.session
        if session is None or not session.send(response):
            self.transport.write(response)
        elif session.queued_bytes() > MAX_QUEUED:
            self.end("it does not read")

    def _has_to_wait(self) -> bool:
        """True while the client does not read its answers."""
        session = self.session
        if session is not None and session.state == "playing" and session.is_interleaved:
            return session.queued_bytes() > HIGH_WATER
        return self._is_full

    def _hold(self, is_held: bool) -> None:
        """Stop or resume reading from the client."""
        if self._is_half_closed or self._is_over:
            return
        if self._input is not None:
            self._input.hold(is_held)
        elif is_held:
            self.transport.pauseProducing()
        else:
            self.transport.resumeProducing()

    def _fail(self, status: int, reason: str) -> None:
        """Answer with an error that belongs to no request, and close the connection."""
        if self._is_over:
            return
        if self._is_logged(f"RTSP, {status}"):
            log.info("{peer}: {status}: {why}", peer=self.peer, status=status, why=reason)
        headers = RtspHeaders([("Server", SERVER), ("Connection", "close")])
        self.respond(RtspResponse(status, headers, reason=as_reason(reason)).encode())
        self.end(reason)

    def _on_silent(self, limit: float) -> None:
        if self.session is not None:  # it has a limit of its own
            self._deadline.start(IDLE_LIMIT, self._on_silent, IDLE_LIMIT)
            return
        self._fail(408, f"no request came for {limit:g} s")

    def _begin_end(self) -> None:
        self._is_over = True
        self._job.stop()
        self._disown_transport()
        # A client that neither reads nor closes would keep the connection open without end.
        self.factory.connections.closer.abort_later(self.transport)

    def _on_refused(self) -> None:
        """End the session: the worker that was to have the connection cannot open more files."""
        self._input = None
        self.end("a worker process cannot open more files")

    def _close(self) -> None:
        if self in self.factory.connections:  # the connection may be lost meanwhile
            self._close_gracefully()

    def _lose_session(self, session: RtspServerSession) -> None:
        """End a session with its connection, unless its packets go over UDP."""
        session.carrier = None
        if session.state != "playing" or session.is_interleaved or self.grant is None:
            session.lose()
            return
        session.go_on_alone(self.transport.getPeer(), self.grant)

    # IPushProducer, while no sender is the transport's producer.

    def pauseProducing(self) -> None:
        """Wait: the client does not read."""
        self._is_full = True

    def resumeProducing(self) -> None:
        """Go on: the client has read."""
        self._is_full = False
        self._job.resume()

    def stopProducing(self) -> None:
        """Do nothing: connectionLost follows."""

    def _own_transport(self) -> None:
        if not self._is_producer:
            self._is_producer = True
            self.transport.registerProducer(self, True)

    def _disown_transport(self) -> None:
        self._is_full = False
        if self._is_producer:
            self._is_producer = False
            self.transport.unregisterProducer()


class RtspFactory(Factory[RtspProtocol]):
    """Makes the protocols of the RTSP port.

    Arguments:
        server: the server of the cameras.
        reactor: opens UDP ports, and measures timeouts.
    """

    noisy = False

    def __init__(self, server: Server, reactor: Any) -> None:
        self.server = server
        self.login = PasswordLogin(server.authenticator, reactor)
        self.streams = RtspStreams(server, reactor)
        self.connections: Connections[RtspProtocol] = Connections(
            reactor, server.connection_limiter, server.refusals
        )

    def buildProtocol(self, addr: IAddress | None) -> RtspProtocol:
        return RtspProtocol(self)

    def close(self) -> Deferred[None]:
        """End all sessions and connections. Fires when the connections are closed."""
        for connection in self.connections:
            connection.end("the server is stopping")
        self.streams.close()
        return self.connections.when_empty()
