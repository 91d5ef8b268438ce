"""Replies of handlers, and the statuses of errors."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from twisted.web.http import RESPONSES

from twistedcam.auth.password_login import LoginChallenge
from twistedcam.errors import (
    BadArgument,
    CameraFailed,
    CameraNeeded,
    Conflict,
    DiskError,
    Forbidden,
    HookFailed,
    LineTooLong,
    NoSuchCamera,
    NoSuchEvent,
    NoSuchHook,
    NoSuchLogin,
    NoSuchRecording,
    NoSuchViewer,
    NotRecording,
    NotSupported,
    PushFailed,
    TargetFailed,
    TooMany,
    TooOften,
    TwistedcamError,
    Unauthorized,
    UnknownCommand,
)

JSON = "application/json"
#: ``WWW-Authenticate`` for requests of pages: browsers know this and show no dialog for it.
BEARER = 'Bearer realm="twistedcam"'

#: The HTTP status of each error of commands; other errors have status 500.
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
    NoSuchEvent: 404,
    NoSuchHook: 404,
    NoSuchLogin: 404,
    NotRecording: 409,
    Conflict: 409,
    NotSupported: 409,
    TooOften: 429,
    TooMany: 503,
    CameraFailed: 503,
    DiskError: 503,
    HookFailed: 503,
    PushFailed: 503,
    TargetFailed: 503,
}
#: The codes that only HTTP has, and that of errors without a status.
HTTP_CODES = {
    "forbidden": 403,
    "not-found": 404,
    "method-not-allowed": 405,
    "timeout": 408,
    "too-large": 413,
    "internal": 500,
}
#: The codes of errors before a request is complete.
REFUSALS = {400: "bad-argument", 408: "timeout", 413: "too-large"}


@dataclass
class Reply:
    """A complete response.

    Arguments:
        type: the media type of the body.
        cache: ``Cache-Control``.
        headers: additional headers.
        refusal: the reason for the log if the body is a page that refuses the request.
    """

    body: bytes = b""
    type: str = JSON
    status: int = 200
    cache: str = "no-store"
    headers: dict[str, str] = field(default_factory=dict)
    refusal: str = ""


def json_reply(value: Any, status: int = 200, **headers: str) -> Reply:
    """Return a reply with a value as JSON."""
    body = json.dumps(value, ensure_ascii=False).encode() + b"\n"
    return Reply(body, status=status, headers=headers)


def raw_answer(reply: Reply) -> bytes:
    """Serialize a reply that closes the connection, for use without a request."""
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
    """Return a reply with the ``code`` and ``message`` of an error, as in the control protocol."""
    status = next((STATUS[each] for each in type(error).__mro__ if each in STATUS), 500)
    reply = json_reply({"code": error.code, "message": str(error)}, status)
    if status == 401:  # browsers ask for a user name (any) and a password (the token)
        basic = 'Basic realm="twistedcam", charset="UTF-8"'
        challenges = error.challenges if isinstance(error, LoginChallenge) else [basic]
        reply.headers["WWW-Authenticate"] = ", ".join(challenges)
    if status in (429, 503):
        reply.headers["Retry-After"] = "2" if status == 503 else "1"
    return reply
