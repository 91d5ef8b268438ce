"""The OpenAPI description of the API, built from the commands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twistedcam.commands import Parameter
from twistedcam.servers.http.api.commands import MAX_TEXT, MAX_WORDS, PREFIX, Operation
from twistedcam.servers.http.connection.reply import HTTP_CODES, STATUS
from twistedcam.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_ERRORS = {
    400: "A parameter, a value or the body is not valid, or the camera must be named.",
    401: "A token is needed, or the token is wrong.",
    403: "The token does not have the right; or the request comes from the page of another site, "
    "or uses a host name that is not the server's.",
    404: "No camera, recording, event, hook or viewer has that name, or nothing is at this "
    "address.",
    405: "This address has other methods: those in Allow.",
    408: "The request took too long to arrive.",
    409: "The camera or the system cannot do that, or not now.",
    413: "The body is too long.",
    429: "Too many requests: wait a second.",
    500: "An internal error; the server's log has more.",
    503: "The camera gives no picture, a file cannot be written, or the server is too busy: the "
    "message has the reason.",
}
#: The ways to send a token.
_TOKENS: list[dict[str, list[str]]] = [{"bearer": []}, {"basic": []}, {"query": []}]
#: Paths that are no commands, with their summaries and schemas.
_OTHER_PATHS: dict[str, tuple[str, dict[str, Any]]] = {
    "/time": (
        "The server's clock: seconds since 1970.",
        {"type": "object", "required": ["time"], "properties": {"time": {"type": "number"}}},
    ),
    "/openapi.json": ("This description.", {"type": "object"}),
}

#: The path of the log.
LOG = "/log"
#: The path of the figures of the process.
PROCESS = "/process"
#: The path of the configuration.
CONFIGURATION = "/configuration"
#: Below that path, by method: summaries, and the texts of the body that are required.
_CONFIGURATION: dict[str, dict[str, tuple[str, list[str]]]] = {
    "": {
        "get": ("The text of the configuration file, and its version.", []),
        "put": ("Replace the text, and apply it.", ["text", "version"]),
    },
    "/check": {"post": ("Check a text; answers with its difference to the file.", ["text"])},
    "/options": {
        "get": ("The options of the server or a camera, as fields of forms.", []),
        "post": ("The same of a text in place of the file's.", ["text"]),
    },
    "/edit": {
        "post": (
            "Set options, or add, copy, rename or remove a camera, in a text; nothing is saved.",
            ["text", "action"],
        )
    },
    "/merge": {
        "post": ("Join a changed text with the changes of others.", ["text", "version"]),
    },
    "/undo": {"post": ("Take the last change back.", ["version"])},
    "/devices": {"post": ("Look for cameras of this machine, or in the network.", [])},
    "/probe": {"post": ("Try a source: its size, its rate, and a picture.", ["source"])},
}

#: The path of the first setup, and what is below it.
SETUP = "/setup"
_SETUP: dict[str, dict[str, str]] = {
    SETUP: {
        "get": "What the first setup is about, and what there is to choose from.",
        "post": "Write the choices to the configuration file, and apply them.",
    },
    f"{SETUP}/check": {"post": "Check choices; answers with the difference to the file."},
    f"{SETUP}/restart": {"post": "Start the server again: recordings end, clients reconnect."},
    f"{SETUP}/devices": {"post": "Look for cameras; names the camera that has a device."},
    f"{SETUP}/previews": {"post": "Open a source; answers when it gives pictures."},
    f"{SETUP}/previews/{{id}}": {
        "get": "The newest picture of a source that is open.",
        "delete": "Close a source that is open.",
    },
    "/qr": {"post": "A QR code of a text, as SVG."},
}
#: Further properties of these bodies, with their types.
_MORE_PROPERTIES = {
    "/edit": {
        "name": "string",
        "source": "string",
        "new": "string",
        "settings": "object",
        "changes": "array",
    },
    "/options": {"camera": "string"},
}

#: The content of answers that are pictures, and the part of a path that names one thing.
_JPEG = {"image/jpeg": {"schema": {"type": "string"}}}
_ID = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
#: The path of the picture of an event.
EVENT_PICTURE = "/events/{id}/snapshot"


def describe(
    operations: Iterable[Operation],
    cameras: Sequence[str],
    needs_token: bool = False,
    has_configuration: bool = False,
    has_log: bool = False,
) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document.

    Arguments:
        cameras: the names of the cameras that the client may see.
        needs_token: True if the server needs a token.
        has_configuration: True if the configuration can be changed.
        has_log: True if the log can be read.
    """
    paths = {
        PREFIX + path: {"get": _other_operation(path, *found)}
        for path, found in _OTHER_PATHS.items()
    }
    paths[PREFIX + EVENT_PICTURE] = {"get": _event_picture()}
    if has_log:
        paths[PREFIX + LOG] = {"get": _log_lines()}
        summary = "Processor, memory, threads and open files of the last half hour."
        paths[PREFIX + PROCESS] = {"get": _other_operation(PROCESS, summary, {"type": "object"})}
    for path, methods in _CONFIGURATION.items() if has_configuration else ():
        described = {how: _configuration(how, path, *found) for how, found in methods.items()}
        paths[PREFIX + CONFIGURATION + path] = described
    for path, summaries in _SETUP.items():
        if not has_configuration and path != "/qr":
            continue
        paths[PREFIX + path] = {how: _setup(how, path, text) for how, text in summaries.items()}
    for each in operations:
        paths.setdefault(PREFIX + each.path, {})[each.method.lower()] = _operation(each, cameras)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "twistedcam",
            "version": __version__,
            "description": "The commands of the control port, over HTTP.",
        },
        "security": [*([] if needs_token else [{}]), *_TOKENS],
        "paths": paths,
        "components": {
            "schemas": {
                "Error": {
                    "type": "object",
                    "required": ["code", "message"],
                    "properties": {
                        "code": {"type": "string", "description": "One of " + _codes()},
                        "message": {"type": "string"},
                    },
                }
            },
            "responses": {
                str(status): {
                    "description": text,
                    "content": {
                        "application/json": {"schema": {"$ref": "#/components/schemas/Error"}}
                    },
                }
                for status, text in _ERRORS.items()
            },
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "basic": {"type": "http", "scheme": "basic"},
                "query": {"type": "apiKey", "in": "query", "name": "token"},
            },
        },
    }


