"""Expiry times of tokens: reads and formats them."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from twistedcam.errors import BadArgument

#: What is accepted, for error messages.
FORMS = "2027-01-31, 2027-01-31T18:00:00 (local time) or 2027-01-31T18:00:00Z"


def read_expiry(value: Any) -> float:
    """Return a date or a time as seconds since the UNIX epoch.

    A date without a time means the end of that day. A time without an offset is local time.

    Arguments:
        value: a TOML date or date-time, or text in the same form (RFC 3339).

    Raises:
        BadArgument: the value is neither.
    """
    if isinstance(value, str):
        value = _from_text(value.strip())
    try:
        if isinstance(value, datetime):
            return value.timestamp()
        if isinstance(value, date):
            if value == date.max:  # without end, as many write it
                return datetime.max.replace(microsecond=0, tzinfo=UTC).timestamp()
            return datetime.combine(value + timedelta(days=1), time()).timestamp()
    except (OverflowError, ValueError, OSError):
        pass  # a year that this system has no time for
    raise BadArgument(f"write a date or a time: {FORMS}")


def as_toml(moment: float) -> str:
    """Format a time as a TOML date-time in whole seconds."""
    return _utc(moment).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def as_local_time(moment: float) -> str:
    """Format a time as local time with its offset."""
    when = _utc(moment)
    with suppress(OverflowError, ValueError, OSError):  # at the end of the year 9999
        when = when.astimezone()
    return when.isoformat(timespec="seconds")


def _utc(moment: float) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=int(moment))


def _from_text(text: str) -> date | datetime | None:
    for read in (date.fromisoformat, datetime.fromisoformat):
        try:
            return read(text)
        except ValueError:
            continue
    return None
