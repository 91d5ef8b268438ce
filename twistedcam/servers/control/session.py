"""A session on the control port: executes lines, and sends answers and events."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from twisted.logger import Logger

from twistedcam.auth import ANYONE, NOBODY, Grant, TokenSession
from twistedcam.commands import Registry, run_command
from twistedcam.errors import TwistedcamError, Unauthorized
from twistedcam.events import Event
from twistedcam.net.addresses import MAX_SHOWN, is_private, show_address
from twistedcam.servers.control import line_format as lines

if TYPE_CHECKING:
    from twistedcam.core.server import Server

log = Logger()

#: Bytes of events that may wait for a client that does not read; then it is disconnected.
MAX_UNREAD_EVENTS = 256 * 1024


class ControlServerSession:
    """The server's side of one session (commands.session.ControllerSession).

    Arguments:
        server: the server that is controlled.
        registry: the commands.
        transport: the connection.
        close: called to end the connection once everything is sent.
    """

    def __init__(
        self, server: Server, registry: Registry, transport: Any, close: Callable[[], None]
    ) -> None:
        self._server = server
        self._registry = registry
        self._transport = transport
        self._close = close
        #: The client's address, for the log.
        self.peer = show_address(transport.getPeer())
        #: True if answers are lines of JSON.
        self.json = False
        #: The line end that the client uses.
        self.newline = "\n"
        #: True if the client does not read, so that what is sent has to wait.
        self.is_full = False
        self.has_quit = False
        #: What the client may do; None until it has sent a token.
        self._grant: Grant | None = None
        self._token_session: TokenSession | None = None
        self._unsubscribe: Callable[[], None] | None = None
        self._unread = 0
        self._is_over = False
        if not server.authenticator.is_needed:
            self._begin(ANYONE)

    @property
    def has_grant(self) -> bool:
        """True if the client may execute commands."""
        return self._grant is not None

    async def execute(self, line: bytes) -> None:
        """Execute a line and send the answer. Raises nothing."""
        self.stop_watching()
        name = ""
        try:
            words = lines.split(line)
            if words:
                command, rest = self._registry.find(words)
                name = command.name
                if self._grant is None and not command.before_auth:
                    raise Unauthorized("this server requires a token first: auth TOKEN")
                grant = self._grant or NOBODY
                bind = partial(command.bind, self._server, rest, grant)
                answer = await run_command(self._server, command, grant, bind, session=self)
                self.send((lines.as_json if self.json else lines.as_text)(command, answer))
        except TwistedcamError as error:
            # The text contains the token's name, never the token.
            if isinstance(error, Unauthorized) and self._is_logged(str(error)):
                log.warn("{peer}: refused: {why}", peer=self.peer, why=str(error))
            self.send_error(error if self._grant is None else self._grant.only_own_names(error))
        except Exception:
            if self._is_logged(f"internal, {name}"):
                # A token is never logged.
                shown = line[:MAX_SHOWN] if b"auth" not in line else b"auth ..."
                log.failure("{peer}: {line!r} failed", peer=self.peer, line=shown)
            self.send_error(TwistedcamError("the server failed; its log has the reason"))

    def send(self, text: str) -> None:
        """Send text with the client's line ends."""
        if not self._is_over:
            data = text.replace("\n", self.newline).encode(errors="replace")
            self._transport.write(data.replace(b"\xff", b"\xff\xff"))

    def send_error(self, error: TwistedcamError) -> None:
        """Send an error in place of an answer."""
        self.send(lines.error_as_json(error) if self.json else lines.error_as_text(error))

    def set_full(self, is_full: bool) -> None:
        """Note that the client has stopped reading, or reads again."""
        self.is_full, self._unread = is_full, 0

    def stop_watching(self) -> None:
        """Send no more events."""
        if self._unsubscribe is not None:
            self._unsubscribe()
            self._unsubscribe = None

    def leave(self) -> None:
        """End the session: the connection is lost, or about to be closed."""
        self._is_over = True
        self.stop_watching()
        if self._token_session is not None:
            self._token_session.close()

    # commands.session.ControllerSession

    def watch(self, camera: str | None) -> None:
        """Send events of a camera, or of all, from now on."""
        self._unread = 0
        self._unsubscribe = self._server.events.subscribe(partial(self._on_event, camera))

    async def authenticate(self, token: str) -> Grant:
        """Accept a token, unless others on its way could have read it."""
        authenticator = self._server.authenticator
        if authenticator.is_needed and not is_private(self._transport):
            raise Unauthorized(
                "a token is not accepted from another machine without encryption: use TLS (an "
                "endpoint ssl:…) or a tunnel. Others may have read this token: replace it"
            )
        grant = await authenticator.by_token(token, self._transport.getPeer())
        self._begin(grant)
        return grant

    def _begin(self, grant: Grant) -> None:
        """Allow what a grant allows, in place of an earlier one."""
        self._grant = grant
        if self._token_session is not None:
            self._token_session.close()
        if not self._is_over:  # the check of the token may have been delayed
            self._token_session = self._server.authenticator.open_session(
                grant, self._on_grant_changed, self._on_grant_ended
            )

    def quit(self) -> None:
        """Close the connection after the answer."""
        self.has_quit = True

    def _on_event(self, camera: str | None, event: Event) -> None:
        about = getattr(event, "camera", None)
        if camera is not None and about not in (camera, None):
            return
        if self._grant is None or not self._grant.may_hear(about):
            return
        as_line = lines.event_as_json if self.json else lines.event_as_text
        text = as_line(event, self._server.title_of(event))
        if self.is_full:
            self._unread += len(text)
            if self._unread > MAX_UNREAD_EVENTS:
                log.warn("{peer} does not read its events and is disconnected", peer=self.peer)
                self.stop_watching()
                self._transport.abortConnection()
                return
        self.send(text)

    def _on_grant_changed(self, grant: Grant) -> bool:
        """Apply the token's new rights.

        Returns:
            False if the connection has to end: it watches events that the token no longer allows.
        """
        self._grant = grant
        return self._unsubscribe is None or bool(grant.rights & {"view", "control"})

    def _on_grant_ended(self, reason: Unauthorized) -> None:
        log.info("{peer}: {why}", peer=self.peer, why=str(reason))
        self.stop_watching()
        self.send_error(reason)
        self._close()

    def _is_logged(self, what: str) -> bool:
        """True if a refusal of this kind is logged; otherwise it is counted (RefusalLog)."""
        kind = f"control port, {what}"
        if self._grant is not None and self._grant is not ANYONE:
            kind += f", token {self._grant.name}"
        return self._server.refusals.should_log(self._transport.getPeer(), kind)
