"""The client's side of the control protocol, without input or output."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from typing import Any

from twistedcam.errors import BadArgument, NoServer, error_from_code

#: An answer or an event, as in the server's JSON.
Message = dict[str, Any]

DEFAULT_ENDPOINT = "tcp:127.0.0.1:9531"
VERSION = 1
#: Maximum bytes of a line from the server: a list of many thousand recordings is one line.
_MAX_LINE = 64 * 1024 * 1024


def write_line(words: list[str]) -> bytes:
    """Encode a command as a line.

    Raises:
        BadArgument: a word contains a line end or NUL.
    """
    if any(letter in word for word in words for letter in "\r\n\0"):
        raise BadArgument("an argument must not contain a line end or NUL")
    # IAC is doubled for telnet. UTF-8 has no such byte, but an invalid file name may contain it.
    line = shlex.join(words).encode(errors="surrogateescape") + b"\n"
    return line.replace(b"\xff", b"\xff\xff")


class ControlClientSession:
    """Parses the server's greeting, answers and events.

    The client has to send ``opening`` first: it requests answers in JSON, and has the token.

    Arguments:
        token: the token, if the server has tokens.
    """

    def __init__(self, token: str | None = None) -> None:
        self._buffer = b""
        self.opening = write_line(["json", "on"])
        if token is not None:
            self.opening += write_line(["auth", token])
        self._due = self.opening.count(b"\n")
        #: The answer to ``auth``: the rights, and the cameras if they are not all.
        self.granted: Message = {}
        #: The server's version; None before its greeting.
        self.server_version: str | None = None

    @property
    def is_ready(self) -> bool:
        """True if the server has answered ``opening``."""
        return self._due == 0

    def feed(self, data: bytes) -> Iterator[Message]:
        """Yield the answers and events that ``data`` completes.

        An answer has the key ``ok``, an event has the key ``event``.

        Raises:
            NoServer: the peer is not a control port that this client understands.
            CommandError: the server refuses this client.
        """
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        if len(self._buffer) > _MAX_LINE:
            raise NoServer("a line from the server has no end: this is not a control port")
        for line in lines:
            if self.server_version is None:
                self._read_greeting(line.decode(errors="replace").split())
                continue
            message = self._read(line.replace(b"\xff\xff", b"\xff"))
            if self.is_ready:
                yield message
            else:
                self.granted = answer(message)  # the last one is that of auth, if there is a token
                self._due -= 1

    def _read_greeting(self, words: list[str]) -> None:
        if words[:2] == ["OK", "twistedcam"] and len(words) >= 4:
            if words[2] != str(VERSION):
                raise NoServer(
                    f"the server has version {words[2]} of the control protocol, this client "
                    f"version {VERSION}: update the older of the two"
                )
            self.server_version = words[3]
        elif words[:1] == ["ERR"] and len(words) >= 2:
            raise error_from_code(words[1], " ".join(words[2:]))
        else:
            raise NoServer("the server is not a twistedcam control port")

    def _read(self, line: bytes) -> Message:
        try:
            message = json.loads(line)
        except (ValueError, RecursionError):
            message = None
        if not isinstance(message, dict):
            raise NoServer(f"the server sent {line[:60]!r}, which is not an answer")
        return message


def answer(message: Message) -> Message:
    """Return an answer's fields without ``ok``.

    Raises:
        TwistedcamError: the answer is an error; the class is that of its code.
    """
    fields = dict(message)
    if not fields.pop("ok", False):
        raise error_from_code(str(fields.get("code")), str(fields.get("message")))
    return fields
