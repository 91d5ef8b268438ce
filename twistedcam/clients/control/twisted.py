"""A client of the control port for programs on Twisted."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, fail
from twisted.internet.endpoints import clientFromString
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure

from twistedcam.clients.control.dialogue import ControlClientSession, Message, answer, write_line
from twistedcam.errors import BadArgument, NoServer, TwistedcamError

log = Logger()

Listener = Callable[[Message], None]

DEFAULT_ENDPOINT = "tcp:127.0.0.1:9531"


class ControlClient(Protocol):
    """A connection to the control port. Made by ``connect``."""

    def __init__(self, token: str | None = None) -> None:
        #: Fires when the connection is over, with None.
        self.closed: Deferred[None] = Deferred()
        self._dialogue = ControlClientSession(token)
        self._ready: Deferred[ControlClient] | None = None
        #: Who waits for an answer, and who hears events behind that answer.
        self._asked: deque[tuple[Deferred[Message], Listener | None]] = deque()
        self._listener: Listener | None = None
        self._error: TwistedcamError | None = None
        self._is_over = False

    @property
    def server_version(self) -> str | None:
        """The version that the server greeted with."""
        return self._dialogue.server_version

    def ask(self, *words: str) -> Deferred[Message]:
        """Carry out one command: ``await client.ask("record", "start", "cam")``.

        Fires with the answer's fields; a list is under its plural name. Commands that are asked
        one after the other without waiting are answered in that order. Ends a ``watch``.

        Fails with CommandError as the server answered, or with NoServer.
        """
        return self._ask(list(words), None)

    def watch(self, listener: Listener, camera: str | None = None) -> Deferred[Message]:
        """Give every event to ``listener`` from now on, until something else is answered.

        An event is its fields with ``event``: its kind. Fires when the server watches.
        """
        return self._ask(["watch"] if camera is None else ["watch", camera], listener)

    def close(self) -> Deferred[None]:
        """End the connection. Fires when it is over."""
        if self.transport is not None:
            self.transport.loseConnection()
        done: Deferred[None] = Deferred()
        self.closed.addCallback(done.callback)
        return done

    def opened(self) -> Deferred[ControlClient]:
        """Fires when the server has greeted; ``connect`` waits for it."""
        self._ready = Deferred()
        return self._ready

    def connectionMade(self) -> None:
        """Ask for JSON at once; the server takes pipelined lines."""
        self._write(self._dialogue.opening)

    def dataReceived(self, data: bytes) -> None:
        """Take the server's answers apart."""
        try:
            for message in self._dialogue.feed(data):
                self._received(message)
        except TwistedcamError as error:
            self._error = error
            assert self.transport is not None
            self.transport.loseConnection()
            return
        if self._dialogue.is_ready and self._ready is not None:
            ready, self._ready = self._ready, None
            ready.callback(self)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Fail whatever still waits."""
        self._is_over = True
        self._listener = None
        error = self._error or NoServer("the server has closed the connection")
        waiting, self._asked = self._asked, deque()
        for asked, _ in waiting:
            asked.errback(error)
        if self._ready is not None:
            self._ready.errback(error)
        self.closed.callback(None)

    def _ask(self, words: list[str], listener: Listener | None) -> Deferred[Message]:
        if self._is_over:
            return fail(NoServer("the connection to the server is closed"))
        try:
            line = write_line(words)
        except BadArgument as error:
            return fail(error)
        asked: Deferred[Message] = Deferred()
        self._asked.append((asked, listener))
        self._write(line)
        return asked

    def _received(self, message: Message) -> None:
        if "ok" in message:
            if not self._asked:
                raise NoServer("the server answered what was not asked")
            asked, self._listener = self._asked.popleft()
            try:
                fields = answer(message)
            except TwistedcamError as error:
                self._listener = None
                asked.errback(error)
            else:
                asked.callback(fields)
        elif self._listener is not None:
            try:
                self._listener(message)
            except Exception:
                log.failure("a listener failed on {event!r}", event=message)

    def _write(self, data: bytes) -> None:
        assert self.transport is not None
        self.transport.write(data)


async def connect(
    reactor: Any,
    endpoint: str = DEFAULT_ENDPOINT,
    timeout: float = 5.0,
    token: str | None = None,
) -> ControlClient:
    """A client that is ready to be asked.

    Arguments:
        reactor: what it runs on.
        endpoint: a Twisted client endpoint string.
        timeout: seconds to wait for the connection, and again for the greeting.
        token: what the server wants to see, where it has tokens.

    Raises:
        BadArgument: that is no endpoint.
        Unauthorized: the token is none of the server's.
        NoServer: nothing answers there, or something else does.
    """
    try:
        found = clientFromString(reactor, endpoint)
    except Exception as error:  # each endpoint parser has its own ways to fail
        raise BadArgument(f"{endpoint!r} is no endpoint ({error}): {DEFAULT_ENDPOINT}") from None
    client = ControlClient(token)
    opened = client.opened()
    try:
        await found.connect(Factory.forProtocol(lambda: client)).addTimeout(timeout, reactor)
        return await opened.addTimeout(timeout, reactor)
    except TwistedcamError:
        raise
    except Exception as error:
        opened.addErrback(lambda _: None)
        if client.transport is not None:
            client.transport.abortConnection()  # type: ignore[attr-defined]
        why = str(error) or "no answer"
        raise NoServer(f"no server at {endpoint}: {why}: 'twistedcam serve' starts one") from None
