"""HTTP connections: limits that a server on an open port needs, and a way to take one over."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import (
    IAddress,
    IHalfCloseableProtocol,
    IProtocolNegotiationFactory,
)
from twisted.internet.protocol import connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.http import HTTPFactory, Request
from zope.interface import implementer

from twistedcam.auth import TokenSession
from twistedcam.delivery.transport_sender import lowest_transport
from twistedcam.errors import TooMany, TwistedcamError
from twistedcam.net.addresses import shorten, show_address, source_of, without_token
from twistedcam.net.connections import Connections, ManagedConnection
from twistedcam.net.graceful_close import LINGER
from twistedcam.servers.http.connection.error_page import wants_page, with_page
from twistedcam.servers.http.connection.half_closed import PeerWatch
from twistedcam.servers.http.connection.pipeline import BUFFER, PipelinedChannel
from twistedcam.servers.http.connection.plain_on_tls import answer_plain_http
from twistedcam.servers.http.connection.reply import (
    REFUSALS,
    Reply,
    error_reply,
    json_reply,
    raw_answer,
)
from twistedcam.servers.http.connection.request import HttpRequest
from twistedcam.servers.http.connection.stall import StallWatch

if TYPE_CHECKING:
    from twistedcam.core.server import Server

log = Logger()

#: Seconds from the first byte of a request to its last; a slower client is cut off.
REQUEST_TIMEOUT = 15.0
#: Seconds that a connection may stay open between two requests.
IDLE_TIMEOUT = 60
MAX_HEADERS = 100
MAX_HEADER_BYTES = 16 * 1024


class Receiver(Protocol):
    """What takes a connection over from HTTP."""

    def received(self, data: bytes) -> None:
        """The client sent this."""

    def read_closed(self) -> bool:
        """The client sends no more; whether the connection goes on all the same."""

    def lost(self) -> None:
        """The connection is gone."""

    def close(self) -> None:
        """The server ends: end the connection."""


@implementer(IHalfCloseableProtocol)
class HttpConnection(ManagedConnection, PipelinedChannel):
    """One connection.

    A client that is slow with a request, or takes nothing of an answer, is cut off. One that has
    closed its own half of the connection gets its answers. ``take_over`` gives the connection to
    somebody else, who writes to the transport without HTTP in between.
    """

    requestFactory = HttpRequest
    maxHeaders = MAX_HEADERS
    totalHeadersSize = MAX_HEADER_BYTES
    factory: HttpFactory

    def __init__(self) -> None:
        super().__init__()
        #: Why the connection is refused; its first request is answered with it.
        self.refused: TwistedcamError | None = None
        self._receiver: Receiver | None = None
        self._read_closed = False
        self._peer_watch: PeerWatch | None = None
        #: Who asks: the transport's peer, or the client behind a proxy that is trusted.
        self.peer: Any = None
        self._token_session: TokenSession | None = None

    def connectionMade(self) -> None:
        """Begin to wait for the first request."""
        lowest_transport(self.transport).bufferSize = BUFFER
        peer = self.peer = self.transport.getPeer()
        self._watch = StallWatch(self.transport, self.factory.reactor)
        super().connectionMade()
        answer_plain_http(self.transport, self._refuse_plain)
        is_proxy = self.factory.server.proxies.trusts(peer)
        try:
            self._register(is_proxy=is_proxy)
        except TooMany as error:
            self._turn_away(error)
        else:
            self._expect_request()
        if is_proxy:  # what it asks for several clients does not count as one client's
            self._job.source = show_address(peer)

    def dataReceived(self, data: bytes) -> None:
        """Pass it to the receiver, or keep it until it is parsed."""
        if self._receiver is not None:
            self._receiver.received(data)
            return
        if not self.over:
            self.feed(data)

    def lineLengthExceeded(self, line: bytes) -> None:
        """Twisted's own way is to close without a word."""
        self._respondToBadRequestAndDisconnect()

    def _respondToBadRequestAndDisconnect(self) -> None:
        """Twisted's own way is a 400 without a word."""
        self.refuse(400, "this is not a request that HTTP allows, or its head is too long")

    def _send100Continue(self) -> None:
        if not self.over:
            super()._send100Continue()

    def allContentReceived(self) -> None:
        """The request is complete."""
        self._deadline.cancel()
        super().allContentReceived()

    def requestDone(self, request: Request) -> None:
        """The answer is complete, and on its way."""
        self.hold(None)
        super().requestDone(request)

    def _begins(self) -> None:
        if not self._deadline.is_pending:
            self._expect_request()

    def _failed(self) -> None:
        if self._is_logged("HTTP parser"):
            log.failure("{peer}: a request failed", peer=show_address(self.peer))
        self.transport.abortConnection()

    def readConnectionLost(self) -> None:
        """The client sends no more (IHalfCloseableProtocol); its requests are still answered."""
        self._read_closed = True
        if self._receiver is not None and not self._receiver.read_closed():
            self.transport.abortConnection()
        elif self._receiver is None and self.over:
            self.transport.loseConnection()  # both sides have said all
        else:
            if self._peer_watch is None:
                self._peer_watch = PeerWatch(self.transport, self.factory.reactor)
            self._rests()

    def _rests(self) -> None:
        """End a connection on which nothing more comes, behind the last answer."""
        if not self._read_closed or self._input or self._answering or self.over:
            return
        if self.requests or self.clearLineBuffer():  # a head or a body that has no end
            self.refuse(400, "the request is not complete")
        else:
            self.end()

    def timeoutConnection(self) -> None:
        """End a connection that is idle. Twisted logs each of them."""
        self._abortingCall = self.callLater(self.abortTimeout, self.forceAbortClient)
        self.loseConnection()

    def forceAbortClient(self) -> None:
        """End a connection that a client keeps open though it was ended."""
        self._abortingCall = None
        self.transport.abortConnection()

    def loseConnection(self) -> None:
        """End the connection behind what was written."""
        if self._input and not self.over:
            self._part()  # what came behind the last request would make a reset of it
        else:
            self._stop_work()
            super().loseConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Forget this connection."""
        self._stop_work()
        self._unregister()
        self.hold(None)
        if self._peer_watch is not None:
            self._peer_watch.end()
        self._watch.end()
        super().connectionLost(reason)
        receiver, self._receiver = self._receiver, None
        if receiver is not None:
            receiver.lost()

    def find_client(self, request: Request) -> Any:
        """Who asks for this: the peer, or the client that a trusted proxy names.

        From now on the connection counts against that address. Where it has too many already it
        is refused.
        """
        proxies, peer = self.factory.server.proxies, self.transport.getPeer()
        if proxies.trusts(peer):
            # As bytes: Twisted raises UnicodeDecodeError for text that is no UTF-8.
            named = request.requestHeaders.getRawHeaders(b"X-Forwarded-For") or []
            self.peer = proxies.client_of(peer, [value.decode("latin-1") for value in named])
            self._job.source = source_of(self.peer)
            try:
                if self._admission is not None:
                    self._admission.count_for(self.peer)
            except TooMany as error:
                self.refused = error
                self.refuse_connection()
        return self.peer

    def hold(self, session: TokenSession | None) -> None:
        """Keep what a token has opened until the answer is complete, or the connection gone."""
        if self._token_session is not None:
            self._token_session.close()
        self._token_session = session

    def cut(self) -> None:
        """End the connection now, whatever is under way: its token has ended."""
        if self._receiver is not None:
            self._receiver.close()
        else:
            self.transport.abortConnection()

    def refuse(self, status: int, message: str) -> None:
        """Answer with an error, and read no more."""
        reply = json_reply({"code": REFUSALS[status], "message": message}, status)
        self._refuse(reply, message)

    def refuse_connection(self) -> None:
        """Answer a connection for which there is no room."""
        assert self.refused is not None
        self._refuse(error_reply(self.refused), str(self.refused))

    def _refuse(self, reply: Reply, why: str) -> None:
        if self.over:
            return
        if self._is_logged(f"HTTP {reply.status}"):
            peer, status = show_address(self.peer), reply.status
            log.info("{peer}: refused: {status} {why}", peer=peer, status=status, why=why)
        headers = self.requests[-1].requestHeaders if self.requests else None
        if headers is not None and wants_page(headers.getRawHeaders(b"Accept")):
            reply = with_page(reply)
        self.transport.write(raw_answer(reply))
        self._part()

    def _refuse_plain(self, answer: bytes) -> None:
        """Answer a client that speaks HTTP without TLS on a port for TLS, below TLS."""
        bottom = lowest_transport(self.transport)
        if self._is_logged("HTTP without TLS"):
            log.info("{peer}: refused: no TLS", peer=show_address(bottom.getPeer()))
        self._stop_work()
        bottom.write(answer)
        bottom.loseConnection()

    def _turn_away(self, error: TooMany) -> None:
        """Refuse the connection: in the form that its first request asks for, if it comes soon."""
        self.refused = error
        if self.factory.connections.closer.reserve(self.transport):
            self._deadline.start(LINGER, self.refuse_connection)
        else:
            self.refuse_connection()

    def _part(self) -> None:
        """End the connection behind what was written, and throw away what still comes."""
        self._stop_work()
        self.setTimeout(None)
        self.transport.unregisterProducer()
        self._close_gracefully()

    def take_over(self, receiver: Receiver) -> None:
        """From now on the connection is the receiver's, and HTTP has no part in it."""
        self.setTimeout(None)
        self._watch.end()  # the receiver has its own way to find that out
        self.transport.unregisterProducer()
        vars(lowest_transport(self.transport)).pop("bufferSize", None)  # the class's own
        self.transport.resumeProducing()
        self._receiver = receiver
        self.requests.clear()  # a viewer stays for hours, and its request is a third of its memory
        early = self._behind_the_request() + bytes(self._input)
        self._stop_work()
        if early:  # the receiver is not complete yet
            self.factory.reactor.callLater(0, self._pass_on, early)

    def _pass_on(self, data: bytes) -> None:
        if self._receiver is not None:
            self._receiver.received(data)

    def end(self) -> None:
        """End the connection, behind what is under way."""
        if self._receiver is not None:
            self._receiver.close()
        else:
            self._stop_work()
            self._deadline.cancel()
            super().loseConnection()

    def _expect_request(self) -> None:
        self._deadline.start(REQUEST_TIMEOUT, self._too_slow)

    def _too_slow(self) -> None:
        self.refuse(408, f"the request was not complete after {REQUEST_TIMEOUT:g} seconds")


