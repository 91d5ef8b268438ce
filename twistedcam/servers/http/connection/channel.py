"""HTTP connections: their limits, refusals and takeover."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import (
    IHalfCloseableProtocol,
    IProtocolNegotiationFactory,
)
from twisted.internet.protocol import connectionDone
from twisted.logger import Logger
from twisted.protocols.tls import TLSMemoryBIOProtocol
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
from twistedcam.servers.http.connection.pipeline import BUFFER, PipelinedChannel
from twistedcam.servers.http.connection.reply import (
    REFUSALS,
    Reply,
    error_reply,
    json_reply,
    raw_answer,
)
from twistedcam.servers.http.connection.request import HttpRequest
from twistedcam.servers.http.connection.stall import PeerWatch, StallWatch
from twistedcam.servers.http.connection.takeover import Receiver

if TYPE_CHECKING:
    from twistedcam.core.server import Server

log = Logger()

#: Seconds from the first byte of a request to its last.
REQUEST_TIMEOUT = 15.0
#: Most seconds between two requests of a connection.
IDLE_TIMEOUT = 60
MAX_HEADERS = 100
MAX_HEADER_BYTES = 16 * 1024
#: The Host header; a value that is not a plain name is not sent back.
_HOST = re.compile(rb"^host:[ \t]*([a-z0-9._:\[\]-]{1,255})[ \t]*\r?$", re.I | re.M)
_USE_HTTPS = "This port speaks HTTPS, not HTTP: use https://{host}/\n"


@implementer(IHalfCloseableProtocol)
class HttpConnection(ManagedConnection, PipelinedChannel):
    """One connection.

    A client that sends a request slowly or does not read a response is disconnected. One that has
    closed its half of the connection still gets its responses.
    """

    requestFactory = HttpRequest
    maxHeaders = MAX_HEADERS
    totalHeadersSize = MAX_HEADER_BYTES
    factory: HttpFactory

    def __init__(self) -> None:
        super().__init__()
        #: The error for the first request, if the connection is refused.
        self.refused: TwistedcamError | None = None
        self._receiver: Receiver | None = None
        self._read_closed = False
        self._peer_watch: PeerWatch | None = None
        #: The address of the client: the peer, or that named by a trusted proxy.
        self.peer: Any = None
        self._token_session: TokenSession | None = None

    def connectionMade(self) -> None:
        """Wait for the first request."""
        lowest_transport(self.transport).bufferSize = BUFFER
        peer = self.peer = self.transport.getPeer()
        self._stall_watch = StallWatch(self.transport, self.factory.reactor)
        super().connectionMade()
        answer_plain_http(self.transport, self._refuse_plain)
        is_proxy = self.factory.server.proxies.trusts(peer)
        try:
            self._register(is_proxy=is_proxy)
        except TooMany as error:
            self._reject(error)
        else:
            self._expect_request()
        if is_proxy:  # its requests are those of several clients
            self._job.source = show_address(peer)

    def dataReceived(self, data: bytes) -> None:
        """Pass data to the receiver, or keep it until it is parsed."""
        if self._receiver is not None:
            self._receiver.received(data)
            return
        if not self.is_stopped:
            self.feed(data)

    def lineLengthExceeded(self, line: bytes) -> None:
        """Send an error; Twisted only closes the connection."""
        self._respondToBadRequestAndDisconnect()

    def _respondToBadRequestAndDisconnect(self) -> None:
        """Send an error with a message; that of Twisted has none."""
        self.refuse(400, "the request is not valid HTTP, or its head is too long")

    def _send100Continue(self) -> None:
        if not self.is_stopped:
            super()._send100Continue()

    def allContentReceived(self) -> None:
        """Stop the time limit: the request is complete."""
        self._deadline.cancel()
        super().allContentReceived()

    def requestDone(self, request: Request) -> None:
        """End the token session: the response is complete."""
        self.set_token_session(None)
        super().requestDone(request)

    def _on_request_data(self) -> None:
        if not self._deadline.is_pending:
            self._expect_request()

    def _on_parse_failure(self) -> None:
        if self._is_logged("HTTP parser"):
            log.failure("{peer}: a request failed", peer=show_address(self.peer))
        self.transport.abortConnection()

    def readConnectionLost(self) -> None:
        """The client has closed its half (IHalfCloseableProtocol); its requests are answered."""
        self._read_closed = True
        if self._receiver is not None and not self._receiver.read_closed():
            self.transport.abortConnection()
        elif self._receiver is None and self.is_stopped:
            self.transport.loseConnection()  # both halves are finished
        else:
            if self._peer_watch is None:
                self._peer_watch = PeerWatch(self.transport, self.factory.reactor)
            self._on_idle()

    def _on_idle(self) -> None:
        """Close a half-closed connection after the last response."""
        if not self._read_closed or self._input or self._answering or self.is_stopped:
            return
        if self.requests or self.clearLineBuffer():  # an incomplete head or body
            self.refuse(400, "the request is not complete")
        else:
            self.end()

    def timeoutConnection(self) -> None:
        """Close an idle connection, without the log line of Twisted."""
        self._abortingCall = self.callLater(self.abortTimeout, self.forceAbortClient)
        self.loseConnection()

    def forceAbortClient(self) -> None:
        """Abort a connection that the client keeps open."""
        self._abortingCall = None
        self.transport.abortConnection()

    def loseConnection(self) -> None:
        """Close the connection after unsent data."""
        if self._input and not self.is_stopped:
            self._close_and_discard()  # unread data would make the kernel reset the connection
        else:
            self._stop_parsing()
            super().loseConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Clean up."""
        self._stop_parsing()
        self._unregister()
        self.set_token_session(None)
        if self._peer_watch is not None:
            self._peer_watch.end()
        self._stall_watch.end()
        super().connectionLost(reason)
        receiver, self._receiver = self._receiver, None
        if receiver is not None:
            receiver.lost()

    def identify_client(self, request: Request) -> Any:
        """Return the address of the client: the peer, or that named by a trusted proxy.

        From now on the connection counts for that address, and is refused if it has too many.
        """
        proxies, peer = self.factory.server.proxies, self.transport.getPeer()
        if proxies.trusts(peer):
            # As bytes: Twisted raises UnicodeDecodeError for text that is not UTF-8.
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

    def set_token_session(self, session: TokenSession | None) -> None:
        """Set the token session that ends with the response or the connection."""
        if self._token_session is not None:
            self._token_session.close()
        self._token_session = session

    def revoke(self) -> None:
        """Close the connection at once, because its token has expired."""
        if self._receiver is not None:
            self._receiver.close()
        else:
            self.transport.abortConnection()

    def refuse(self, status: int, message: str) -> None:
        """Send an error and close the connection."""
        reply = json_reply({"code": REFUSALS[status], "message": message}, status)
        self._refuse(reply, message)

    def refuse_connection(self) -> None:
        """Send the error of a refused connection and close it."""
        assert self.refused is not None
        self._refuse(error_reply(self.refused), str(self.refused))

    def _refuse(self, reply: Reply, why: str) -> None:
        if self.is_stopped:
            return
        if self._is_logged(f"HTTP {reply.status}"):
            peer, status = show_address(self.peer), reply.status
            log.info("{peer}: refused: {status} {why}", peer=peer, status=status, why=why)
        headers = self.requests[-1].requestHeaders if self.requests else None
        if headers is not None and wants_page(headers.getRawHeaders(b"Accept")):
            reply = with_page(reply)
        self.transport.write(raw_answer(reply))
        self._close_and_discard()

    def _refuse_plain(self, answer: bytes) -> None:
        """Send a response in clear text to a client that does not use TLS."""
        transport = lowest_transport(self.transport)
        if self._is_logged("HTTP without TLS"):
            log.info("{peer}: refused: no TLS", peer=show_address(transport.getPeer()))
        self._stop_parsing()
        transport.write(answer)
        transport.loseConnection()

    def _reject(self, error: TooMany) -> None:
        """Refuse the connection, with a page if its first request comes soon and wants one."""
        self.refused = error
        if self.factory.connections.closer.reserve(self.transport):
            self._deadline.start(LINGER, self.refuse_connection)
        else:
            self.refuse_connection()

    def _close_and_discard(self) -> None:
        """Close the connection after unsent data, and discard what the client still sends."""
        self._stop_parsing()
        self.setTimeout(None)
        self.transport.unregisterProducer()
        self._close_gracefully()

    def take_over(self, receiver: Receiver) -> None:
        """Give the connection to a receiver, which writes to the transport without HTTP."""
        self.setTimeout(None)
        self._stall_watch.end()  # the receiver has its own limits
        self.transport.unregisterProducer()
        vars(lowest_transport(self.transport)).pop("bufferSize", None)  # restore that of the class
        self.transport.resumeProducing()
        self._receiver = receiver
        self.requests.clear()  # a request is a third of the memory of a viewer, who stays for hours
        early = self._take_unparsed() + bytes(self._input)
        self._stop_parsing()
        if early:  # the receiver is not ready yet
            self.factory.reactor.callLater(0, self._pass_on, early)

    def _pass_on(self, data: bytes) -> None:
        if self._receiver is not None:
            self._receiver.received(data)

    def end(self) -> None:
        """Close the connection after unsent data, because the server stops."""
        if self._receiver is not None:
            self._receiver.close()
        else:
            self._stop_parsing()
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
        answer: answers a complete request.
        server: has the clock, the limits and the trusted proxies.
    """

    noisy = False
    protocol = HttpConnection  # type: ignore[assignment]

    def __init__(self, answer: Callable[[HttpRequest], None], server: Server) -> None:
        super().__init__(timeout=IDLE_TIMEOUT, reactor=server.clock)
        self.answer = answer
        self.server = server
        self.connections: Connections[HttpConnection] = Connections(
            server.clock, server.connection_limiter, server.refusals
        )

    def acceptableProtocols(self) -> list[bytes]:
        """Return the protocols for TLS (ALPN, RFC 7301): browsers need an answer."""
        return [b"http/1.1"]

    def startFactory(self) -> None:
        """Open no access log; see ``log``."""

    def stopFactory(self) -> None:
        """Close no access log."""

    def log(self, request: Request) -> None:
        """Log a request, at the level ``debug``."""
        log.debug(
            "{peer} {method} {uri} {status} {bytes} bytes",
            peer=show_address(request.getClientAddress()),
            method=request.method.decode("ascii", "replace"),
            uri=shorten(without_token(request.uri)),
            status=request.code,
            bytes=request.sentLength,
        )

    def close(self) -> Deferred[None]:
        """Close all connections; the Deferred fires when they are closed."""
        for connection in self.connections:
            connection.end()
        return self.connections.when_empty()


def answer_plain_http(transport: Any, refuse: Callable[[bytes], None]) -> None:
    """Check the first bytes of a TLS connection before TLS reads them.

    The first byte of a TLS client is 22 (RFC 8446, 5.1); a letter begins an HTTP method. Twisted
    has no hook for this, so the method of this connection is replaced until the first bytes arrive.

    Arguments:
        transport: a connection; ignored if it is not TLS.
        refuse: sends a response in clear text and closes the connection.
    """
    if not isinstance(transport, TLSMemoryBIOProtocol):
        return

    def first(data: bytes) -> None:
        if data[:1].isalpha():
            bound["dataReceived"] = lambda _: None
            refuse(plain_answer(data))
        else:
            del bound["dataReceived"]  # use the method of the class again
            transport.dataReceived(data)

    bound = vars(transport)
    bound["dataReceived"] = first


def plain_answer(request: bytes) -> bytes:
    """Return a response with status 400 to the beginning of a request."""
    found = _HOST.search(request)
    body = _USE_HTTPS.format(host=found[1].decode("ascii") if found else "…").encode()
    head = (
        "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body
