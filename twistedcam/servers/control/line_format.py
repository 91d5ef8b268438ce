"""The lines of the control protocol: splits bytes into words, formats answers as text or JSON."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from twistedcam.errors import BadArgument, LineTooLong, TwistedcamError
from twistedcam.events import Event
from twistedcam.util.one_line import on_one_line

if TYPE_CHECKING:
    from twistedcam.commands import Answer, Command

#: Bytes in a line, without its end.
MAX_LINE = 4096

_json = json.JSONEncoder(ensure_ascii=False).encode


class LineReader:
    """Splits bytes into lines, which end with LF, CR LF or CR (telnet has made CR of CR NUL)."""

    def __init__(self) -> None:
        self._buffer = b""
        self._has_ended_by_cr = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield the lines that ``data`` completes, without their ends; empty ones, too.

        Raises:
            LineTooLong, BadArgument: the connection has to be closed.
        """
        if not data:
            return
        if self._has_ended_by_cr:
            data = data.removeprefix(b"\n")
        self._has_ended_by_cr = data.endswith(b"\r")
        *whole, self._buffer = _END.split(self._buffer + data)
        for line in whole:
            if _REQUEST.search(line):
                raise BadArgument("this is the control port, not HTTP: use the page's address")
            yield _checked(line)
        _checked(self._buffer)


_END = re.compile(rb"\r\n|\r|\n")
#: The first line of an HTTP request. Any site can make a browser send one, followed by commands.
_REQUEST = re.compile(rb" HTTP/\d(\.\d)?\Z")


def _checked(line: bytes) -> bytes:
    if len(line) > MAX_LINE:
        raise LineTooLong(f"a line may have at most {MAX_LINE} bytes")
    return line


#: Characters that need shlex, and the words of a line without them.
_QUOTES = re.compile(r"[\"'\\]")
_WORDS = re.compile(r"[^ \t\r\n]+")


def split(line: bytes) -> list[str]:
    """Split a line into words as a POSIX shell does.

    Raises:
        BadArgument: the line is not UTF-8, contains NUL, or has an open quote.
    """
    try:
        text = line.decode()
    except UnicodeDecodeError:
        raise BadArgument("a line must be UTF-8") from None
    if "\0" in text:
        raise BadArgument("a line must not contain NUL")
    if not _QUOTES.search(text):
        return _WORDS.findall(text)  # much faster than shlex
    try:
        return shlex.split(text)
    except ValueError as error:
        what = "a quote is not closed" if "quotation" in str(error) else "a backslash ends the line"
        raise BadArgument(f"{what}: lines are split into words as by a shell") from None


#: Types whose values need no escaping; bool is not among them.
_NUMBERS = frozenset({int, float})


def show(value: Any) -> str:
    """Return a value as text on one line without control characters."""
    if type(value) is str:  # first, because most values are
        return on_one_line(value)
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return on_one_line(_json(value) if isinstance(value, (dict, list, tuple)) else str(value))


def as_text(command: Command, answer: Answer) -> str:
    """Format an answer as ``key: value`` lines and ``OK``."""
    if command.as_lines is not None:
        lines = command.as_lines(answer)
    else:
        items = [] if answer is None else answer if isinstance(answer, list) else [answer]
        # Long lists have thousands of values, most of them numbers.
        lines = [
            f"{key}: {value if type(value) in _NUMBERS else show(value)}"
            for item in items
            for key, value in item.items()
        ]
    return "\n".join([*lines, "OK"]) + "\n"


def as_json(command: Command, answer: Answer) -> str:
    """Format an answer as one line of JSON; a list is under its plural name."""
    body: dict[str, Any] = {"ok": True}
    if isinstance(answer, list):
        body[command.items or "items"] = answer
    elif answer:
        body.update(answer)
    return _json(body) + "\n"


def error_as_text(error: TwistedcamError) -> str:
    """Format an error as ``ERR CODE MESSAGE``."""
    return f"ERR {error.code} {show(str(error))}\n"


def error_as_json(error: TwistedcamError) -> str:
    """Format an error as one line of JSON."""
    body = {"ok": False, "code": error.code, "message": str(error)}
    return _json(body) + "\n"


def event_as_text(event: Event, title: str | None = None) -> str:
    """Format an event as ``event: KIND key=value …``, with values quoted as for a shell.

    Arguments:
        title: the camera's title, if it has one.
    """
    words = [f"{key}={shlex.quote(show(value))}" for key, value in event.as_dict(title).items()]
    return " ".join([f"event: {event.kind}", *words]) + "\n"


def event_as_json(event: Event, title: str | None = None) -> str:
    """Format an event as one line of JSON."""
    return _json(event.as_json(title)) + "\n"
