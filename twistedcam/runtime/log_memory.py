"""The newest lines of the log, in memory, for the page."""

from __future__ import annotations

import re
from collections import deque
from typing import Any

from twisted.logger import ILogObserver, LogEvent, LogLevel
from zope.interface import implementer

from twistedcam.runtime.log_text import event_text

#: Lines that are kept, and characters of one.
MAX_LINES, _MAX_TEXT = 2000, 4000
#: What may be a secret. The log has none; this is for text of libraries.
_SECRETS = (
    (re.compile(r"tcam1_[0-9a-f]{4,}"), "tcam1_***"),
    (re.compile(r"(?<=://)[^/\s@]+@"), "***@"),
    (
        re.compile(r"(?i)\b(token|password|passwd|secret|authorization)([=:]\s*)[^\s&;,'\"]+"),
        r"\1\2***",
    ),
)


@implementer(ILogObserver)
class LogMemory:
    """Keeps the newest lines from the level ``info`` on, without secrets."""

    def __init__(self) -> None:
        self._lines: deque[dict[str, Any]] = deque(maxlen=MAX_LINES)

    def __call__(self, event: LogEvent) -> None:
        """Keep an event, from any thread (ILogObserver)."""
        level = event.get("log_level", LogLevel.info)
        if level < LogLevel.info:
            return
        text = event_text(event)
        if text:
            shown = without_secrets(text.rstrip("\n")[:_MAX_TEXT])
            self._lines.append(
                {"time": event.get("log_time", 0.0), "level": level.name, "text": shown}
            )

    def lines(self, most: int = MAX_LINES, words: str = "") -> list[dict[str, Any]]:
        """Return the newest lines, the oldest first: ``time`` (UNIX), ``level`` and ``text``.

        Arguments:
            most: lines at most.
            words: words that a line must have, in upper or lower case.
        """
        wanted = words.lower().split()
        found = [
            each
            for each in list(self._lines)
            if all(word in each["text"].lower() for word in wanted)
        ]
        return found[-most:]


def without_secrets(text: str) -> str:
    """Replace what may be a token, a password or a login by ``***``."""
    for pattern, hidden in _SECRETS:
        text = pattern.sub(hidden, text)
    return text
