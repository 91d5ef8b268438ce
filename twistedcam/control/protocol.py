"""One control connection: telnet around lines, carried out one after the other."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import (
    IDelayedCall,
    IHalfCloseableProtocol,
    IPushProducer,
    ISSLTransport,
    IWriteDescriptor,
)
from twisted.internet.protocol import connectionDone
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from twistedcam.address import show_address
from twistedcam.control import lines
from twistedcam.control.conversation import Conversation
from twistedcam.control.telnet import PatientTelnet
from twistedcam.doorman import Ticket
from twistedcam.errors import BadArgument, TooMany, TwistedcamError
from twistedcam.parting import LINGER
from twistedcam.version import __version__

if TYPE_CHECKING:
    from twistedcam.control.port import ControlFactory

log = Logger()

#: Lines that may wait for the one that is being carried out; then nothing more is read.
MAX_WAITING = 64
#: Lines carried out in one go, before others have their turn.
AT_ONCE = 16


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
        self.is_full = False
        self._conversation = Conversation(factory.server, factory.registry, self)
        self._ticket: Ticket | None = None
        self._reader = lines.LineReader()
        #: Lines to carry out, and the error that ends the connection behind them.
        self._waiting: deque[bytes | TwistedcamError] = deque()
        self._is_working = False
        self._hears = True
        self._has_heard = False
        self._is_over = False
        self._newline = "\n"
        self._cleared: Deferred[None] | None = None
        self._linger: IDelayedCall | None = None

    # The connection.

    def connectionMade(self) -> None:
        """Greet."""
        self.peer = show_address(self.transport.getPeer())
        self.factory.connections.add(self)
        self.factory.tune(self.transport)
        self.transport.registerProducer(self, True)
        try:
            self._ticket = self.factory.server.doorman.enter(self.transport.getPeer())
        except TooMany as error:
            log.info("{peer}: refused: {why}", peer=self.peer, why=str(error))
            self._conversation.answer_error(error)
            self.close()
            return
        self.say(f"OK twistedcam 1 {__version__}\n")

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
        self._conversation.stop_watching()

    def readConnectionLost(self) -> None:
        """The other side has said all it wanted; what it asked for is still answered."""
        self._hears = False
        self._conversation.stop_watching()
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
        self._conversation.leave()
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
        self._conversation.leave()
        self.transport.unregisterProducer()
        self.transport.resumeProducing()
        if linger:
            self.factory.parting.part(self.transport)
        else:
            self.transport.loseConnection()
        self._linger = self.factory.server.clock.callLater(LINGER, self.drop)

    def _refuse(self, error: TwistedcamError) -> None:
        """Hear no more, and end the connection with this error behind what was asked before."""
        if self._hears:
            self._hears = False
            self._waiting.append(error)

    # The transport's buffer (IPushProducer): what is said to this controller comes from here.

    def pauseProducing(self) -> None:
        """The controller does not read: carry out nothing more, so that nothing piles up."""
        if not self.is_full:  # it is said again at every write
            self.is_full = True
            self._conversation.fill(True)
            self._mind_reading()

    def resumeProducing(self) -> None:
        """The controller has read."""
        self.is_full = False
        self._conversation.fill(False)
        self.stopProducing()
        self._mind_reading()

    def stopProducing(self) -> None:
        """The connection is gone: nobody waits for it to be read."""
        cleared, self._cleared = self._cleared, None
        if cleared is not None:
            cleared.callback(None)

    def _mind_reading(self) -> None:
        if self._is_over:
            return
        # TLS calls a connection full until the handshake is over: it has to read to get there.
        shaking_hands = ISSLTransport.providedBy(self.transport) and not self._has_heard
        if (self.is_full and not shaking_hands) or len(self._waiting) >= MAX_WAITING:
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
                self._conversation.stop_watching()
                self._conversation.answer_error(line)
                self.close()
                break
            await self._conversation.carry_out(line)
            count += 1
            if not self._waiting:
                self._send_now()
            elif count % AT_ONCE == 0:
                self._send_now()
                await deferLater(self.factory.server.clock, 0)  # others have their turn
            if self.is_full and not self._is_over:
                self._cleared = Deferred()
                await self._cleared
        self._is_working = False
        if not self._hears:
            self.close()
        self._mind_reading()

    def _send_now(self) -> None:
        """Send what was said. In the loop's next turn it would come behind a round of frames."""
        if not self._is_over and IWriteDescriptor.providedBy(self.transport):
            self.transport.doWrite()  # an error is told again to the loop, which ends it

    # What a conversation goes over (conversation.Connection).

    def say(self, text: str) -> None:
        """Send text, its line ends as the controller's own."""
        if not self._is_over:
            data = text.replace("\n", self._newline).encode(errors="replace")
            self.transport.write(data.replace(b"\xff", b"\xff\xff"))

    def hear_no_more(self) -> None:
        """Close behind what was said; what came in already is not carried out."""
        self._hears = False
        self._waiting.clear()

    def drop(self) -> None:
        """End the connection at once."""
        self.transport.abortConnection()
