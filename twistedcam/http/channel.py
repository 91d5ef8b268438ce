"""HTTP connections: limits that a server on an open port needs, and a way to take one over."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import (
    IAddress,
    IDelayedCall,
    IProtocolNegotiationFactory,
    IReactorTime,
)
from twisted.internet.protocol import connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.http import HTTPChannel, HTTPFactory, Request
from zope.interface import implementer

from twistedcam.address import show_address, without_token
from twistedcam.auth import TokenSession
from twistedcam.connections import Connections
from twistedcam.doorman import Doorman, Ticket
from twistedcam.errors import TooMany
from twistedcam.http.request import HttpRequest
from twistedcam.http.stall import StallWatch
from twistedcam.parting import LINGER, Parting

log = Logger()

#: Seconds from the first byte of a request to its last; a slower client is cut off.
REQUEST_TIMEOUT = 15.0
#: Seconds that a connection may stay open between two requests.
IDLE_TIMEOUT = 60
MAX_HEADERS = 100
MAX_HEADER_BYTES = 16 * 1024


class Receiver(Protocol):
    """Who takes a connection over from HTTP."""

    def received(self, data: bytes) -> None:
        """The client sent this."""

    def lost(self) -> None:
        """The connection is gone."""

    def close(self) -> None:
        """The server ends: end the connection."""


class HttpConnection(HTTPChannel):
    """One connection.

    Who dawdles with a request, or takes nothing of an answer, is cut off; ``take_over`` gives the
    connection to somebody else, who writes to the transport without HTTP in between.
    """

    requestFactory = HttpRequest
    maxHeaders = MAX_HEADERS
    totalHeadersSize = MAX_HEADER_BYTES
    factory: HttpFactory
    transport: Any
    _watch: StallWatch

    def __init__(self) -> None:
        super().__init__()
        #: Whether nothing more is read: the connection is about to end.
        self.over = False
        self._receiver: Receiver | None = None
        self._deadline: IDelayedCall | None = None
        self._answering = False
        self._ticket: Ticket | None = None
        self._token_session: TokenSession | None = None

    def connectionMade(self) -> None:
        """Begin to wait for the first request."""
        self.factory.connections.add(self)
        self._watch = StallWatch(self.transport, self.factory.reactor)
        self._expect_request()
        super().connectionMade()
        try:
            self._ticket = self.factory.doorman.enter(self.transport.getPeer())
        except TooMany:
            self.refuse(503, "Too Many Connections")

    def dataReceived(self, data: bytes) -> None:
        """Pass it to whom the connection belongs."""
        if self._receiver is not None:
            self._receiver.received(data)
            return
        if self.over:
            return
        if self._deadline is None and not self._answering:
            self._expect_request()
        super().dataReceived(data)

    def lineLengthExceeded(self, line: bytes) -> None:
        """Twisted's own way is to close without a word."""
        self.refuse(400, "Bad Request")

    def allContentReceived(self) -> None:
        """The request is complete."""
        self._stop_deadline()
        self._answering = True
        super().allContentReceived()

    def requestDone(self, request: Request) -> None:
        """The answer is complete, and on its way."""
        self._answering = False
        self.hold(None)
        self._watch.wrote()
        super().requestDone(request)

    def pauseProducing(self) -> None:
        """The transport holds as much of an answer as it likes to."""
        self._watch.filled()
        super().pauseProducing()

    def resumeProducing(self) -> None:
        """The transport holds nothing."""
        self._watch.emptied()
        super().resumeProducing()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Forget this connection."""
        self.over = True
        self.factory.connections.discard(self)
        self.factory.parting.gone(self.transport)
        if self._ticket is not None:
            self._ticket.leave()
        self.hold(None)
        self._stop_deadline()
        self._watch.end()
        super().connectionLost(reason)
        receiver, self._receiver = self._receiver, None
        if receiver is not None:
            receiver.lost()

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

    def refuse(self, status: int, reason: str) -> None:
        """Answer in one line, and read no more."""
        if self.over:
            return
        self.over = True
        self._stop_deadline()
        self.setTimeout(None)
        peer = show_address(self.transport.getPeer())
        log.info("{peer}: refused: {status} {reason}", peer=peer, status=status, reason=reason)
        self.transport.write(
            f"HTTP/1.1 {status} {reason}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()
        )
        self.transport.unregisterProducer()
        self.factory.parting.part(self.transport)
        self._deadline = self.factory.reactor.callLater(LINGER, self.transport.abortConnection)

    def take_over(self, receiver: Receiver) -> None:
        """From now on the connection is the receiver's, and HTTP has no part in it."""
        self.setTimeout(None)
        self._watch.end()  # the receiver has its own way to find that out
        self.transport.unregisterProducer()
        self.transport.resumeProducing()
        self._receiver = receiver
        self.requests.clear()  # a viewer stays for hours, and its request is a third of its memory
        early, self._dataBuffer = b"".join(self._dataBuffer), []
        if early:
            receiver.received(early)

    def end(self) -> None:
        """End the connection, behind what is under way."""
        if self._receiver is not None:
            self._receiver.close()
        else:
            self.over = True
            self._stop_deadline()
            self.loseConnection()

    def _expect_request(self) -> None:
        self._deadline = self.factory.reactor.callLater(REQUEST_TIMEOUT, self._too_slow)

    def _too_slow(self) -> None:
        self._deadline = None
        self.refuse(408, "Request Timeout")

    def _stop_deadline(self) -> None:
        if self._deadline is not None and self._deadline.active():
            self._deadline.cancel()
        self._deadline = None


@implementer(IProtocolNegotiationFactory)
class HttpFactory(HTTPFactory):
    """Makes HTTP connections.

    Arguments:
        answer: answers a request that is complete.
        clock: what time-outs are measured by.
        doorman: counts connections; by default its own.
    """

    noisy = False
    protocol = HttpConnection  # type: ignore[assignment]

    def __init__(
        self,
        answer: Callable[[HttpRequest], None],
        clock: IReactorTime,
        doorman: Doorman | None = None,
    ) -> None:
        super().__init__(timeout=IDLE_TIMEOUT, reactor=clock)
        self.answer = answer
        self.doorman = Doorman() if doorman is None else doorman
        self.connections: Connections[HttpConnection] = Connections()
        self.parting = Parting()

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
            peer=request.getClientAddress(),
            method=request.method.decode("ascii", "replace"),
            uri=without_token(request.uri),
            status=request.code,
            bytes=request.sentLength,
        )

    def close(self) -> Deferred[None]:
        """End all connections; fires when they are gone."""
        for connection in self.connections:
            connection.end()
        return self.connections.when_empty()
