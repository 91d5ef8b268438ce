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

from twistedcam.clients.control.dialogue import (
    DEFAULT_ENDPOINT,
    ControlClientSession,
    Message,
    answer,
    write_line,
)
from twistedcam.errors import BadArgument, NoServer, TwistedcamError

log = Logger()

Listener = Callable[[Message], None]


class ControlClient(Protocol):
    """A connection to the control port. Use ``connect`` to make one."""

    def __init__(self, token: str | None = None) -> None:
        #: Fires with None when the connection is closed.
        self.closed: Deferred[None] = Deferred()
        self._session = ControlClientSession(token)
        self._ready: Deferred[ControlClient] | None = None
        #: The Deferred of each pending answer, and the listener for events after that answer.
        self._asked: deque[tuple[Deferred[Message], Listener | None]] = deque()
        self._listener: Listener | None = None
        self._error: TwistedcamError | None = None
        self._is_over = False

    @property
    def server_version(self) -> str | None:
        """The server's version, from its greeting; None before."""
        return self._session.server_version

    def ask(self, *words: str) -> Deferred[Message]:
        """Execute a command: ``await client.ask("record", "start", "cam")``. Ends a ``watch``.

        Returns:
            A Deferred that fires with the answer's fields; a list is under its plural name. It
            fails with the server's CommandError, or with NoServer. Answers come in the order of the
            commands.
        """
        return self._ask(list(words), None)

    def watch(self, listener: Listener, camera: str | None = None) -> Deferred[Message]:
        """Call ``listener`` with every event, until the answer to another command.

        An event is a dict of its fields, with its kind as ``event``. The Deferred fires when the
        server has begun to send events.
        """
        return self._ask(["watch"] if camera is None else ["watch", camera], listener)

    def close(self) -> Deferred[None]:
        """Close the connection; the Deferred fires when it is closed."""
        if self.transport is not None:
            self.transport.loseConnection()
        done: Deferred[None] = Deferred()
        self.closed.addCallback(done.callback)
        return done

    def opened(self) -> Deferred[ControlClient]:
        """Return a Deferred that fires when the server has answered the opening."""
        self._ready = Deferred()
        return self._ready

    def connectionMade(self) -> None:
        """Send the opening at once: the server accepts pipelined lines."""
        self._write(self._session.opening)

    def dataReceived(self, data: bytes) -> None:
        """Process answers and events."""
        try:
            for message in self._session.feed(data):
                self._on_message(message)
        except TwistedcamError as error:
            self._error = error
            assert self.transport is not None
            self.transport.loseConnection()
            return
        if self._session.is_ready and self._ready is not None:
            ready, self._ready = self._ready, None
            ready.callback(self)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Fail all pending answers."""
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

    def _on_message(self, message: Message) -> None:
        if "ok" in message:
            if not self._asked:
                raise NoServer("the server sent an answer without a command")
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
    """Connect to a control port.

    Arguments:
        reactor: the reactor.
        endpoint: a Twisted client endpoint string.
        timeout: seconds to wait for the connection, and again for the greeting.
        token: the token, if the server has tokens.

    Raises:
        BadArgument: the endpoint is invalid.
        Unauthorized: the server does not accept the token.
        NoServer: there is no control port at the endpoint.
    """
    try:
        found = clientFromString(reactor, endpoint)
    except Exception as error:  # endpoint parsers raise many classes
        raise BadArgument(
            f"{endpoint!r} is not an endpoint ({error}): use {DEFAULT_ENDPOINT}"
        ) from None
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
