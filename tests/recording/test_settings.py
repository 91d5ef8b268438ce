"""How people say how they want to record."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twistedcam.errors import BadArgument
from twistedcam.recording.containers import FORMATS, format_of_name
from twistedcam.recording.settings import RecordSettings
from twistedcam.util.quantities import is_size, seconds, show_seconds, show_size, size


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *[("10s", 10), ("10", 10), (10, 10), ("10m", 600), ("1.5h", 5400), ("2d", 172800)],
        *[("500ms", 0.5), (" 3 min ", 180)],
    ],
)
def test_lengths_of_time_are_read_as_people_write_them(text: str | float, value: float) -> None:
    assert seconds(text, "x") == pytest.approx(value)


@pytest.mark.parametrize(
    ("text", "value"),
    [("20GB", 20 * 10**9), ("512MiB", 2**29), ("1.5 GB", 15 * 10**8), (4096, 4096), ("3k", 3000)],
)
def test_sizes_are_read_as_people_write_them(text: str | float, value: int) -> None:
    assert size(text, "x") == value


@pytest.mark.parametrize(
    "text", ["", "x", "10x", "-1", "0", "nan", "inf", "1e400", True, [1], None]
)
def test_what_is_neither_is_refused_by_name(text: object) -> None:
    for read in (seconds, size):
        with pytest.raises(BadArgument, match=r"^keep="):
            read(text, "keep")  # type: ignore[operator]


@given(st.text(max_size=20))
def test_any_text_is_a_quantity_or_one_error(text: str) -> None:
    for read in (seconds, size):
        with contextlib.suppress(BadArgument):
            assert read(text, "x") > 0  # type: ignore[operator]


def test_a_recording_is_encoded_with_the_encoder_that_is_set() -> None:
    assert RecordSettings().encoding.encoder == "libx264"
    assert RecordSettings.from_words(["encoder=auto"]).encoding.encoder == "auto"
    with pytest.raises(BadArgument, match="encoder='x' is unknown; use one of: libx264, auto"):
        RecordSettings.from_words(["encoder=x"])


def test_a_segment_is_a_time_or_a_size() -> None:
    assert RecordSettings.from_words(["segment=10m"]).segment == 600
    sized = RecordSettings.from_words(["segment=100MB"])
    assert (sized.segment, sized.segment_size) == (None, 10**8)
    assert RecordSettings.from_words(["segment=1h"], sized).segment_size is None
    assert not is_size("10m")


def test_a_table_changes_what_it_names_and_off_takes_a_limit_away() -> None:
    base = RecordSettings.from_mapping({"keep": "20GB", "crf": 30, "segment": "1m"})
    own = RecordSettings.from_mapping({"keep": "off", "preset": "veryfast", "keep_days": 3}, base)
    assert own == RecordSettings(crf=30, preset="veryfast", segment=60, keep_days=3)
    assert RecordSettings.from_mapping({"segment": "off"}, base).segment is None


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("kep=1GB", "there is no recording setting 'kep': did you mean 'keep'"),
        ("keep", "write it as NAME=VALUE"),
        ("crf=52", "a number from 0 to 51"),
        ("preset=placebo", "ultrafast, superfast"),
        ("nothing=1", "there are format, crf, preset"),
        ("format=gif", "h264, copy"),
        ("segment=1ms", "too short"),
        ("crf=off", "a number from"),
    ],
)
def test_a_mistake_says_what_there_is(word: str, said: str) -> None:
    with pytest.raises(BadArgument, match=said):
        RecordSettings.from_words([word])


@pytest.mark.parametrize(
    ("name", "preferred", "chosen"),
    [
        ("a.mp4", None, "auto.mp4"),
        ("a.mkv", None, "copy.mkv"),
        ("a.MKV", "h264", "h264.mkv"),
        ("a.avi", "h264", "copy.avi"),
        ("a.mov", None, "copy.mov"),
        ("a.mp4", "copy", "auto.mp4"),
    ],
)
def test_the_ending_chooses_the_format(name: str, preferred: str | None, chosen: str) -> None:
    wanted = None if preferred is None else FORMATS[preferred]
    assert str(format_of_name(name, wanted)) == chosen


def test_lengths_and_sizes_are_shown_in_the_unit_that_fits() -> None:
    lengths = [0.4, 7, 59.6, 60, 3599.7, 3723]
    assert [*map(show_seconds, lengths)] == ["0:00", "0:07", "1:00", "1:00", "1:00:00", "1:02:03"]
    sizes = [0, 999, 1000, 8349, 9960, 999_499, 999_500, 26_000_000, 1_240_000_000, 5 * 10**15]
    small = ["0 bytes", "999 bytes", "1.0 KB", "8.3 KB", "10 KB", "999 KB"]
    assert [*map(show_size, sizes)] == [*small, "1.0 MB", "26 MB", "1.2 GB", "5000 TB"]
