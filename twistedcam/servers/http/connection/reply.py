"""What a handler answers with."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from twisted.web.http import RESPONSES

from twistedcam.errors import (
    BadArgument,
    CameraFailed,
    CameraNeeded,
    DiskError,
    Forbidden,
    LineTooLong,
    NoSuchCamera,
    NoSuchRecording,
    NoSuchViewer,
    NotRecording,
    NotSupported,
    TargetFailed,
    TooMany,
    TooOften,
    TwistedcamError,
    Unauthorized,
    UnknownCommand,
)

JSON = "application/json"

#: The HTTP status of each error that a command can be answered with. Other errors are a 500.
STATUS: dict[type[TwistedcamError], int] = {
    BadArgument: 400,
    CameraNeeded: 400,
    LineTooLong: 400,
    Forbidden: 403,
    Unauthorized: 401,
    UnknownCommand: 404,
    NoSuchCamera: 404,
    NoSuchRecording: 404,
    NoSuchViewer: 404,
    NotRecording: 409,
    NotSupported: 409,
    TooOften: 429,
    TooMany: 503,
    CameraFailed: 503,
    DiskError: 503,
    TargetFailed: 503,
}
#: Codes that are HTTP's alone, or any error's that has no status of its own.
OWN = {
    "forbidden": 403,
    "not-found": 404,
    "method-not-allowed": 405,
    "timeout": 408,
    "too-large": 413,
    "internal": 500,
}
#: The code of what is refused before the request is complete.
REFUSALS = {400: "bad-argument", 408: "timeout", 413: "too-large"}


@dataclass
class Reply:
    """A whole answer.

    Arguments:
        body: bytes to send.
        type: their media type.
        status: HTTP status.
        cache: ``Cache-Control``.
        headers: further ones.
    """

    body: bytes = b""
    type: str = JSON
    status: int = 200
    cache: str = "no-store"
    headers: dict[str, str] = field(default_factory=dict)


def json_reply(value: Any, status: int = 200, **headers: str) -> Reply:
    """A value as JSON."""
    body = json.dumps(value, ensure_ascii=False).encode() + b"\n"
    return Reply(body, status=status, headers=headers)


def raw_answer(reply: Reply) -> bytes:
    """A reply as the last bytes of a connection, where there is no request that it answers."""
    head = {
        "Server": "twistedcam",
        "X-Content-Type-Options": "nosniff",
        "Content-Type": reply.type,
        "Cache-Control": reply.cache,
        **reply.headers,
        "Content-Length": str(len(reply.body)),
        "Connection": "close",
    }
    lines = [f"HTTP/1.1 {reply.status} {RESPONSES[reply.status].decode()}"]
    lines += [f"{name}: {value}" for name, value in head.items()]
    return "\r\n".join([*lines, "", ""]).encode() + reply.body


def error_reply(error: TwistedcamError) -> Reply:
    """``{"code", "message"}``, as the control protocol has them."""
    status = next((STATUS[each] for each in type(error).__mro__ if each in STATUS), 500)
    reply = json_reply({"code": error.code, "message": str(error)}, status)
    if status == 401:  # a browser then asks its user: any name, the token as password
        reply.headers["WWW-Authenticate"] = 'Basic realm="twistedcam", charset="UTF-8"'
    if status in (429, 503):
        reply.headers["Retry-After"] = "2" if status == 503 else "1"
    return reply
