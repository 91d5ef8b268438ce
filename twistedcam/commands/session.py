"""The commands about the client's own connection: only the control port has them."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Protocol

from twistedcam.auth import RIGHTS
from twistedcam.auth.expiry import as_local_time
from twistedcam.commands.command import Answer
from twistedcam.commands.registry import Registry
from twistedcam.errors import BadArgument

if TYPE_CHECKING:
    from twistedcam.auth import Grant
    from twistedcam.camera import Camera


class ControllerSession(Protocol):
    """A client's session on the control port."""

    #: True if answers are lines of JSON.
    json: bool

    def watch(self, camera: str | None) -> None:
        """Send that camera's events, or all, until the next line."""

    async def authenticate(self, token: str) -> Grant:
        """Accept a token and return its rights. Raises Unauthorized."""

    def quit(self) -> None:
        """Close the connection after the answer."""


def add_session_commands(registry: Registry) -> None:
    """Add ``auth``, ``watch``, ``json`` and ``quit``."""

    @registry.command("auth", right="view", before_auth=True, of_session=True)
    async def auth(session: ControllerSession, token: str) -> Answer:
        """Authenticate with a token, on a server that has tokens (twistedcam token --help).

        The answer has your rights, the cameras if they are not all, and the time when the token
        expires, if it does.
        """
        grant = await session.authenticate(token)
        answer = {"rights": " ".join(right for right in RIGHTS if right in grant.rights)}
        if grant.cameras is not None:
            answer["cameras"] = shlex.join(sorted(grant.cameras))
        if grant.expires is not None:
            answer["expires"] = as_local_time(grant.expires)
        return answer

    @registry.command("watch", right="view", of_session=True)
    def watch(session: ControllerSession, camera: Camera | None = None) -> Answer:
        """Show the events of one camera or of all, until the next line is typed.

        Each event is a line: event: KIND, then its fields as key=value. KIND is state, recording,
        motion, detection, hook, publish, viewer, properties, process or fault.
        """
        session.watch(None if camera is None else camera.name)
        return None

    @registry.command("json", right="view", before_auth=True, of_session=True)
    def json(session: ControllerSession, on_or_off: str) -> Answer:
        """Answer in JSON, one line for each answer (on), or as text (off)."""
        if on_or_off not in ("on", "off"):
            raise BadArgument("use json on or json off")
        session.json = on_or_off == "on"
        return None

    @registry.command("quit", right="view", before_auth=True, of_session=True)
    def quit(session: ControllerSession) -> Answer:
        """Close this connection; the server keeps running."""
        session.quit()
        return None
