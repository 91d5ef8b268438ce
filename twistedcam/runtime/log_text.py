"""Log observers: text for a terminal, and lines of JSON for programs."""

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

#: The most characters of an event without a failure: it may contain text of clients.
_MAX_TEXT = 4000
#: The most characters of a field in JSON, and of a line; a failure has no limit.
_MAX_FIELD = 1000
_MAX_LINE = 16_000
#: The fields that remain of an event whose line would be longer.
_KEPT_FIELDS = ("log_time", "log_level", "log_namespace", "log_system")
#: The first character of a record of JSON text sequences (RFC 7464), as in Twisted's JSON log.
_RECORD = "\x1e"
#: Control characters, except the line feed and the tab.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
#: Messages of Twisted's ports, which have no namespace because they use the old interface.
_PORT_OPENED_OR_CLOSED = re.compile(r"\S+ starting on \S+|\(.*Port .* Closed\)")


@implementer(ILogFilterPredicate)
class WithoutTwisted:
    """Removes Twisted's own messages of ports and the main loop, except warnings."""

    def __call__(self, event: LogEvent) -> Any:
        if event.get("log_level", LogLevel.info) > LogLevel.info or "log_failure" in event:
            return PredicateResult.maybe
        is_twisted = str(event.get("log_namespace", "")).startswith("twisted.")
        if not is_twisted and event.get("log_namespace") == "log_legacy":
            is_twisted = _PORT_OPENED_OR_CLOSED.fullmatch(formatEvent(event)) is not None
        return PredicateResult.no if is_twisted else PredicateResult.maybe


def text_observer(to: Any) -> FileLogObserver:
    """Return an observer that writes events as Twisted does, with control characters escaped.

    The log contains text of clients, which could control the terminal of its reader.

    Arguments:
        to: a text file.
    """
    return FileLogObserver(to, event_text)


def json_observer(to: Any) -> FileLogObserver:
    """Return an observer that writes events as lines of JSON, with long fields shortened.

    Arguments:
        to: a text file.
    """
    return FileLogObserver(to, _as_json)


def _as_json(event: LogEvent) -> str:
    if "log_failure" in event:
        return f"{_RECORD}{eventAsJSON(event)}\n"
    line = eventAsJSON({name: _cut(value) for name, value in event.items()})
    if len(line) > _MAX_LINE:
        kept = {name: event[name] for name in _KEPT_FIELDS if name in event}
        text = _cut(formatEvent(event))
        line = eventAsJSON({**kept, "log_format": "{text}", "text": text})
    return f"{_RECORD}{line}\n"


def _cut(value: Any) -> Any:
    if isinstance(value, (str, bytes)) and len(value) > _MAX_FIELD:
        end = "…" if isinstance(value, str) else b"..."
        return value[:_MAX_FIELD] + end  # type: ignore[operator]
    return value


def event_text(event: LogEvent) -> str | None:
    """Return an event as Twisted's classic log line, with control characters escaped."""
    text = formatEventAsClassicLogText(event)
    if text is None:
        return None
    if len(text) > _MAX_TEXT and "log_failure" not in event:
        text = f"{text[:_MAX_TEXT]}…\n"
    return _CONTROL.sub(lambda found: ascii(found[0])[1:-1], text)
