"""The control port's protocol: telnet around lines, lines around commands."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from twisted.conch.telnet import Telnet
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Factory, connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure

from twistedcam.address import show_address
from twistedcam.commands import Registry
from twistedcam.connections import Connections
from twistedcam.control import lines
from twistedcam.errors import BadArgument, LineTooLong, TwistedcamError
from twistedcam.events import Event
from twistedcam.version import __version__

if TYPE_CHECKING:
    from twistedcam.server import Server

log = Logger()

#: Lines that may wait for the one that is being carried out; then nothing more is read.
MAX_WAITING = 64


class ControlProtocol(Telnet):
    """One controller. Commands are carried out one after the other, in the order they came."""

    factory: ControlFactory
    transport: Any

    def __init__(self, factory: ControlFactory) -> None:
        super().__init__()
        self.factory = factory
        self.peer = ""
        self._reader = lines.LineReader()
        self._waiting: deque[bytes] = deque()
        self._busy = False
        self._json = False
        self._newline = "\n"
        self._unwatch: Any = None
        self._over = False

    def connectionMade(self) -> None:
        """Greet."""
        self.peer = show_address(self.transport.getPeer())
        self.factory.connections.add(self)
        self._say(f"OK twistedcam 1 {__version__}\n")

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Forget this controller."""
        self._over = True
        self.factory.connections.discard(self)
        self._waiting.clear()
        self._stop_watching()
        super().connectionLost(reason)

    def dataReceived(self, data: bytes) -> None:
        """Take telnet apart; what is not telnet at all ends the connection with one line."""
        if b"\r\n" in data:
            self._newline = "\r\n"
        try:
            super().dataReceived(data)
        except ValueError:
            self._fail(BadArgument("that is no telnet command"))

    def applicationDataReceived(self, data: bytes) -> None:
        """What is left when telnet's own bytes are taken out."""
        if self._over:
            return
        try:
            for line in self._reader.feed(data):
                self._waiting.append(line)
        except LineTooLong as error:
            self._fail(error)
            return
        if len(self._waiting) >= MAX_WAITING:
            self.transport.pauseProducing()
        self._next()

    def close(self) -> None:
        """End the connection in good order."""
        self._over = True
        self._stop_watching()
        self.transport.loseConnection()

    def _fail(self, error: TwistedcamError) -> None:
        self._answer_error(error)
        self.close()

    def _say(self, text: str) -> None:
        data = text.replace("\n", self._newline).encode(errors="replace")
        self.transport.write(data.replace(b"\xff", b"\xff\xff"))

    def _next(self) -> None:
        """Carry out what waits, until something takes time."""
        while self._waiting and not self._busy and not self._over:
            line = self._waiting.popleft()
            self._busy = True
            done = Deferred.fromCoroutine(self._carry_out(line))
            done.addErrback(lambda why: log.failure("a control line failed", failure=why))
            done.addCallback(self._done)

    def _done(self, _: None) -> None:
        self._busy = False
        if not self._over and len(self._waiting) < MAX_WAITING:
            self.transport.resumeProducing()
        self._next()

    async def _carry_out(self, line: bytes) -> None:
        self._stop_watching()
        try:
            words = lines.split(line)
            if words and not self._own(words):
                command, rest = self.factory.registry.find(words)
                arguments = command.bind(self.factory.server, rest)
                answer = await command.run(self.factory.server, **arguments)
                self._say(lines.as_json(command, answer) if self._json else lines.as_text(answer))
        except TwistedcamError as error:
            self._answer_error(error)
        except Exception:
            log.failure("{peer}: {line!r} failed", peer=self.peer, line=line)
            self._answer_error(TwistedcamError("that failed inside the server; its log says why"))

    def _answer_error(self, error: TwistedcamError) -> None:
        self._say(lines.error_as_json(error) if self._json else lines.error_as_text(error))

    def _own(self, words: list[str]) -> bool:
        """Commands that are about this connection alone."""
        if words == ["quit"]:
            self._say_ok()
            self.close()
        elif words[0] == "json":
            if words[1:] not in (["on"], ["off"]):
                raise BadArgument("json on, or json off")
            self._json = words[1] == "on"
            self._say_ok()
        elif words[0] == "watch":
            if len(words) > 2:
                raise BadArgument(f"{words[2]!r} is one word too many: watch [CAMERA]")
            camera = self.factory.server.camera(words[1]).name if len(words) == 2 else None
            self._say_ok()
            self._unwatch = self.factory.server.events.subscribe(
                lambda event: self._happened(event, camera)
            )
        else:
            return False
        return True

    def _say_ok(self) -> None:
        self._say('{"ok": true}\n' if self._json else "OK\n")

    def _happened(self, event: Event, camera: str | None) -> None:
        if camera is not None and getattr(event, "camera", camera) not in (camera, None):
            return
        self._say(lines.event_as_json(event) if self._json else lines.event_as_text(event))

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

    def buildProtocol(self, addr: IAddress | None) -> ControlProtocol:
        """One for each connection."""
        return ControlProtocol(self)

    def close(self) -> Deferred[None]:
        """End all connections; fires when they are gone."""
        for connection in self.connections:
            connection.close()
        return self.connections.when_empty()
