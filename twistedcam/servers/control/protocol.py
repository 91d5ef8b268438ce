"""The control port: commands as lines over telnet, executed one after the other."""

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
from twistedcam.net.connections import Connections, ManagedConnection
from twistedcam.runtime.scheduler import Job, StepResult
from twistedcam.servers.control import line_format as lines
from twistedcam.servers.control.session import ControlServerSession
from twistedcam.servers.control.telnet import TolerantTelnet
from twistedcam.version import __version__

if TYPE_CHECKING:
    from twistedcam.core.server import Server

log = Logger()

#: Lines that may wait while another is executed, and their bytes; then nothing more is read.
MAX_WAITING = 64
MAX_WAITING_BYTES = 16 * 1024
#: Bytes that are read at once, and that are parsed in one step.
READ_SIZE = 4096
PIECE = 128
#: Bytes that the system may hold for a client that does not read.
SEND_BUFFER = 64 * 1024
#: Steps that run at once: a piece is parsed, or a line is executed. The scheduler runs the others.
AT_ONCE = 4
#: Seconds within which a client has to send a token, if one is needed, and to complete the TLS
#: handshake.
JOIN_TIMEOUT = 10.0


@implementer(IHalfCloseableProtocol, IHandshakeListener, IPushProducer)
class ControlProtocol(ManagedConnection, TolerantTelnet):
    """A client's connection. Commands are executed one after the other, in the order received.

    The scheduler runs a client's commands. Nothing is read and nothing is executed while the client
    does not read its answers.
    """

    factory: ControlFactory
    transport: Any
    #: Over TLS: a client that has closed its side still gets its answers (tls.server_endpoint).
    answers_after_end = True

    def __init__(self, factory: ControlFactory) -> None:
        super().__init__()
        self.factory = factory
        self._session: ControlServerSession
        self._job = Job(factory.server.scheduler, self._step, self._update_reading, AT_ONCE)
        self._reader = lines.LineReader()
        #: Bytes to parse, and where the next piece begins.
        self._pending = b""
        self._at = 0
        #: Lines to execute, and the error that ends the connection after them.
        self._waiting: deque[bytes | TwistedcamError] = deque()
        self._waiting_bytes = 0
        self._is_working = False
        self._takes_input = True
        self._has_received = False
        #: True if the client has closed its half.
        self._is_half = False
        self._is_over = False
        self._is_joined = False

    # The connection.

    def connectionMade(self) -> None:
        """Send the greeting."""
        self._session = ControlServerSession(
            self.factory.server, self.factory.registry, self.transport, self.close
        )
        self.factory.tune(self.transport)
        self.transport.registerProducer(self, True)
        try:
            self._register(has_to_join=not self._session.has_grant, port="control")
        except TooMany as error:
            if self._is_logged("control port, too many"):
                log.info("{peer}: refused: {why}", peer=self._session.peer, why=str(error))
            self._session.send_error(error)
            self.close()
            return
        if not self._session.has_grant or ISSLTransport.providedBy(self.transport):
            self._deadline.start(JOIN_TIMEOUT, self._on_deadline)
        self._session.send(f"OK twistedcam 1 {__version__} ('help' lists the commands)\n")

    def handshakeCompleted(self) -> None:
        """Cancel the deadline, unless a token has to follow."""
        if self._session.has_grant:
            self._deadline.cancel()

    def dataReceived(self, data: bytes) -> None:
        """Keep bytes for the scheduler to parse."""
        if not self._takes_input:
            return
        self._has_received = True
        self._pending = self._pending[self._at :] + data if self._pending else data
        self._at = 0
        self._job.add()

    def applicationDataReceived(self, data: bytes) -> None:
        """Queue the lines that bytes without telnet's commands complete."""
        if not self._takes_input:
            return
        try:
            for line in self._reader.feed(data):
                self._waiting.append(line)
                self._waiting_bytes += len(line)
        except TwistedcamError as error:
            self._refuse(error)

    def on_garbled(self) -> None:
        """End the connection with an error."""
        self._refuse(BadArgument("this is not telnet: a subnegotiation has no end"))

    def on_interrupt(self) -> None:
        """End a watch, as a new line does."""
        self._session.stop_watching()

    def readConnectionLost(self) -> None:
        """Answer the commands that were received before the client closed its half."""
        self._is_half = True
        self._session.stop_watching()
        if self._is_over:
            self.transport.loseConnection()  # both sides have closed
        else:
            self._job.add()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Release what is held. The command that is being executed continues."""
        self._is_over, self._takes_input = True, False
        self._unregister()
        self._pending = b""
        self._waiting.clear()
        self._session.leave()
        super().connectionLost(reason)

    def close(self, linger: bool = True) -> None:
        """End the connection, once what was written is sent.

        Arguments:
            linger: read and discard what still comes in, until the client closes too.
        """
        if self._is_over:
            return
        self._is_over, self._takes_input = True, False
        self._job.stop()
        self._session.leave()
        self.transport.unregisterProducer()
        self.transport.resumeProducing()
        self._close_gracefully(linger and not self._is_half)

    def _refuse(self, error: TwistedcamError) -> None:
        """Read no more, and end the connection with this error after the lines before it."""
        if self._takes_input:
            self._takes_input = False
            self._pending = b""
            self._waiting.append(error)

    def _on_deadline(self) -> None:
        """End the connection: no token has come, or TLS has not begun."""
        if self._session.has_grant:
            self.transport.abortConnection()
            return
        if self._is_working:  # a token is being checked
            self._deadline.start(1, self._on_deadline)
            return
        why = Unauthorized(f"no token was received within {JOIN_TIMEOUT:g} s: auth TOKEN")
        if self._is_logged("control port, no token in time"):
            log.info("{peer}: {why}", peer=self._session.peer, why=str(why))
        self._session.send_error(why)
        self.close()

    # IPushProducer: the transport's buffer holds what is sent to the client.

    def pauseProducing(self) -> None:
        """Execute nothing more while the client does not read, so that no answers accumulate."""
        if not self._session.is_full:  # transports call this again at every write
            self._session.set_full(True)
            self._update_reading()

    def resumeProducing(self) -> None:
        """Continue: the client has read."""
        self._session.set_full(False)
        self._job.add()
        self._update_reading()

    def stopProducing(self) -> None:
        """Do nothing: the connection is lost."""

    # scheduler.Job

    def _step(self) -> StepResult:
        if self._is_over:
            return StepResult.DONE
        if self._waiting and not self._is_working and not self._session.is_full:
            self._execute(self._waiting.popleft())
            return StepResult.MORE
        if not self._pending:
            return self._finish_input()
        if len(self._waiting) >= MAX_WAITING or self._waiting_bytes >= MAX_WAITING_BYTES:
            return StepResult.BLOCKED
        piece = self._pending[self._at : self._at + PIECE]
        self._at += len(piece)
        if self._at >= len(self._pending):
            self._pending, self._at = b"", 0
        if b"\r\n" in piece:
            self._session.newline = "\r\n"
        super().dataReceived(piece)
        return StepResult.MORE

    def _finish_input(self) -> StepResult:
        """Send the answers; close if no more commands can come."""
        if not self._is_working and not self._waiting:
            self._send_now()
            if self._is_half or not self._takes_input:
                self.close()
        return StepResult.DONE

    def _execute(self, line: bytes | TwistedcamError) -> None:
        if isinstance(line, TwistedcamError):
            self._session.stop_watching()
            self._session.send_error(line)
            self.close()
            return
        self._waiting_bytes -= len(line)
        self._is_working = True
        done = Deferred.fromCoroutine(self._session.execute(line))
        done.addErrback(lambda why: log.failure("a control line failed", failure=why))
        done.addCallback(self._on_executed)

    def _on_executed(self, _: object) -> None:
        self._is_working = False
        if self._session.has_grant and not self._is_joined:
            self._is_joined = True
            self._deadline.cancel()
            self._joined()
        if self._session.has_quit:
            self._takes_input = False
            self._pending = b""
            self._waiting.clear()
        self._job.add()

    def _update_reading(self, _: object = None) -> None:
        """Read nothing while input waits to be processed, or the client does not read.

        TLS pauses its producer until the handshake is complete, and has to read to complete it.
        """
        if self._is_over or self._is_half:
            return
        if self._job.is_held or (self._session.is_full and self._has_received):
            self.transport.pauseProducing()
        else:
            self.transport.resumeProducing()

    def _send_now(self) -> None:
        """Send what was written. In the loop's next turn, it would wait for a round of frames."""
        if not self._is_over and IWriteDescriptor.providedBy(self.transport):
            self.transport.doWrite()  # the loop gets an error again, and ends the connection


class ControlFactory(Factory[ControlProtocol]):
    """Makes the control port's protocols.

    Arguments:
        server: the server that is controlled.
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
        """Return a protocol for a connection."""
        return ControlProtocol(self)

    def close(self) -> Deferred[None]:
        """End all connections; the Deferred fires when they are closed."""
        for connection in self.connections:
            connection.close(linger=False)
        return self.connections.when_empty()

    @staticmethod
    def tune(transport: Any) -> None:
        """Send answers at once, and keep little for a client that does not read."""
        limit_buffer(transport, READ_SIZE)
        if hasattr(transport, "setTcpNoDelay"):
            transport.setTcpNoDelay(True)
            transport.setTcpKeepAlive(True)
        if hasattr(transport, "getHandle"):
            handle = transport.getHandle()
            if isinstance(handle, socket.socket):
                handle.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
