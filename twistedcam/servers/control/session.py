"""What is said on one control connection: a line carried out, and its answer."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from twisted.logger import Logger

from twistedcam.auth import ANYONE, NOBODY, Grant, TokenSession
from twistedcam.commands import Answer, Command, Registry, carry_out
from twistedcam.errors import TwistedcamError, Unauthorized
from twistedcam.events import Event
from twistedcam.net.addresses import MAX_SHOWN, is_private
from twistedcam.servers.control import line_format as lines
from twistedcam.servers.control.event_watch import EventWatch

if TYPE_CHECKING:
    from twistedcam.core.server import Server

log = Logger()


class Connection(Protocol):
    """The connection of a session."""

    transport: Any
    #: Who is at the other end, for the log.
    peer: str
    #: Whether what is said now waits, because the other side does not read.
    is_full: bool

    def say(self, text: str) -> None:
        """Send text."""

    def welcome(self) -> None:
        """The other side has shown what it may do."""

    def hear_no_more(self) -> None:
        """End the connection behind what was said."""

    def close(self) -> None:
        """End the connection behind what was said, and carry out nothing more."""

    def drop(self) -> None:
        """End it at once."""


class ControlServerSession:
    """One controller's side of the vocabulary (commands.connection.ControllerSession).

    Arguments:
        server: what is controlled.
        registry: the commands.
        connection: what it goes over.
    """

    def __init__(self, server: Server, registry: Registry, connection: Connection) -> None:
        self._server = server
        self._registry = registry
        self._connection = connection
        #: Whether answers are lines of JSON.
        self.json = False
        #: What the other side may do; None: it has yet to show a token.
        self._grant: Grant | None = None if server.authenticator.is_needed else ANYONE
        self._token_session: TokenSession | None = None
        self._watch: EventWatch | None = None
        self._has_left = False

    @property
    def has_grant(self) -> bool:
        """Whether the other side may do anything at all."""
        return self._grant is not None

    async def carry_out(self, line: bytes) -> None:
        """Carry out one line and answer it, whatever comes of it."""
        self.stop_watching()
        name = ""
        try:
            words = lines.split(line)
            if words:
                command, rest = self._registry.find(words)
                name = command.name
                if self._grant is None and not command.before_auth:
                    raise Unauthorized("this server wants a token first: auth TOKEN")
                self._answer(command, await self._run(command, rest))
        except TwistedcamError as error:
            # It has the token's name, never the token.
            if isinstance(error, Unauthorized) and self._is_logged(str(error)):
                log.warn("{peer}: refused: {why}", peer=self._connection.peer, why=str(error))
            self.answer_error(error if self._grant is None else self._grant.only_own_names(error))
        except Exception:
            if self._is_logged(f"internal, {name}"):
                # A token is never logged.
                shown = line[:MAX_SHOWN] if b"auth" not in line else b"auth ..."
                log.failure("{peer}: {line!r} failed", peer=self._connection.peer, line=shown)
            self.answer_error(TwistedcamError("that failed inside the server; its log says why"))

    def _is_logged(self, what: str) -> bool:
        """Whether a refusal of this kind is logged; if not, it is counted."""
        kind = f"control port, {what}"
        if self._grant is not None and self._grant is not ANYONE:
            kind += f", token {self._grant.name}"
        peer = self._connection.transport.getPeer()
        return self._server.refusals.admits(peer, kind)

    def answer_error(self, error: TwistedcamError) -> None:
        """Say what is wrong."""
        self._connection.say(
            lines.error_as_json(error) if self.json else lines.error_as_text(error)
        )

    def fill(self, is_full: bool) -> None:
        """Whether what is said now waits, because the other side does not read."""
        if self._watch is not None:
            self._watch.fill(is_full)

    def stop_watching(self) -> None:
        """Tell of no more events."""
        if self._watch is not None:
            self._watch.stop()
            self._watch = None

    def leave(self) -> None:
        """The connection is gone, or about to end."""
        self._has_left = True
        self.stop_watching()
        if self._token_session is not None:
            self._token_session.close()

    # What a session can be asked (commands.connection.ControllerSession).

    def watch(self, camera: str | None) -> None:
        """Tell of events from now on."""
        it = self._connection

        def write(event: Event) -> str | None:
            about = getattr(event, "camera", None)
            if camera is not None and about not in (camera, None):
                return None
            if self._grant is None or not self._grant.may_hear(about):
                return None
            as_line = lines.event_as_json if self.json else lines.event_as_text
            return as_line(event, self._server.title_of(event))

        self._watch = EventWatch(self._server.events, write, it.say, it.drop, it.peer)
        self._watch.fill(it.is_full)

    async def authenticate(self, token: str) -> Grant:
        """Take a token, unless others on its way could have read it."""
        transport, authenticator = self._connection.transport, self._server.authenticator
        if authenticator.is_needed and not is_private(transport):
            raise Unauthorized(
                "a token in clear is refused from another machine: use TLS (an endpoint ssl:…) or "
                "a tunnel. Others may have read this one: replace it"
            )
        self._grant = await authenticator.by_token(token, transport.getPeer())
        self._connection.welcome()
        if self._token_session is not None:
            self._token_session.close()
        if not self._has_left:  # it may have waited for its turn
            self._token_session = authenticator.open_session(self._grant, self._go_on, self._end)
        return self._grant

    def _go_on(self, grant: Grant) -> bool:
        """The token allows other things now: they hold for this connection from now on.

        Returns: whether the connection may stay; not where it watches what it may not any more.
        """
        self._grant = grant
        return self._watch is None or bool(grant.rights & {"view", "control"})

    def _end(self, reason: Unauthorized) -> None:
        """The token has ended, and this connection with it."""
        log.info("{peer}: {why}", peer=self._connection.peer, why=str(reason))
        self.stop_watching()
        self.answer_error(reason)
        self._connection.close()

    def quit(self) -> None:
        """Close behind the answer; what was typed behind is not carried out."""
        self._connection.hear_no_more()

    async def _run(self, command: Command, words: list[str]) -> Answer:
        """Carry out what the token allows."""
        grant = self._grant or NOBODY
        bind = partial(command.bind, self._server, words, grant)
        return await carry_out(self._server, command, grant, bind, session=self)

    def _answer(self, command: Command, answer: Answer) -> None:
        form = lines.as_json if self.json else lines.as_text
        self._connection.say(form(command, answer))
