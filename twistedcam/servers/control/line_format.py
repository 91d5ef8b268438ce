"""Control lines without any input or output: bytes to words, answers to text."""

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

#: Bytes in a line, its end not counted.
MAX_LINE = 4096

_json = json.JSONEncoder(ensure_ascii=False).encode


class LineReader:
    """Cuts bytes into lines. LF, CR LF and CR end one: telnet's CR NUL has become CR by then."""

    def __init__(self) -> None:
        self._buffer = b""
        self._has_ended_by_cr = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The lines that ``data`` completes, without their ends, empty ones among them.

        Raises:
            LineTooLong, BadArgument: the connection has to end.
        """
        if not data:
            return
        if self._has_ended_by_cr:
            data = data.removeprefix(b"\n")
        self._has_ended_by_cr = data.endswith(b"\r")
        *whole, self._buffer = _END.split(self._buffer + data)
        for line in whole:
            if _REQUEST.search(line):
                raise BadArgument(
                    "that is HTTP, and this the control port: open the page's address"
                )
            yield _checked(line)
        _checked(self._buffer)


_END = re.compile(rb"\r\n|\r|\n")
#: A request's first line. Any site can have a browser send one here, with commands behind it.
_REQUEST = re.compile(rb" HTTP/\d(\.\d)?\Z")


def _checked(line: bytes) -> bytes:
    if len(line) > MAX_LINE:
        raise LineTooLong(f"a line has at most {MAX_LINE} bytes")
    return line


#: What makes a word more than what stands between blanks, and words without it (shlex).
_QUOTES = re.compile(r"[\"'\\]")
_WORDS = re.compile(r"[^ \t\r\n]+")


def split(line: bytes) -> list[str]:
    """The words of a line, as a POSIX shell splits them.

    Raises:
        BadArgument: it is not UTF-8, or a quote is not closed.
    """
    try:
        text = line.decode()
    except UnicodeDecodeError:
        raise BadArgument("a line has to be UTF-8") from None
    if "\0" in text:
        raise BadArgument("a line cannot have a NUL in it")
    if not _QUOTES.search(text):
        return _WORDS.findall(text)  # shlex looks at each character
    try:
        return shlex.split(text)
    except ValueError as error:
        what = "a quote is not closed" if "quotation" in str(error) else "a backslash ends the line"
        raise BadArgument(f"{what}: words are split as a shell splits them") from None


#: Types whose values are shown as they are; bool is none of them.
_NUMBERS = frozenset({int, float})


def show(value: Any) -> str:
    """A value as it stands behind its key: on one line, with nothing that steers a terminal."""
    if type(value) is str:  # first, because most that come here are
        return on_one_line(value)
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return on_one_line(_json(value) if isinstance(value, (dict, list)) else str(value))


def as_text(command: Command, answer: Answer) -> str:
    """``key: value`` lines, then ``OK``."""
    if command.as_lines is not None:
        lines = command.as_lines(answer)
    else:
        items = [] if answer is None else answer if isinstance(answer, list) else [answer]
        # A list of hundreds has thousands of values, and most of them are numbers.
        lines = [
            f"{key}: {value if type(value) in _NUMBERS else show(value)}"
            for item in items
            for key, value in item.items()
        ]
    return "\n".join([*lines, "OK"]) + "\n"


def as_json(command: Command, answer: Answer) -> str:
    """One line; a list stands under its plural."""
    body: dict[str, Any] = {"ok": True}
    if isinstance(answer, list):
        body[command.items or "items"] = answer
    elif answer:
        body.update(answer)
    return _json(body) + "\n"


def error_as_text(error: TwistedcamError) -> str:
    """``ERR CODE MESSAGE``."""
    return f"ERR {error.code} {show(str(error))}\n"


def error_as_json(error: TwistedcamError) -> str:
    """The same as one line of JSON."""
    body = {"ok": False, "code": error.code, "message": str(error)}
    return _json(body) + "\n"


def event_as_text(event: Event, title: str | None = None) -> str:
    """``event: KIND key=value …``, each value quoted where a shell would need it.

    Arguments:
        title: of the camera, if it has one.
    """
    words = [f"{key}={shlex.quote(show(value))}" for key, value in event.as_dict(title).items()]
    return " ".join([f"event: {event.kind}", *words]) + "\n"


def event_as_json(event: Event, title: str | None = None) -> str:
    """The same as one line of JSON."""
    return _json({"event": event.kind, **event.as_dict(title)}) + "\n"
