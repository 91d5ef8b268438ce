"""Durations, sizes and rates are read as people write them, and shown so."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from twistedcam.errors import BadArgument
from twistedcam.util import quantities


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *(("10s", 10.0), ("10", 10.0), (10, 10.0), ("1.5h", 5400.0), ("2d", 172800.0)),
        *(("200ms", 0.2), ("5 min", 300.0), ("10m", 600.0), (" 3S ", 3.0), (".5s", 0.5)),
    ],
)
def test_a_duration_is_read_in_seconds(text: str | float, value: float) -> None:
    assert quantities.seconds(text, "keep") == pytest.approx(value)


@pytest.mark.parametrize(
    "text", ["", "0", "-1s", "1 year", "s", "1e9999", math.inf, True, "11000d"]
)
def test_what_is_not_a_duration_is_refused(text: str | float) -> None:
    with pytest.raises(BadArgument, match=r"keep=.* is not a duration"):
        quantities.seconds(text, "keep")


@pytest.mark.parametrize(
    ("text", "value"),
    [("20GB", 20 * 10**9), ("512MiB", 512 * 2**20), ("1000", 1000), ("10m", 10**7), ("1.5k", 1500)],
)
def test_a_size_is_read_in_bytes(text: str, value: int) -> None:
    assert quantities.size(text, "keep") == value


@pytest.mark.parametrize("text", ["0", "0.5", "-5MB", "much", "5XB", "1" * 400])
def test_what_is_not_a_size_is_refused(text: str) -> None:
    with pytest.raises(BadArgument, match=r"keep=.* is not a size"):
        quantities.size(text, "keep")


def test_a_rate_is_read_in_bits_a_second() -> None:
    assert quantities.bitrate("4M", "bitrate") == 4_000_000
    assert quantities.bitrate("800k", "bitrate") == 800_000
    with pytest.raises(BadArgument, match="is not a rate"):
        quantities.bitrate("fast", "bitrate")


def test_a_size_is_distinguished_from_a_duration() -> None:
    assert [quantities.is_size(each) for each in ("100MB", "1G", "10m", "10", 10)] == [
        *(True, True, False, False, False)
    ]


def test_durations_and_sizes_are_shown_as_players_do() -> None:
    assert [quantities.show_seconds(each) for each in (7.4, 60, 3723)] == [
        "0:07",
        "1:00",
        "1:02:03",
    ]
    assert [quantities.show_size(each) for each in (512, 8300, 26_000_000, 1_200_000_000)] == [
        *("512 bytes", "8.3 KB", "26 MB", "1.2 GB")
    ]
    assert quantities.show_size(999_600) == "1.0 MB"


def test_a_path_below_the_working_directory_is_shown_from_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert quantities.shown_path(tmp_path / "a" / "b.mp4") == str(Path("a") / "b.mp4")
    assert quantities.shown_path(tmp_path.parent / "c") == str(tmp_path.parent / "c")
