"""The control port's protocol: telnet around lines, lines around commands."""

from __future__ import annotations

import socket
from collections import deque
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import (
    IAddress,
    IDelayedCall,
    IHalfCloseableProtocol,
    IPushProducer,
    ISSLTransport,
)
from twisted.internet.protocol import Factory, connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from twistedcam.address import is_private, show_address
from twistedcam.auth import ANYONE, Grant
from twistedcam.commands import Answer, Command, Registry
from twistedcam.connections import Connections
from twistedcam.control import lines
from twistedcam.control.telnet import PatientTelnet
from twistedcam.doorman import Ticket
from twistedcam.errors import BadArgument, TooMany, TwistedcamError, Unauthorized
from twistedcam.events import Event
from twistedcam.parting import LINGER, Parting
from twistedcam.version import __version__

if TYPE_CHECKING:
    from twistedcam.server import Server

log = Logger()

#: Lines that may wait for the one that is being carried out; then nothing more is read.
MAX_WAITING = 64
#: Lines carried out in one go, before others have their turn.
AT_ONCE = 16
#: Bytes of events that may wait for a controller that does not read; then it is dropped.
MAX_BEHIND = 256 * 1024
#: Bytes that the system may hold for a controller besides.
SEND_BUFFER = 64 * 1024