def _other_operation(path: str, summary: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {
        "operationId": f"get {path}",
        "summary": summary,
        "tags": ["server"],
        "responses": _responses(summary, schema),
    }


def _configuration(method: str, path: str, summary: str, texts: list[str]) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": f"{method} {CONFIGURATION}{path}",
        "summary": summary,
        "tags": ["configuration"],
        "responses": _responses(summary, {"type": "object"}),
    }
    if path == "/options" and method == "get":
        text = {"type": "string"}
        described["parameters"] = [{"name": "camera", "in": "query", "schema": text}]
    if texts:
        properties: dict[str, Any] = {name: {"type": "string"} for name in texts}
        for name, kind in _MORE_PROPERTIES.get(path, {}).items():
            properties[name] = {"type": kind}
        schema = {"type": "object", "properties": properties, "required": texts}
        described["requestBody"] = _json_body(schema)
    return described


def _setup(method: str, path: str, summary: str) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": f"{method} {path}",
        "summary": summary,
        "tags": ["setup"],
        "responses": _responses(summary, {"type": "object"}),
    }
    if "{id}" in path:
        described["parameters"] = [_ID]
    if method == "get" and "{id}" in path:
        described["responses"]["200"]["content"] = _JPEG
    if path == "/qr":
        described["responses"]["200"]["content"] = {"image/svg+xml": {"schema": {"type": "string"}}}
    if method == "post":
        described["requestBody"] = _json_body({"type": "object"})
    return described


def _log_lines() -> dict[str, Any]:
    lines = {"type": "array", "items": {"type": "object"}}
    return {
        **_other_operation(
            LOG, "The newest lines of the log.", {"type": "object", "properties": {"lines": lines}}
        ),
        "parameters": [
            {
                "name": "lines",
                "in": "query",
                "schema": {"type": "integer", "minimum": 1, "maximum": 2000},
            },
            {"name": "filter", "in": "query", "schema": {"type": "string"}},
        ],
    }


def _event_picture() -> dict[str, Any]:
    summary = "The picture of an event that was kept."
    responses = _responses(summary, {})
    responses["200"]["content"] = _JPEG
    return {
        "operationId": f"get {EVENT_PICTURE}",
        "summary": summary,
        "tags": ["events"],
        "parameters": [_ID],
        "responses": responses,
    }


def _json_body(schema: dict[str, Any], *, required: bool = True) -> dict[str, Any]:
    return {"required": required, "content": {"application/json": {"schema": schema}}}


def _responses(description: str, schema: dict[str, Any]) -> dict[str, Any]:
    done = {"description": description, "content": {"application/json": {"schema": schema}}}
    errors = {str(status): {"$ref": f"#/components/responses/{status}"} for status in _ERRORS}
    return {"200": done, **errors}


def _operation(each: Operation, cameras: Sequence[str]) -> dict[str, Any]:
    command = each.command
    described: dict[str, Any] = {
        "operationId": f"{each.method.lower()} {each.path}",
        "summary": command.summary,
        "description": command.help,
        "tags": [each.path.split("/")[1]],
        "parameters": [_parameter(one, "path", cameras) for one in each.in_path],
        "responses": _responses("Done, with the result.", _answer(each)),
    }
    body = _body(each)
    if body is not None:
        is_required = each.takes_properties or any(one.required for one in each.others)
        described["requestBody"] = _json_body(body, required=is_required)
    elif not each.takes_body:
        described["parameters"] += [_parameter(one, "query", cameras) for one in each.others]
    return described


def _parameter(parameter: Parameter, place: str, cameras: Sequence[str]) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "in": place,
        # A camera may be left out where there is only one.
        "required": place == "path" or (parameter.required and not parameter.is_camera),
        "schema": {"type": "string", "enum": [*cameras]}
        if parameter.is_camera and cameras and not parameter.is_recorded
        else _schema(parameter),
    }


def _body(each: Operation) -> dict[str, Any] | None:
    if each.takes_properties:
        return {
            "type": "object",
            "minProperties": 1,
            "additionalProperties": {"type": ["string", "number", "boolean"]},
            "description": "The properties to change, and their values.",
            "examples": [{"fps": 15}],
        }
    if not each.takes_body:
        return None
    return {
        "type": "object",
        "properties": {one.name: _schema(one) for one in each.others},
        "required": [one.name for one in each.others if one.required],
        "additionalProperties": False,
    }


def _schema(parameter: Parameter) -> dict[str, Any]:
    if parameter.kind == "switch":
        return {"type": "boolean"}
    most = MAX_WORDS if parameter.kind == "rest" else MAX_TEXT
    return {"type": "string", "minLength": 1, "maxLength": most, "pattern": r"^[^\x00\n]+$"}


def _answer(each: Operation) -> dict[str, Any]:
    items = "properties" if each.takes_properties else each.command.items
    if items is None:
        return {"type": "object"}
    listed = {"type": "array", "items": {"type": "object"}}
    schema: dict[str, Any] = {"type": "object", "properties": {items: listed}}
    return schema


def _codes() -> str:
    return ", ".join(dict.fromkeys([*(error.code for error in STATUS), *HTTP_CODES]))
