"""The commands as HTTP operations, each with a method, a path and parameters."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from twistedcam.auth import ANYONE, Grant
from twistedcam.commands import Command, Parameter, VisibleCameras, run_command
from twistedcam.commands.status_fields import camera_status
from twistedcam.errors import BadArgument
from twistedcam.servers.http.connection.reply import Reply, json_reply
from twistedcam.servers.http.connection.request import HttpRequest

if TYPE_CHECKING:
    from twistedcam.core.server import Server

PREFIX = "/api/v1"
#: Characters of one parameter.
MAX_TEXT = 1024
#: Characters of a parameter that consists of several words.
MAX_WORDS = 4096

#: Characters that no line can have; those of surrogates have no UTF-8.
_NOT_IN_LINE = re.compile("[\0\n\ud800-\udfff]")

#: Without a camera this path gives the status of all cameras.
STATUS = "/status"

#: Methods and paths that do not follow from the command's name (see ``endpoints``).
_ENDPOINTS: dict[str, list[tuple[str, str]]] = {
    "status": [("GET", STATUS), ("GET", "/cameras/{camera}")],
    "recordings delete": [("DELETE", "/recordings/{name}")],
    "rename": [("POST", "/recordings/{name}/rename")],
    "protect": [("POST", "/recordings/{name}/protect")],
    "unprotect": [("POST", "/recordings/{name}/unprotect")],
    "logins": [("GET", "/logins")],
    "logins end": [("DELETE", "/logins/{id}")],
    "kick": [("DELETE", "/viewers/{id}")],
    "get": [("GET", "/cameras/{camera}/properties")],
    "set": [("PATCH", "/cameras/{camera}")],
}


@dataclass(frozen=True)
class Operation:
    """One command at one method and path.

    Arguments:
        method: ``GET`` if the command changes nothing.
        path: the path after ``/api/v1``, with parameters in braces.
        command: the command to run.
    """

    method: str
    path: str
    command: Command

    @property
    def in_path(self) -> list[Parameter]:
        """Parameters in the path."""
        return [each for each in self.command.parameters if f"{{{each.name}}}" in self.path]

    @property
    def others(self) -> list[Parameter]:
        """Parameters in the query (GET, DELETE) or in the body (POST)."""
        return [each for each in self.command.parameters if each not in self.in_path]

    @property
    def takes_properties(self) -> bool:
        """True if the body has properties of a camera and their values."""
        return self.method == "PATCH"

    @property
    def takes_body(self) -> bool:
        """True if the body has the parameters that are not in the path."""
        return self.method == "POST" and bool(self.others)


def operations(commands: Iterable[Command]) -> list[Operation]:
    """Return the operations of all commands that are available over HTTP."""
    return [
        Operation(method, path, command)
        for command in commands
        if not command.of_session
        for method, path in endpoints(command)
    ]


def endpoints(command: Command) -> list[tuple[str, str]]:
    """Return methods and paths: ``record start`` is ``POST /cameras/{camera}/record/start``."""
    if command.name in _ENDPOINTS:
        return _ENDPOINTS[command.name]
    path = "/".join(command.name.split())
    camera = any(each.is_camera and each.required for each in command.parameters)
    method = "GET" if command.right == "view" else "POST"
    return [(method, f"/cameras/{{camera}}/{path}" if camera else f"/{path}")]


def make_handler(server: Server, operation: Operation) -> Callable[..., Awaitable[Reply]]:
    """Return a function that answers the requests of an operation."""

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
        arguments = partial(bind, server, command, {**given, **parts}, grant)
        result = await run_command(server, command, grant, arguments)
        if isinstance(result, list):  # it has its plural as key, as on the control port
            result = {command.items or "items": result}
        return json_reply(result or {})

    return answer


def bind(
    server: Server, command: Command, given: dict[str, Any], grant: Grant = ANYONE
) -> dict[str, Any]:
    """Return the arguments of a command from the named parameters of a request.

    Raises:
        BadArgument, NoSuchCamera, CameraNeeded: a parameter is unknown, missing or not valid.
        Forbidden: the token does not cover the camera, whether or not the camera exists.
    """
    cameras = VisibleCameras(server, grant)
    known = {each.name: each for each in command.parameters}
    for name in given:
        if name not in known:
            raise BadArgument(f"unknown parameter {name[:80]!r}: {command.usage}")
    arguments: dict[str, Any] = {}
    for name, parameter in known.items():
        value = given.get(name)
        if parameter.is_camera:
            if value is not None or parameter.required:
                camera = None if value is None else as_text(name, value)
                arguments[name] = parameter.find_camera(cameras, camera)
        elif value is None:
            if parameter.required:
                raise BadArgument(f"{name} is missing: {command.usage}")
        elif parameter.kind == "switch":
            arguments[name] = _switch(name, value)
        elif parameter.kind == "rest":
            arguments[name] = as_text(name, value, MAX_WORDS).split()
        else:
            arguments[name] = as_text(name, value)
    return arguments


def read_body(request: HttpRequest, empty: bool = False) -> dict[str, Any]:
    """Return the JSON object in the body, or an empty one if there is no body.

    Arguments:
        empty: True if the object must be empty.

    Raises:
        BadArgument: the body is something else.
    """
    assert request.content is not None
    body = request.content.read()
    if not body.strip():
        return {}
    kind = (request.getHeader("Content-Type") or "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise BadArgument("the body must be JSON with Content-Type: application/json")
    try:
        value = json.loads(body)
        json.dumps(value, ensure_ascii=False).encode()  # half of a surrogate pair is no text
    except (ValueError, RecursionError):
        raise BadArgument("the body is not JSON in UTF-8") from None
    if not isinstance(value, dict):
        raise BadArgument("the body must be a JSON object, such as {}")
    if empty and value:
        raise BadArgument("this takes no parameters")
    return value


def as_text(name: str, value: Any, most: int = MAX_TEXT) -> str:
    """Return a parameter as text.

    Arguments:
        most: the number of its characters at most.

    Raises:
        BadArgument: the value is a list or an object, or not one line of text.
    """
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, (int, float)):
        return str(value)
    if not isinstance(value, str):
        raise BadArgument(f"{name} must be text or a number")
    if len(value) > most or _NOT_IN_LINE.search(value):
        raise BadArgument(f"{name} must be one line of at most {most} characters")
    return value


async def _set_properties(server: Server, request: HttpRequest, camera: str) -> Reply:
    """Set the properties in the body, all or none, and return their values."""
    wanted = {name: as_text(name, value) for name, value in read_body(request).items()}
    found = VisibleCameras(server, request.grant).get(camera)
    if not wanted:
        raise BadArgument('the body must name a property and its value: {"fps": 15}')
    properties = await server.channels[found.name].properties.set_all(wanted)
    return json_reply({"properties": [each.as_dict() for each in properties]})


def _all_cameras(server: Server, request: HttpRequest) -> Reply:
    """Return the status of every camera, so that a monitor needs only one request."""
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
            raise BadArgument("the query must be UTF-8") from None
    return found


def _merge(query: dict[str, str], body: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters of the query and the body together.

    Raises:
        BadArgument: a parameter has two values.
    """
    for name in query:
        if name in body and as_text(name, body[name]) != query[name]:
            raise BadArgument(f"{name} has different values in the query and in the body")
    return {**query, **body}


def _switch(name: str, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if value in ("1", "true", "0", "false"):
        return value in ("1", "true")
    raise BadArgument(f"{name} must be true or false")
