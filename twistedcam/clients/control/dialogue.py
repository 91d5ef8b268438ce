"""A client's side of the control protocol, without any input or output."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from typing import Any

from twistedcam.errors import BadArgument, NoServer, TwistedcamError, error_from_code

#: An answer or an event, as the server's JSON has it.
Message = dict[str, Any]

VERSION = 1
#: Bytes in a line from the server: a listing of many thousand recordings is one line.
_MAX_LINE = 64 * 1024 * 1024


def write_line(words: list[str]) -> bytes:
    """A command as it goes over the wire.

    Raises:
        BadArgument: a word has a line end or a NUL in it.
    """
    if any(letter in word for word in words for letter in "\r\n\0"):
        raise BadArgument("a word cannot have a line end or a NUL in it")
    # IAC is doubled for telnet; UTF-8 has no such byte, a word from a broken file name may have.
    line = shlex.join(words).encode(errors="surrogateescape") + b"\n"
    return line.replace(b"\xff", b"\xff\xff")


class ControlClientSession:
    """What came from the server: greeting, then answers and events.

    What is to be sent first is ``opening``: it asks for answers in JSON, and shows the token.

    Arguments:
        token: what the server wants to see, where it has tokens.
    """

    def __init__(self, token: str | None = None) -> None:
        self._buffer = b""
        self.opening = write_line(["json", "on"])
        if token is not None:
            self.opening += write_line(["auth", token])
        self._due = self.opening.count(b"\n")
        #: What ``auth`` was answered: the rights, and the cameras if they are not all.
        self.granted: Message = {}
        #: The server's version, once it has greeted.
        self.server_version: str | None = None

    @property
    def is_ready(self) -> bool:
        """Whether the server has agreed to what is asked first."""
        return self._due == 0

    def feed(self, data: bytes) -> Iterator[Message]:
        """The answers and events that ``data`` completes.

        An answer has ``ok``; an event has ``event``.

        Raises:
            NoServer: that is no control port of a twistedcam that this client understands.
            CommandError: the server refuses this client.
        """
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        if len(self._buffer) > _MAX_LINE:
            raise NoServer("what answers there sends a line without an end: no control port")
        for line in lines:
            if self.server_version is None:
                self._greeted(line.decode(errors="replace").split())
                continue
            message = self._read(line.replace(b"\xff\xff", b"\xff"))
            if self.is_ready:
                yield message
            else:
                self.granted = answer(message)  # that of the last one stays: auth, if it was said
                self._due -= 1

    def _greeted(self, words: list[str]) -> None:
        if words[:2] == ["OK", "twistedcam"] and len(words) >= 4:
            if words[2] != str(VERSION):
                raise NoServer(
                    f"the server speaks version {words[2]} of the control protocol, this client "
                    f"version {VERSION}: update the older of the two"
                )
            self.server_version = words[3]
        elif words[:1] == ["ERR"] and len(words) >= 2:
            raise error_from_code(words[1], " ".join(words[2:]))
        else:
            raise NoServer("what answers there is no twistedcam control port")

    def _read(self, line: bytes) -> Message:
        try:
            message = json.loads(line)
        except (ValueError, RecursionError):
            message = None
        if not isinstance(message, dict):
            raise NoServer(f"the server sent {line[:60]!r}, which is no answer")
        return message


def answer(message: Message) -> Message:
    """An answer's fields without ``ok``.

    Raises:
        TwistedcamError: the answer is an error; raised as the class of that code.
    """
    fields = dict(message)
    if not fields.pop("ok", False):
        raise _error(fields)
    return fields


def _error(fields: Message) -> TwistedcamError:
    return error_from_code(str(fields.get("code")), str(fields.get("message")))
