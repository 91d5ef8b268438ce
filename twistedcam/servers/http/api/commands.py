"""The commands as HTTP requests: each has its method, its path, and its words as parameters."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from twistedcam.auth import ANYONE, Grant
from twistedcam.commands import Answer, Command, Parameter, VisibleCameras, carry_out
from twistedcam.commands.status import camera_status
from twistedcam.errors import BadArgument
from twistedcam.servers.http.connection.reply import Reply, json_reply
from twistedcam.servers.http.connection.request import HttpRequest

if TYPE_CHECKING:
    from twistedcam.core.server import Server

PREFIX = "/api/v1"
#: Characters of one word.
MAX_WORD = 1024

#: Here no camera need be named: where there are several, it tells of each.
STATUS = "/status"

#: Where a command's place is not the one that its name gives (see ``places``).
_PLACES: dict[str, list[tuple[str, str]]] = {
    "status": [("GET", STATUS), ("GET", "/cameras/{camera}")],
    "recordings delete": [("DELETE", "/recordings/{name}")],
    "kick": [("DELETE", "/viewers/{id}")],
    "get": [("GET", "/cameras/{camera}/properties")],
    "set": [("PATCH", "/cameras/{camera}")],
}


@dataclass(frozen=True)
class Operation:
    """One command at one place.

    Arguments:
        method: ``GET`` for what changes nothing.
        path: behind ``/api/v1``, with the parameters that stand in it in braces.
        command: what is carried out.
    """

    method: str
    path: str
    command: Command

    @property
    def in_path(self) -> list[Parameter]:
        """Parameters that stand in the path."""
        return [each for each in self.command.parameters if f"{{{each.name}}}" in self.path]

    @property
    def others(self) -> list[Parameter]:
        """Parameters in the query (GET, DELETE) or in the body (POST)."""
        return [each for each in self.command.parameters if each not in self.in_path]

    @property
    def takes_properties(self) -> bool:
        """Whether the body has a camera's properties and their values: PATCH."""
        return self.method == "PATCH"

    @property
    def takes_body(self) -> bool:
        """Whether the parameters that are not in the path are a JSON object."""
        return self.method == "POST" and bool(self.others)


def operations(commands: Iterable[Command]) -> list[Operation]:
    """Those of the commands that make sense over HTTP, in their order."""
    return [
        Operation(method, path, command)
        for command in commands
        if not command.of_session
        for method, path in places(command)
    ]


def places(command: Command) -> list[tuple[str, str]]:
    """Method and path: ``record start`` is ``POST /cameras/{camera}/record/start``."""
    if command.name in _PLACES:
        return _PLACES[command.name]
    words = "/".join(command.name.split())
    camera = any(each.is_camera and each.required for each in command.parameters)
    method = "GET" if command.right == "view" else "POST"
    return [(method, f"/cameras/{{camera}}/{words}" if camera else f"/{words}")]


def handler(server: Server, operation: Operation) -> Callable[..., Awaitable[Reply]]:
    """A function that answers this operation's requests."""

    async def answer(request: HttpRequest, **parts: str) -> Reply:
        if operation.takes_properties:
            return await _set_properties(server, request, parts["camera"])
        given: dict[str, Any] = _read_query(request)
        if operation.takes_body:
            given = _merge(given, read_body(request))
        if request.method == b"POST" and not operation.takes_body:
            read_body(request, empty=True)
        if operation.path == STATUS and not given and len(server.cameras) > 1:
            return _all_cameras(server, request)
        command, grant = operation.command, request.grant
        words = partial(bind, server, command, {**given, **parts}, grant)
        return as_reply(command, await carry_out(server, command, grant, words))

    return answer


