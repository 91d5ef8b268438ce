"""Weekly schedules: ``mo-fr 07:00-18:00``."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from twistedcam.errors import BadArgument

_EXAMPLE = "write it as 'mo-fr 07:00-18:00', 'sa,su' or '22:00-06:00'"
_DAY = r"(?:mo|tu|we|th|fr|sa|su)[a-z]*"
_ENTRY = re.compile(
    rf"(?P<days>{_DAY}(?:\s*[-,]\s*{_DAY})*)?\s*"
    r"(?P<times>\d\d?:\d\d\s*-\s*\d\d?:\d\d(?:\s*,\s*\d\d?:\d\d\s*-\s*\d\d?:\d\d)*)?"
)
_MINUTES_OF_DAY = 24 * 60


@dataclass(frozen=True)
class _Span:
    """Minutes of some days of the week: ``end`` is on the next day if it is not after ``start``."""

    days: frozenset[int]
    start: int
    end: int

    def covers(self, day: int, minute: int) -> bool:
        if self.start < self.end:
            return day in self.days and self.start <= minute < self.end
        began_yesterday = (day - 1) % 7 in self.days and minute < self.end
        return began_yesterday or (day in self.days and minute >= self.start)


@dataclass(frozen=True)
class Schedule:
    """Times of the week, by the local clock.

    A time over midnight (``fr 22:00-06:00``) belongs to the day on which it begins. The clock on
    the wall decides, also when it is changed: what lies in the hour that is left out does not
    happen, and what lies in the hour that comes twice happens twice.

    Arguments:
        text: the schedule as it was written.
    """

    text: str
    _spans: tuple[_Span, ...]

    def __str__(self) -> str:
        return self.text

    def covers(self, now: float) -> bool:
        """Return True if a time, in UNIX seconds, is in the schedule."""
        local = datetime.fromtimestamp(now)
        minute = local.hour * 60 + local.minute
        return any(span.covers(local.weekday(), minute) for span in self._spans)


def read_schedule(value: Any, name: str) -> Schedule:
    """Return the schedule for a text, or for a list of texts.

    Arguments:
        value: days, times or both; several are separated by ``;``.
        name: the key, for errors.

    Raises:
        BadArgument: it has another form.
    """
    texts = value if isinstance(value, list) else [value]
    if not texts or not all(isinstance(each, str) for each in texts):
        raise BadArgument(f"{name} has to be a string: {_EXAMPLE}")
    entries = [entry.strip() for text in texts for entry in text.split(";")]
    spans = [span for entry in entries for span in _read_entry(entry, name)]
    return Schedule("; ".join(entries), tuple(spans))


def _read_entry(text: str, name: str) -> Iterable[_Span]:
    found = _ENTRY.fullmatch(text.lower())
    if not text or found is None:
        raise BadArgument(f"{name}={text!r} is not valid: {_EXAMPLE}")
    days = _read_days(found["days"], name, text)
    if found["times"] is None:
        return [_Span(days, 0, _MINUTES_OF_DAY)]
    return [_read_times(each, days, name, text) for each in found["times"].split(",")]


def _read_days(text: str | None, name: str, whole: str) -> frozenset[int]:
    if text is None:
        return frozenset(range(7))
    days: set[int] = set()
    for part in text.split(","):
        ends = [_day(word.strip(), name, whole) for word in part.split("-")]
        if len(ends) > 2:
            raise BadArgument(f"{name}={whole!r} is not valid: {_EXAMPLE}")
        length = (ends[-1] - ends[0]) % 7
        days.update((ends[0] + step) % 7 for step in range(length + 1))
    return frozenset(days)


_NAMES = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def _day(word: str, name: str, whole: str) -> int:
    for index, day in enumerate(_NAMES):
        if day.startswith(word):
            return index
    raise BadArgument(f"{name}={whole!r} is not valid: {word!r} is not a day; {_EXAMPLE}")


def _read_times(text: str, days: frozenset[int], name: str, whole: str) -> _Span:
    start, end = (_minute(each.strip(), name, whole) for each in text.split("-"))
    if start in (end, _MINUTES_OF_DAY):
        raise BadArgument(f"{name}={whole!r} is not valid: {text.strip()} is not a time of the day")
    return _Span(days, start, end)


def _minute(text: str, name: str, whole: str) -> int:
    hour, minute = map(int, text.split(":"))
    if minute > 59 or hour * 60 + minute > _MINUTES_OF_DAY:
        raise BadArgument(f"{name}={whole!r} is not valid: there is no time {text}")
    return hour * 60 + minute
