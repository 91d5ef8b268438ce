"""Executes a command within a client's rights: the same for every port."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from twistedcam.auth import Grant
from twistedcam.commands.command import Answer, Command
from twistedcam.errors import Forbidden
from twistedcam.util.camera_name import url_safe

if TYPE_CHECKING:
    from twistedcam.core.server import Server


async def run_command(
    server: Server,
    command: Command,
    grant: Grant,
    bind: Callable[[], dict[str, Any]],
    session: Any = None,
) -> Answer:
    """Execute a command if the client has the right, and return what it may know of the answer.

    All ports and the keys on the server's terminal use this function.

    The right is checked before the arguments: errors in these may tell which cameras and files
    exist.

    Arguments:
        bind: returns the command's arguments, with cameras from VisibleCameras.
        session: the client's session on the control port, for commands about that.

    Raises:
        Forbidden: the grant does not allow it, or it is about a session, and there is none.
        CommandError: it failed, and changed nothing.
    """
    if command.of_session and session is None:
        raise Forbidden(f"{command.name!r} is available only on the control port")
    subject = session if command.of_session else server
    if command.before_auth:
        return await command.run(subject, **bind())
    grant.require_right(command.right)
    if not any(each.is_camera for each in command.parameters):
        grant.require_command(command.right, None, command.name)
    arguments = bind()
    if command.takes_covers:
        arguments["covers"] = grant.covers
    camera: str | None = getattr(arguments.get("camera"), "name", None)
    grant.require_command(command.right, camera, command.name)
    if camera is not None:
        return await command.run(subject, **_with_own_file(command, grant, camera, arguments))
    answer: Answer = grant.only_own(
        await command.run(subject, **arguments), command.name, command.shared_keys
    )
    return answer


def _with_own_file(
    command: Command, grant: Grant, camera: str, arguments: dict[str, Any]
) -> dict[str, Any]:
    """Add the camera's name to the name of a file, if the token is limited to some cameras.

    Such a file cannot be one of another camera, and a client cannot find names by guessing: no
    URL-safe name, and no default file name, contains a plus sign.
    """
    name = arguments.get(command.new_file or "")
    if grant.cameras is None or not name:
        return arguments
    return {**arguments, command.new_file or "": f"{url_safe(camera)}+{name}"}