@implementer(IHalfCloseableProtocol, IPushProducer)
class ControlProtocol(PatientTelnet):
    """One controller. Commands are carried out one after the other, in the order they came.

    Nothing is read and nothing carried out while the controller does not take its answers.
    """

    factory: ControlFactory
    transport: Any

    def __init__(self, factory: ControlFactory) -> None:
        super().__init__()
        self.factory = factory
        self.peer = ""
        #: Whether answers are lines of JSON (commands.session.Session).
        self.json = False
        #: What the other side may do; None: it has yet to show a token.
        self._grant: Grant | None = None if factory.server.authenticator.is_needed else ANYONE
        self._ticket: Ticket | None = None
        self._reader = lines.LineReader()
        #: Lines to carry out, and the error that ends the connection behind them.
        self._waiting: deque[bytes | TwistedcamError] = deque()
        self._is_working = False
        self._hears = True
        self._has_heard = False
        self._is_over = False
        self._newline = "\n"
        self._unwatch: Any = None
        self._behind = 0
        self._is_full = False
        self._cleared: Deferred[None] | None = None
        self._linger: IDelayedCall | None = None

    # The connection.

    def connectionMade(self) -> None:
        """Greet."""
        self.peer = show_address(self.transport.getPeer())
        self.factory.connections.add(self)
        _tune(self.transport)
        self.transport.registerProducer(self, True)
        try:
            self._ticket = self.factory.server.doorman.enter(self.transport.getPeer())
        except TooMany as error:
            log.info("{peer}: refused: {why}", peer=self.peer, why=str(error))
            self._answer_error(error)
            self.close()
            return
        self._say(f"OK twistedcam 1 {__version__}\n")

    def dataReceived(self, data: bytes) -> None:
        """Take telnet apart; a controller that ends its lines with CR LF is answered so too."""
        self._has_heard = True
        if b"\r\n" in data:
            self._newline = "\r\n"
        super().dataReceived(data)

    def applicationDataReceived(self, data: bytes) -> None:
        """What is left when telnet's own bytes are taken out."""
        if not self._hears:
            return
        try:
            for line in self._reader.feed(data):
                self._waiting.append(line)
        except TwistedcamError as error:
            self._refuse(error)
        self._work()

    def garbled(self) -> None:
        """A telnet subnegotiation without an end."""
        self._refuse(BadArgument("that is no telnet: a subnegotiation has no end"))
        self._work()

    def interrupted(self) -> None:
        """Telnet's interrupt key: as a new line, it ends a watch."""
        self._stop_watching()

    def readConnectionLost(self) -> None:
        """The other side has said all it wanted; what it asked for is still answered."""
        self._hears = False
        self._stop_watching()
        if self._is_over:
            self.transport.loseConnection()  # both sides have said all
        elif not self._is_working:
            self.close(linger=False)

    def writeConnectionLost(self) -> None:
        """Our own last word was sent."""

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Forget this controller. What it has asked for is carried out all the same."""
        self._is_over, self._hears = True, False
        self.factory.connections.discard(self)
        self.factory.parting.gone(self.transport)
        if self._ticket is not None:
            self._ticket.leave()
        self._waiting.clear()
        self._stop_watching()
        if self._linger is not None and self._linger.active():
            self._linger.cancel()
        self.stopProducing()
        super().connectionLost(reason)

    def close(self, linger: bool = True) -> None:
        """End the connection, once what was said is sent.

        Arguments:
            linger: what still comes in is read and let go until the other side closes too.
        """
        if self._is_over:
            return
        self._is_over, self._hears = True, False
        self._stop_watching()
        self.transport.unregisterProducer()
        self.transport.resumeProducing()
        if linger:
            self.factory.parting.part(self.transport)
        else:
            self.transport.loseConnection()
        self._linger = self.factory.server.clock.callLater(LINGER, self._abort)

    def _abort(self) -> None:
        if self in self.factory.connections:
            self.transport.abortConnection()

    def _refuse(self, error: TwistedcamError) -> None:
        """Hear no more, and end the connection with this error behind what was asked before."""
        if self._hears:
            self._hears = False
            self._waiting.append(error)

    # The transport's buffer (IPushProducer): what is said to this controller comes from here.

    def pauseProducing(self) -> None:
        """The controller does not read: carry out nothing more, so that nothing piles up."""
        if not self._is_full:  # it is said again at every write
            self._is_full = True
            self._behind = 0
            self._mind_reading()

    def resumeProducing(self) -> None:
        """The controller has read."""
        self._is_full = False
        cleared, self._cleared = self._cleared, None
        if cleared is not None:
            cleared.callback(None)
        self._mind_reading()

    def stopProducing(self) -> None:
        """The connection is gone."""
        cleared, self._cleared = self._cleared, None
        if cleared is not None:
            cleared.callback(None)

    def _mind_reading(self) -> None:
        if self._is_over:
            return
        # TLS calls a connection full until the handshake is over: it has to read to get there.
        shaking_hands = ISSLTransport.providedBy(self.transport) and not self._has_heard
        if (self._is_full and not shaking_hands) or len(self._waiting) >= MAX_WAITING:
            self.transport.pauseProducing()
        else:
            self.transport.resumeProducing()

    # Commands.

    def _work(self) -> None:
        """Carry out what waits, unless that is being done already."""
        if self._waiting and not self._is_working:
            self._is_working = True
            done = Deferred.fromCoroutine(self._carry_out_all())
            done.addErrback(lambda why: log.failure("a control line failed", failure=why))
        self._mind_reading()

    async def _carry_out_all(self) -> None:
        count = 0
        while self._waiting and not self._is_over:
            line = self._waiting.popleft()
            if isinstance(line, TwistedcamError):
                self._stop_watching()
                self._answer_error(line)
                self.close()
                break
            await self._carry_out(line)
            count += 1
            if count % AT_ONCE == 0 and self._waiting:
                await self._let_others()
            if self._is_full and not self._is_over:
                self._cleared = Deferred()
                await self._cleared
        self._is_working = False
        if not self._hears:
            self.close()
        self._mind_reading()

    def _let_others(self) -> Deferred[None]:
        turn: Deferred[None] = Deferred()
        self.factory.server.clock.callLater(0, turn.callback, None)
        return turn

    async def _carry_out(self, line: bytes) -> None:
        self._stop_watching()
        try:
            words = lines.split(line)
            if words:
                command, rest = self.factory.registry.find(words)
                if self._grant is None and not command.before_auth:
                    raise Unauthorized("this server wants a token first: auth TOKEN")
                arguments = command.bind(self.factory.server, rest)
                self._answer(command, await self._run(command, arguments))
        except TwistedcamError as error:
            self._answer_error(error)
        except Exception:
            shown = line if b"auth" not in line else b"auth ..."  # a token is never logged
            log.failure("{peer}: {line!r} failed", peer=self.peer, line=shown)
            self._answer_error(TwistedcamError("that failed inside the server; its log says why"))

    async def _run(self, command: Command, arguments: dict[str, Any]) -> Answer:
        """Carry out what the token allows, and tell only what it may know."""
        grant = self._grant
        subject = self if command.of_session else self.factory.server
        if command.before_auth or grant is None:
            return await command.run(subject, **arguments)
        camera = getattr(arguments.get("camera"), "name", None)
        try:
            grant.require_command(command.right, camera, command.name)
        except Unauthorized as error:
            log.warn("{peer}: refused: {why}", peer=self.peer, why=str(error))
            raise
        answer = await command.run(subject, **arguments)
        return answer if camera is not None else grant.only_own(answer, command.name)

    def _answer(self, command: Command, answer: Answer) -> None:
        form = lines.as_json if self.json else lines.as_text
        self._say(form(command, answer))

    def _answer_error(self, error: TwistedcamError) -> None:
        self._say(lines.error_as_json(error) if self.json else lines.error_as_text(error))

    def _say(self, text: str) -> None:
        if not self._is_over:
            data = text.replace("\n", self._newline).encode(errors="replace")
            self.transport.write(data.replace(b"\xff", b"\xff\xff"))

    # What a session can be asked (commands.session.Session).

    def watch(self, camera: str | None) -> None:
        """Tell of events from now on."""
        self._unwatch = self.factory.server.events.subscribe(
            lambda event: self._happened(event, camera)
        )

    async def authenticate(self, token: str) -> None:
        """Take a token, unless others on its way could have read it."""
        if self.factory.server.authenticator.is_needed and not is_private(self.transport):
            raise Unauthorized(
                "a token in clear is refused from another machine: use TLS (an endpoint ssl:…) or "
                "a tunnel. Others may have read this one: replace it"
            )
        peer = self.transport.getPeer()
        self._grant = await self.factory.server.authenticator.by_token(token, peer)

    def quit(self) -> None:
        """Close behind the answer; what was typed behind is not carried out."""
        self._hears = False
        self._waiting.clear()

    def _happened(self, event: Event, camera: str | None) -> None:
        about = getattr(event, "camera", None)
        if camera is not None and about not in (camera, None):
            return
        if self._grant is None or not self._grant.may_hear(about):
            return
        text = lines.event_as_json(event) if self.json else lines.event_as_text(event)
        if self._is_full:
            self._behind += len(text)
            if self._behind > MAX_BEHIND:
                log.warn("{peer} does not read its events and is dropped", peer=self.peer)
                self._stop_watching()
                self.transport.abortConnection()
                return
        self._say(text)

    def _stop_watching(self) -> None:
        if self._unwatch is not None:
            self._unwatch()
            self._unwatch = None


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
        self.connections: Connections[ControlProtocol] = Connections()
        self.parting = Parting()

    def buildProtocol(self, addr: IAddress | None) -> ControlProtocol:
        """One for each connection."""
        return ControlProtocol(self)

    def close(self) -> Deferred[None]:
        """End all connections; fires when they are gone."""
        for connection in self.connections:
            connection.close(linger=False)
        return self.connections.when_empty()


def _tune(transport: Any) -> None:
    """Answers go out at once, and what the system holds for one who does not read is little."""
    if hasattr(transport, "setTcpNoDelay"):
        transport.setTcpNoDelay(True)
        transport.setTcpKeepAlive(True)
    if hasattr(transport, "getHandle"):
        handle = transport.getHandle()
        if isinstance(handle, socket.socket):
            handle.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