@implementer(IProtocolNegotiationFactory)
class HttpFactory(HTTPFactory):
    """Makes HTTP connections.

    Arguments:
        answer: answers a request that is complete.
        server: has the clock, the limits and the proxies that are trusted.
    """

    noisy = False
    protocol = HttpConnection  # type: ignore[assignment]

    def __init__(
        self,
        answer: Callable[[HttpRequest], None],
        server: Server,
    ) -> None:
        super().__init__(timeout=IDLE_TIMEOUT, reactor=server.clock)
        self.answer = answer
        self.server = server
        self.connections: Connections[HttpConnection] = Connections(
            server.clock, server.connection_limiter, server.refusals
        )

    def buildProtocol(self, addr: IAddress | None) -> Any:
        """One for each connection."""
        return super().buildProtocol(addr)

    def acceptableProtocols(self) -> list[bytes]:
        """Over TLS browsers ask, and go away where no answer is theirs (RFC 7301)."""
        return [b"http/1.1"]

    def startFactory(self) -> None:
        """No access log of its own: see ``log``."""

    def stopFactory(self) -> None:
        """Nothing to close."""

    def log(self, request: Request) -> None:
        """One line of the program's log, for who wants it."""
        log.debug(
            "{peer} {method} {uri} {status} {bytes} bytes",
            peer=show_address(request.getClientAddress()),
            method=request.method.decode("ascii", "replace"),
            uri=shorten(without_token(request.uri)),
            status=request.code,
            bytes=request.sentLength,
        )

    def close(self) -> Deferred[None]:
        """End all connections; fires when they are gone."""
        for connection in self.connections:
            connection.end()
        return self.connections.when_empty()
