"""Schedules follow the clock on the wall, over midnight and when the clock is changed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from twistedcam.errors import BadArgument
from twistedcam.util.schedule import read_schedule


@pytest.fixture(autouse=True)
def _berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def covers(text: str | list[str], local: str) -> bool:
    return read_schedule(text, "when").covers(datetime.fromisoformat(local).timestamp())


def covers_utc(text: str, utc: str) -> bool:
    now = datetime.fromisoformat(utc).replace(tzinfo=UTC)
    return read_schedule(text, "when").covers(now.timestamp())


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        # 2026-06-01 is a Monday.
        ("mo-fr 07:00-18:00", "2026-06-01 07:00", "2026-06-01 06:59"),
        ("mo-fr 07:00-18:00", "2026-06-05 17:59", "2026-06-05 18:00"),
        ("Mo-Fr 7:00 - 18:00", "2026-06-03 12:00", "2026-06-06 12:00"),
        ("sat,sun", "2026-06-07 23:59", "2026-06-08 00:00"),
        ("fr-mo", "2026-06-01 12:00", "2026-06-02 12:00"),
        ("22:00-06:00", "2026-06-03 05:59", "2026-06-03 06:00"),
        ("fr 22:00-06:00", "2026-06-06 03:00", "2026-06-05 03:00"),
        ("su 22:00-06:00", "2026-06-08 05:00", "2026-06-07 05:00"),
        ("00:00-24:00", "2026-06-08 23:59", ""),
        ("22:00-24:00", "2026-06-08 23:59", "2026-06-09 00:00"),
        ("mo 08:00-09:00, 10:00-11:00", "2026-06-01 10:30", "2026-06-01 09:30"),
        ("mo 08:00-09:00; sa 10:00-11:00", "2026-06-06 10:30", "2026-06-06 08:30"),
    ],
)
def test_a_schedule_covers_its_times_of_the_week_only(text: str, inside: str, outside: str) -> None:
    assert covers(text, inside)
    assert not outside or not covers(text, outside)


def test_several_schedules_are_added() -> None:
    assert covers(["mo 08:00-09:00", "sa"], "2026-06-06 23:00")


def test_in_spring_the_clock_on_the_wall_decides() -> None:
    # On 2026-03-29 02:00 becomes 03:00, at 01:00 UTC.
    assert covers_utc("su 01:00-03:30", "2026-03-29 01:29")
    assert not covers_utc("su 01:00-03:30", "2026-03-29 01:30")
    assert covers_utc("sa 22:00-06:00", "2026-03-29 03:59")
    assert not covers_utc("sa 22:00-06:00", "2026-03-29 04:00")
    minutes = [f"2026-03-29 {hour:02}:{minute:02}" for hour in range(3) for minute in range(60)]
    assert not any(covers_utc("02:00-03:00", each) for each in minutes)


def test_in_autumn_an_hour_that_comes_twice_counts_twice() -> None:
    # On 2026-10-25 03:00 becomes 02:00, at 01:00 UTC.
    for utc, is_in in [("00:29", True), ("00:30", False), ("01:29", True), ("01:30", False)]:
        assert covers_utc("su 02:00-02:30", f"2026-10-25 {utc}") is is_in, utc
    assert covers_utc("sa 22:00-06:00", "2026-10-25 04:59")
    assert not covers_utc("sa 22:00-06:00", "2026-10-25 05:00")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "xx 07:00-18:00",
        "mo-fr 07:00",
        "07:00-07:00",
        "24:00-06:00",
        "07:60-08:00",
        "25:00-26:00",
        "mo-we-fr",
        "mo 07:00-18:00 fr",
        "moon",
        7,
        [],
        ["mo", 1],
    ],
)
def test_an_invalid_schedule_is_refused_with_its_key(text: object) -> None:
    with pytest.raises(BadArgument, match="when"):
        read_schedule(text, "hook.door.when")
