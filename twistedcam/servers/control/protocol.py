"""The control port: commands as lines over telnet, carried out one after the other."""

from __future__ import annotations

import socket
from collections import deque
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import (
    IAddress,
    IHalfCloseableProtocol,
    IHandshakeListener,
    IPushProducer,
    ISSLTransport,
    IWriteDescriptor,
)
from twisted.internet.protocol import Factory, connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from twistedcam.commands import Registry
from twistedcam.delivery.transport_sender import limit_buffer
from twistedcam.errors import BadArgument, TooMany, TwistedcamError, Unauthorized
from twistedcam.net.addresses import show_address
from twistedcam.net.connections import Connections, ManagedConnection
from twistedcam.runtime.scheduler import Job, Progress
from twistedcam.servers.control import line_format as lines
from twistedcam.servers.control.session import ControlServerSession
from twistedcam.servers.control.telnet import PatientTelnet
from twistedcam.version import __version__

if TYPE_CHECKING:
    from twistedcam.core.server import Server

log = Logger()

#: Lines that may wait for the one that is being carried out, and their bytes; then nothing more is
#: read.
MAX_WAITING = 64
MAX_WAITING_BYTES = 16 * 1024
#: Bytes that are read at once, and that are taken apart in one step.
READ_SIZE = 4096
PIECE = 128
#: Bytes that the system may hold for a controller that does not read.
SEND_BUFFER = 64 * 1024
#: Steps that are taken at once: a piece taken apart, a line carried out; the scheduler runs the
#: others.
AT_ONCE = 4
#: Seconds until a token was shown, where there are tokens, and over TLS until it has begun.
JOIN_TIMEOUT = 10.0


