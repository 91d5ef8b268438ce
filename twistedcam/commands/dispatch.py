"""Carries out a command for somebody, after asking whether they may: the same on every port."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from twistedcam.auth import Grant
from twistedcam.commands.command import Answer, Command
from twistedcam.util.camera_name import url_safe

if TYPE_CHECKING:
    from twistedcam.core.server import Server


async def carry_out(
    server: Server,
    command: Command,
    grant: Grant,
    bind: Callable[[], dict[str, Any]],
    session: Any = None,
) -> Answer:
    """Carry out a command with what a token allows, and tell only what its holder may know.

    The right is asked first. Only then are the arguments looked at: what is wrong with them may
    tell which cameras and files there are.

    Arguments:
        bind: gives the command's arguments; the cameras among them as VisibleCameras finds them.
        session: whose connection it is, for commands about that.

    Raises:
        Forbidden: the token does not allow it.
        CommandError: it was not carried out, and nothing of it was.
    """
    subject = session if command.of_session else server
    if command.before_auth:
        return await command.run(subject, **bind())
    grant.require_right(command.right)
    if not any(each.is_camera for each in command.parameters):
        grant.require_command(command.right, None, command.name)
    arguments = bind()
    camera: str | None = getattr(arguments.get("camera"), "name", None)
    grant.require_command(command.right, camera, command.name)
    if camera is not None:
        return await command.run(subject, **_with_own_file(command, grant, camera, arguments))
    answer: Answer = grant.only_own(
        await command.run(subject, **arguments), command.name, command.for_all
    )
    return answer


def _with_own_file(
    command: Command, grant: Grant, camera: str, arguments: dict[str, Any]
) -> dict[str, Any]:
    """A file that a token for some cameras names gets the camera's name before its own.

    So no such file can be one of another camera's, and nobody learns those names by trying them:
    no URL-safe form of a name, and no file that a camera names itself, has a plus sign in it.
    """
    name = arguments.get(command.new_file or "")
    if grant.cameras is None or not name:
        return arguments
    return {**arguments, command.new_file or "": f"{url_safe(camera)}+{name}"}
