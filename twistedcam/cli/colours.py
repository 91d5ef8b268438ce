"""Formats answers and events for people, in colour on a terminal."""

from __future__ import annotations

import shlex
from typing import TextIO

from twistedcam.clients.control.dialogue import Message
from twistedcam.servers.control.line_format import show

_STATES = {
    "live": "32",
    "starting": "33",
    "recovering": "33",
    "stopped": "2",
    "started": "31",
    "failed": "31;1",
}
_KEY, _ERROR, _FAINT = "36", "31;1", "2"


class Styler:
    """Formats answers and events.

    Arguments:
        is_colourful: True to use ANSI colours.
    """

    def __init__(self, is_colourful: bool = False) -> None:
        self._is_colourful = is_colourful

    @classmethod
    def on(cls, out: TextIO, environment: dict[str, str]) -> Styler:
        """Use colours if ``out`` is a terminal, unless NO_COLOR is set (https://no-color.org)."""
        plain = environment.get("NO_COLOR") or environment.get("TERM") == "dumb"
        return cls(out.isatty() and not plain)

    def answer(self, fields: Message) -> list[str]:
        """Return an answer's ``key: value`` lines, as in the control port's text form."""
        lines: list[str] = []
        for key, value in fields.items():
            if "help" in fields and key in ("name", "summary"):
                continue  # both are part of the help
            if key == "commands":
                lines += [
                    f"{self._key(show(each['command']))}: {show(each['summary'])}" for each in value
                ]
            elif key == "help":
                lines += [f"{self._key(key)}: {line}" for line in _help_lines(value)]
            elif isinstance(value, list) and value and isinstance(value[0], dict):
                lines += [line for item in value for line in self.answer(item)]
            elif value != [] or key == "choices":
                lines.append(f"{self._key(key)}: {self._value(value)}")
        return lines

    def event(self, fields: Message, when: str = "") -> str:
        """Return an event as one line: its kind, then its fields as ``key=value``."""
        kind = show(fields.get("event"))
        words = [
            f"{self._key(key)}={self._value(value, quoted=True)}"
            for key, value in fields.items()
            if key != "event"
        ]
        time = self.faint(when) + " " if when else ""
        return time + " ".join([f"event: {kind}", *words])

    def state(self, text: str) -> str:
        """Colour a camera's state."""
        return self._colour(text, _STATES.get(text, ""))

    def faint(self, text: str) -> str:
        """Show text less prominently."""
        return self._colour(text, _FAINT)

    def error(self, text: str) -> str:
        """Colour an error."""
        return self._colour(text, _ERROR)

    def _key(self, text: str) -> str:
        return self._colour(show(text), _KEY)

    def _value(self, value: object, quoted: bool = False) -> str:
        text = show(value)
        colour = _STATES.get(text, "")
        return self._colour(shlex.quote(text) if quoted else text, colour)

    def _colour(self, text: str, code: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if code and self._is_colourful else text


def _help_lines(text: str) -> list[str]:
    return [show(line.strip()) for line in text.splitlines() if line.strip()]