@implementer(IHalfCloseableProtocol, IHandshakeListener, IPushProducer)
class ControlProtocol(ManagedConnection, PatientTelnet):
    """One controller. Commands are carried out one after the other, in the order they came.

    The scheduler runs what a controller sends. Nothing is read and nothing carried out while it
    does not take its answers.
    """

    factory: ControlFactory
    transport: Any
    #: Over TLS: one who ends its side gets its answers (tls.server).
    is_answered_behind_end = True

    def __init__(self, factory: ControlFactory) -> None:
        super().__init__()
        self.factory = factory
        self.peer = ""
        self.is_full = False
        self._session = ControlServerSession(factory.server, factory.registry, self)
        self._job = Job(factory.server.scheduler, self._step, self._mind_reading, AT_ONCE)
        self._reader = lines.LineReader()
        #: Bytes to take apart, and where the next piece begins.
        self._pending = b""
        self._at = 0
        #: Lines to carry out, and the error that ends the connection behind them.
        self._waiting: deque[bytes | TwistedcamError] = deque()
        self._waiting_bytes = 0
        self._is_working = False
        self._hears = True
        self._has_heard = False
        #: Whether the other side has closed its half.
        self._is_half = False
        self._is_over = False
        self._newline = "\n"

    # The connection.

    def connectionMade(self) -> None:
        """Greet."""
        self.peer = show_address(self.transport.getPeer())
        self.factory.tune(self.transport)
        self.transport.registerProducer(self, True)
        try:
            self._register(has_to_join=not self._session.has_grant, port="control")
        except TooMany as error:
            if self._is_logged("control port, too many"):
                log.info("{peer}: refused: {why}", peer=self.peer, why=str(error))
            self._session.answer_error(error)
            self.close()
            return
        if not self._session.has_grant or ISSLTransport.providedBy(self.transport):
            self._deadline.start(JOIN_TIMEOUT, self._too_late)
        self.say(f"OK twistedcam 1 {__version__} ('help' lists the commands)\n")

    def handshakeCompleted(self) -> None:
        """TLS has begun."""
        if self._session.has_grant:
            self._deadline.cancel()

    def welcome(self) -> None:
        """The controller has shown a token."""
        self._deadline.cancel()
        self._joined()

    def dataReceived(self, data: bytes) -> None:
        """Take what has come; a controller that ends its lines with CR LF is answered so too."""
        if not self._hears:
            return
        self._has_heard = True
        self._pending = self._pending[self._at :] + data if self._pending else data
        self._at = 0
        self._job.add()

    def applicationDataReceived(self, data: bytes) -> None:
        """What is left when telnet's own bytes are taken out."""
        if not self._hears:
            return
        try:
            for line in self._reader.feed(data):
                self._waiting.append(line)
                self._waiting_bytes += len(line)
        except TwistedcamError as error:
            self._refuse(error)

    def garbled(self) -> None:
        """A telnet subnegotiation without an end."""
        self._refuse(BadArgument("that is no telnet: a subnegotiation has no end"))

    def interrupted(self) -> None:
        """Telnet's interrupt key: as a new line, it ends a watch."""
        self._session.stop_watching()

    def readConnectionLost(self) -> None:
        """The other side has said all it wanted; what it asked for is still answered."""
        self._is_half = True
        self._session.stop_watching()
        if self._is_over:
            self.transport.loseConnection()  # both sides have said all
        else:
            self._job.add()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Forget this controller. What it has asked for is carried out all the same."""
        self._is_over, self._hears = True, False
        self._unregister()
        self._pending = b""
        self._waiting.clear()
        self._session.leave()
        super().connectionLost(reason)

    def close(self, linger: bool = True) -> None:
        """End the connection, once what was said is sent.

        Arguments:
            linger: what still comes in is read and let go until the other side closes too.
        """
        if self._is_over:
            return
        self._is_over, self._hears = True, False
        self._job.stop()
        self._session.leave()
        self.transport.unregisterProducer()
        self.transport.resumeProducing()
        self._close_gracefully(linger and not self._is_half)

    def _refuse(self, error: TwistedcamError) -> None:
        """Hear no more, and end the connection with this error behind what was asked before."""
        if self._hears:
            self._hears = False
            self._pending = b""
            self._waiting.append(error)

    def _too_late(self) -> None:
        """Nobody waits any longer for a token, unless one is being looked at, or for TLS."""
        if self._is_working and not self._session.has_grant:
            self._deadline.start(1, self._too_late)
            return
        if self._session.has_grant:
            self.drop()
            return
        why = Unauthorized(f"no token was shown within {JOIN_TIMEOUT:g} s: auth TOKEN")
        if self._is_logged("control port, no token in time"):
            log.info("{peer}: {why}", peer=self.peer, why=str(why))
        self._session.answer_error(why)
        self.close()

    # The transport's buffer (IPushProducer): what is said to this controller comes from here.

    def pauseProducing(self) -> None:
        """The controller does not read: carry out nothing more, so that nothing piles up."""
        if not self.is_full:  # it is said again at every write
            self.is_full = True
            self._session.fill(True)
            self._mind_reading()

    def resumeProducing(self) -> None:
        """The controller has read."""
        self.is_full = False
        self._session.fill(False)
        self._job.add()
        self._mind_reading()

    def stopProducing(self) -> None:
        """The connection is gone."""

    # What has come (scheduler.Job).

    def _step(self) -> Progress:
        if self._is_over:
            return Progress.DONE
        if self._waiting and not self._is_working and not self.is_full:
            self._carry_out(self._waiting.popleft())
            return Progress.MORE
        if not self._pending:
            return self._rest()
        if len(self._waiting) >= MAX_WAITING or self._waiting_bytes >= MAX_WAITING_BYTES:
            return Progress.BLOCKED
        piece = self._pending[self._at : self._at + PIECE]
        self._at += len(piece)
        if self._at >= len(self._pending):
            self._pending, self._at = b"", 0
        if b"\r\n" in piece:
            self._newline = "\r\n"
        super().dataReceived(piece)
        return Progress.MORE

    def _rest(self) -> Progress:
        """All that came is carried out, or waits for the command under way, or to be read."""
        if not self._is_working and not self._waiting:
            self._send_now()
            if self._is_half or not self._hears:
                self.close()
        return Progress.DONE

    def _carry_out(self, line: bytes | TwistedcamError) -> None:
        if isinstance(line, TwistedcamError):
            self._session.stop_watching()
            self._session.answer_error(line)
            self.close()
            return
        self._waiting_bytes -= len(line)
        self._is_working = True
        done = Deferred.fromCoroutine(self._session.carry_out(line))
        done.addErrback(lambda why: log.failure("a control line failed", failure=why))
        done.addCallback(self._carried_out)

    def _carried_out(self, _: object) -> None:
        self._is_working = False
        self._job.add()

    def _mind_reading(self, _: object = None) -> None:
        """Read nothing while what has come waits, or the controller does not read.

        TLS calls a connection full until it has begun: it has to read to get there.
        """
        if self._is_over or self._is_half:
            return
        if self._job.is_held or (self.is_full and self._has_heard):
            self.transport.pauseProducing()
        else:
            self.transport.resumeProducing()

    def _send_now(self) -> None:
        """Send what was said. In the loop's next turn it would come behind a round of frames."""
        if not self._is_over and IWriteDescriptor.providedBy(self.transport):
            self.transport.doWrite()  # an error is told again to the loop, which ends it

    # What a conversation goes over (session.Connection).

    def say(self, text: str) -> None:
        """Send text, its line ends as the controller's own."""
        if not self._is_over:
            data = text.replace("\n", self._newline).encode(errors="replace")
            self.transport.write(data.replace(b"\xff", b"\xff\xff"))

    def hear_no_more(self) -> None:
        """Close behind what was said; what came in already is not carried out."""
        self._hears = False
        self._pending = b""
        self._waiting.clear()

    def drop(self) -> None:
        """End the connection at once."""
        self.transport.abortConnection()


class ControlFactory(Factory[ControlProtocol]):
    """Makes the control port's protocols.

    Arguments:
        server: what is controlled.
        registry: the commands.
    """

    noisy = False

    def __init__(self, server: Server, registry: Registry) -> None:
        self.server = server
        self.registry = registry
        self.connections: Connections[ControlProtocol] = Connections(
            server.clock, server.connection_limiter, server.refusals
        )

    def buildProtocol(self, addr: IAddress | None) -> ControlProtocol:
        """One for each connection."""
        return ControlProtocol(self)

    def close(self) -> Deferred[None]:
        """End all connections; fires when they are gone."""
        for connection in self.connections:
            connection.close(linger=False)
        return self.connections.when_empty()

    @staticmethod
    def tune(transport: Any) -> None:
        """Answers go out at once, and what waits here for one who does not read is little."""
        limit_buffer(transport, READ_SIZE)
        if hasattr(transport, "setTcpNoDelay"):
            transport.setTcpNoDelay(True)
            transport.setTcpKeepAlive(True)
        if hasattr(transport, "getHandle"):
            handle = transport.getHandle()
            if isinstance(handle, socket.socket):
                handle.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
