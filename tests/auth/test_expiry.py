"""The end of a token is a date or a time, and nothing else."""

from __future__ import annotations

import contextlib
import time
import tomllib
from datetime import UTC, datetime

import pytest

from twistedcam.auth.expiry import as_local_time, as_toml, read_expiry
from twistedcam.errors import BadArgument


@pytest.fixture(autouse=True)
def _zone(monkeypatch: pytest.MonkeyPatch) -> object:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def moment(*fields: int) -> float:
    return datetime(*fields, tzinfo=UTC).timestamp()  # type: ignore[misc,arg-type]


@pytest.mark.parametrize(
    ("text", "when"),
    [
        ("2027-01-31", (2027, 1, 31, 23, 0)),  # the end of that day in Berlin
        ("2027-06-30", (2027, 6, 30, 22, 0)),  # and in summer
        ("2027-01-31T18:00:00", (2027, 1, 31, 17, 0)),
        ("2027-01-31 18:00:00", (2027, 1, 31, 17, 0)),
        ("2027-01-31T18:00:00Z", (2027, 1, 31, 18, 0)),
        ("2027-01-31T18:00:00.5+05:30", (2027, 1, 31, 12, 30, 0, 500_000)),
    ],
)
def test_a_date_is_its_end_and_a_time_is_local_without_an_offset(
    text: str, when: tuple[int, ...]
) -> None:
    assert read_expiry(text) == moment(*when)
    assert read_expiry(tomllib.loads(f"expires = {text}")["expires"]) == moment(*when)


@pytest.mark.parametrize(
    "value", ["", "soon", "30d", "18:00", "2027-13-01", "2027-02-30", 5, 1.5, True, [], {}, None]
)
def test_what_is_neither_is_refused(value: object) -> None:
    with pytest.raises(BadArgument, match="2027-01-31"):
        read_expiry(value)


@pytest.mark.parametrize(
    "text",
    ["0001-01-01", "0001-01-01T00:00:00Z", "1969-12-31", "9999-12-31", "9999-12-31T23:59:59Z"],
)
def test_the_first_and_the_last_years_are_shown_and_read_back(text: str) -> None:
    with contextlib.suppress(BadArgument):  # a year that the system's local time does not have
        when = read_expiry(text)
        assert as_local_time(when)
        assert read_expiry(tomllib.loads(f"expires = {as_toml(when)}")["expires"]) == when


def test_what_is_written_is_what_is_read() -> None:
    when = moment(2027, 1, 31, 17, 0, 5)
    assert as_toml(when + 0.9) == "2027-01-31T17:00:05Z"
    assert read_expiry(tomllib.loads(f"expires = {as_toml(when)}")["expires"]) == when
    assert as_local_time(when) == "2027-01-31T18:00:05+01:00"