def bind(
    server: Server, command: Command, given: dict[str, Any], grant: Grant = ANYONE
) -> dict[str, Any]:
    """The command's arguments from what a request gave by name.

    Raises:
        BadArgument, NoSuchCamera, CameraNeeded: it will not do.
        Forbidden: it names a camera that the token is not good for, or that there is not.
    """
    cameras = VisibleCameras(server, grant)
    known = {each.name: each for each in command.parameters}
    for name in given:
        if name not in known:
            raise BadArgument(f"there is no {name[:80]!r}: {command.usage}")
    arguments: dict[str, Any] = {}
    for name, parameter in known.items():
        value = given.get(name)
        if parameter.is_camera:
            if value is not None or parameter.required:
                camera = None if value is None else word(name, value)
                arguments[name] = cameras.get(camera)
        elif value is None:
            if parameter.required:
                raise BadArgument(f"{name} is missing: {command.usage}")
        elif parameter.kind == "switch":
            arguments[name] = _switch(name, value)
        elif parameter.kind == "rest":
            arguments[name] = word(name, value).split()
        else:
            arguments[name] = word(name, value)
    return arguments


def as_reply(command: Command, answer: Answer) -> Reply:
    """An answer as JSON; a list stands under its plural, as on the control port."""
    if isinstance(answer, list):
        return json_reply({command.items or "items": answer})
    return json_reply(answer or {})


def read_body(request: HttpRequest, empty: bool = False) -> dict[str, Any]:
    """The request's body: a JSON object, or nothing.

    Arguments:
        empty: whether the object has to be empty.

    Raises:
        BadArgument: it is something else.
    """
    assert request.content is not None
    body = request.content.read()
    if not body.strip():
        return {}
    kind = (request.getHeader("Content-Type") or "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise BadArgument("a body has to be JSON, with Content-Type: application/json")
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        raise BadArgument("the body is no JSON") from None
    if not isinstance(value, dict):
        raise BadArgument("the body has to be a JSON object, such as {}")
    if empty and value:
        raise BadArgument("this takes no parameters")
    return value


def word(name: str, value: Any) -> str:
    """A parameter as a command takes it: text.

    Raises:
        BadArgument: it is a list or an object, or text that no line could have.
    """
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, (int, float)):
        return str(value)
    if not isinstance(value, str):
        raise BadArgument(f"{name} has to be text or a number")
    if len(value) > MAX_WORD or "\0" in value or "\n" in value or not _is_text(value):
        raise BadArgument(f"{name} has to be one line of at most {MAX_WORD} characters")
    return value


async def _set_properties(server: Server, request: HttpRequest, camera: str) -> Reply:
    """The properties of the body are set, all or none; what holds then."""
    wanted = {name: word(name, value) for name, value in read_body(request).items()}
    found = VisibleCameras(server, request.grant).get(camera)
    if not wanted:
        raise BadArgument('name a property and its value: {"fps": 15}')
    properties = await server.properties[found.name].set_all(wanted)
    return json_reply({"properties": [each.as_dict() for each in properties]})


def _all_cameras(server: Server, request: HttpRequest) -> Reply:
    """The status of every camera: a program that looks after a server asks for all at once."""
    found = [camera_status(server, camera) for camera in server.cameras.values()]
    return json_reply({"cameras": request.grant.only_own(found, "status")})


def _read_query(request: HttpRequest) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, values in (request.args or {}).items():
        if name == b"token":
            continue
        try:
            found[name.decode()] = values[-1].decode()
        except UnicodeDecodeError:
            raise BadArgument("a query has to be UTF-8") from None
    return found


def _merge(query: dict[str, str], body: dict[str, Any]) -> dict[str, Any]:
    """What the query and the body give together.

    Raises:
        BadArgument: they give one parameter two values.
    """
    for name in query:
        if name in body and word(name, body[name]) != query[name]:
            raise BadArgument(f"{name} is in the query and in the body, with two values")
    return {**query, **body}


def _switch(name: str, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if value in ("1", "true", "0", "false"):
        return value in ("1", "true")
    raise BadArgument(f"{name} is true or false")


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
