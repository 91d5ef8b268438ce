"""The log as text that a person reads in a terminal."""

from __future__ import annotations

import re
from typing import Any

from twisted.logger import FileLogObserver, LogEvent, formatEventAsClassicLogText

#: Characters of an event that is no failure: somebody else's words may be among them.
_LONGEST = 4000
#: What steers a terminal; a line's end and the tab behind it are the log's own.
_STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def text_observer(to: Any) -> FileLogObserver:
    """Writes each event as Twisted does, with nothing in it that steers a terminal.

    Peers have their say in the log, and whoever reads it has a terminal that obeys.

    Arguments:
        to: a file for text.
    """
    return FileLogObserver(to, _as_text)


def _as_text(event: LogEvent) -> str | None:
    text = formatEventAsClassicLogText(event)
    if text is None:
        return None
    if len(text) > _LONGEST and "log_failure" not in event:
        text = f"{text[:_LONGEST]}…\n"
    return _STEERING.sub(lambda found: ascii(found[0])[1:-1], text)
