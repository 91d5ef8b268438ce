"""The log: text that a person reads in a terminal, or lines of JSON for programs."""

from __future__ import annotations

import re
from typing import Any

from twisted.logger import (
    FileLogObserver,
    ILogFilterPredicate,
    LogEvent,
    LogLevel,
    PredicateResult,
    eventAsJSON,
    formatEvent,
    formatEventAsClassicLogText,
)
from zope.interface import implementer

#: Characters of an event that is no failure: somebody else's words may be among them.
_LONGEST = 4000
#: Characters of one field of an event in JSON, and of its line; a failure has no limit.
_LONGEST_FIELD = 1000
_LONGEST_LINE = 16_000
#: What a JSON log says of an event whose line would be longer.
_KEPT = ("log_time", "log_level", "log_namespace", "log_system")
#: What begins a record of JSON text sequences (RFC 7464), as Twisted's own JSON log has it.
_RECORD = "\x1e"
#: What steers a terminal; a line's end and the tab behind it are the log's own.
_STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


#: What Twisted's ports log with the old interface, which gives their messages no namespace.
_PORT_OPENED_OR_CLOSED = re.compile(r"\S+ starting on \S+|\(.*Port .* Closed\)")


@implementer(ILogFilterPredicate)
class WithoutTwisted:
    """Leaves out what Twisted itself says of its ports and its main loop, but for warnings."""

    def __call__(self, event: LogEvent) -> Any:
        """Whether the event is left out."""
        if event.get("log_level", LogLevel.info) > LogLevel.info or "log_failure" in event:
            return PredicateResult.maybe
        is_twisted = str(event.get("log_namespace", "")).startswith("twisted.")
        if not is_twisted and event.get("log_namespace") == "log_legacy":
            is_twisted = _PORT_OPENED_OR_CLOSED.fullmatch(formatEvent(event)) is not None
        return PredicateResult.no if is_twisted else PredicateResult.maybe


def text_observer(to: Any) -> FileLogObserver:
    """Writes each event as Twisted does, with nothing in it that steers a terminal.

    Peers have their say in the log, and whoever reads it has a terminal that obeys.

    Arguments:
        to: a file for text.
    """
    return FileLogObserver(to, _as_text)


def json_observer(to: Any) -> FileLogObserver:
    """Writes each event as a line of JSON, with fields that are cut as text is.

    Arguments:
        to: a file for text.
    """
    return FileLogObserver(to, _as_json)


def _as_json(event: LogEvent) -> str:
    if "log_failure" in event:
        return f"{_RECORD}{eventAsJSON(event)}\n"
    line = eventAsJSON({name: _cut(value) for name, value in event.items()})
    if len(line) > _LONGEST_LINE:
        kept = {name: event[name] for name in _KEPT if name in event}
        text = _cut(formatEvent(event))
        line = eventAsJSON({**kept, "log_format": "{text}", "text": text})
    return f"{_RECORD}{line}\n"


def _cut(value: Any) -> Any:
    if isinstance(value, (str, bytes)) and len(value) > _LONGEST_FIELD:
        end = "…" if isinstance(value, str) else b"..."
        return value[:_LONGEST_FIELD] + end  # type: ignore[operator]
    return value


def _as_text(event: LogEvent) -> str | None:
    text = formatEventAsClassicLogText(event)
    if text is None:
        return None
    if len(text) > _LONGEST and "log_failure" not in event:
        text = f"{text[:_LONGEST]}…\n"
    return _STEERING.sub(lambda found: ascii(found[0])[1:-1], text)
