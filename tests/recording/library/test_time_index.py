"""Recordings by time: spans, gaps, clocks that are set, copies and exports."""

from __future__ import annotations

import time
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.movies import entry, names
from twistedcam.recording.library.probe import LibraryEntry
from twistedcam.recording.library.time_index import Span, TimeIndex


def spans(*entries: LibraryEntry, gap: float = 0.0) -> list[tuple[float, float, list[str]]]:
    found = TimeIndex(entries).spans("door", gap=gap)
    return [(each.start, each.end, names(each.entries)) for each in found]


def test_files_are_joined_if_less_than_a_frame_is_missing() -> None:
    found = spans(entry("a", 100, 10), entry("b", 110.09, 10), entry("c", 120.2, 5))
    assert found == [(100, 120.09, ["a", "b"]), (120.2, 125.2, ["c"])]


def test_a_frame_is_as_long_as_the_file_says() -> None:
    slow = entry("a", 100, 10, fps=1.0), entry("b", 110.9, 10, fps=1.0)
    fast = entry("a", 100, 10, fps=30.0), entry("b", 110.04, 10, fps=30.0)
    assert [len(spans(*each)) for each in (slow, fast)] == [1, 2]


def test_cameras_have_their_own_spans_and_timelapses_have_none() -> None:
    index = TimeIndex(
        [
            entry("a", 100, 10),
            entry("b", 100, 10, "yard"),
            entry("c", 200, 10, kind="timelapse"),
            entry("d", 300, 10, codec=None),
        ]
    )
    assert [names(each.entries) for each in index.spans("door")] == [["a"]]
    assert [names(each.entries) for each in index.spans("yard")] == [["b"]]
    assert index.spans("cellar") == []


def test_recordings_of_a_clock_that_was_set_back_are_kept_apart() -> None:
    before = entry("a", 1000, 600), entry("b", 1600, 600)  # up to 2200, then back by 1000
    after = entry("c", 1200, 600), entry("d", 1800, 600)
    assert spans(*before, *after) == [(1000, 2200, ["a", "b"]), (1200, 2400, ["c", "d"])]
    index = TimeIndex([*before, *after])
    assert names(index.entries_from("door", 1700, 2300)) == ["c", "d"]
    assert names(index.entries_from("door", 1050, 1150)) == ["a"]


def test_a_copy_counts_once_and_the_original_is_shown() -> None:
    original, copy = entry("z", 100, 10), entry("copy of z", 100, 10, own=False)
    assert spans(copy, original) == [(100, 110, ["z"])]
    assert spans(copy) == [(100, 110, ["copy of z"])]


def test_an_export_counts_only_where_its_recordings_are_gone() -> None:
    part = entry("export", 102, 5, kind="export")
    assert spans(entry("a", 100, 10), part) == [(100, 110, ["a"])]
    assert spans(part) == [(102, 107, ["export"])]


def test_an_export_of_what_is_being_written_does_not_count() -> None:
    index = TimeIndex([entry("a", 100, 10), entry("export", 112, 5, kind="export")])
    now = [entry("b", 110, 10), entry("c", 120, 3)]
    (found,) = index.spans("door", writing=now)
    assert (found.start, found.end, names(found.entries)) == (100, 123, ["a", "b", "c"])
    assert names(index.entries_from("door", 105, 200, now)) == ["a", "b", "c"]


def test_only_what_is_in_the_time_asked_for_is_shown() -> None:
    index = TimeIndex(entry(str(number), 100 + number * 10, 10) for number in range(10))
    (found,) = index.spans("door", 125, 140)
    assert (found.start, found.end, names(found.entries)) == (120, 140, ["2", "3"])
    assert index.spans("door", 0, 100) == index.spans("door", 200, 300) == []


def test_small_gaps_can_be_ignored() -> None:
    found = spans(entry("a", 100, 10), entry("b", 115, 10), entry("c", 200, 10), gap=10)
    assert found == [(100, 125, ["a", "b"]), (200, 210, ["c"])]


def test_playing_goes_on_over_gaps_and_into_what_is_being_written() -> None:
    index = TimeIndex([entry("a", 100, 10), entry("b", 110, 10), entry("c", 150, 10)])
    now = entry("now", 160, 3, complete=False)
    assert names(index.entries_from("door", 115, 1000, [now])) == ["b", "c", "now"]
    assert names(index.entries_from("door", 120, 155)) == ["c"]
    assert index.entries_from("door", 120, 150) == []
    (_, last) = index.spans("door", writing=[now])
    assert (last.end, names(last.entries)) == (163, ["c", "now"])


def test_the_end_of_a_recording_as_a_text_is_not_played_again() -> None:
    after = entry("b", 110.0004, 10)
    joined = TimeIndex([entry("a", 100, 10.0004), after])
    apart = TimeIndex([entry("a", 100, 10.0004, fps=1e4), replace(after, start=110.001)])
    for index in (joined, apart):
        assert names(index.entries_from("door", 110.0, 200)) == ["b"]
        assert names(index.entries_from("door", 109.99, 200)) == ["a", "b"]


def test_the_next_recorded_time_is_found() -> None:
    index = TimeIndex([entry("a", 100, 10), entry("b", 200, 10)])
    assert [index.next_after("door", at) for at in (0, 105, 110, 150, 210)] == [
        100, 105, 200, 200, None,
    ]  # fmt: skip


def test_the_nearest_span_is_found() -> None:
    index = TimeIndex([entry("a", 100, 10), entry("b", 200, 10)])
    nearest = [index.nearest("door", at) for at in (0, 130, 170, 999)]
    assert [each.start for each in nearest if each] == [100, 100, 200, 200]
    assert index.nearest("yard", 0) is None


@given(st.lists(st.tuples(st.integers(0, 200), st.integers(1, 40)), max_size=25), st.data())
def test_every_recording_is_in_exactly_one_span(
    times: list[tuple[int, int]], data: st.DataObject
) -> None:
    entries = [entry(str(n), start, length) for n, (start, length) in enumerate(set(times))]
    found: list[Span] = TimeIndex(entries).spans("door")
    assert sorted(names([each for span in found for each in span.entries])) == sorted(
        names(entries)
    )
    at = data.draw(st.integers(0, 240))
    playing = TimeIndex(entries).entries_from("door", at, at + 100)
    assert all(each.start < at + 100 and each.start + (each.seconds or 0) > at for each in playing)
    assert len(set(names(playing))) == len(playing)
    is_there = any(each.start <= at < each.start + (each.seconds or 0) for each in entries)
    assert not is_there or (playing and playing[0].start <= at)


def test_a_day_of_a_hundred_thousand_recordings_is_found_at_once() -> None:
    index = TimeIndex(entry(str(n), n * 60.0, 50) for n in range(100_000))
    times = []
    for _ in range(5):
        began = time.thread_time()
        found = index.spans("door", 3_000_000, 3_086_400)
        times.append(time.thread_time() - began)
        assert len(found) == 1440
    assert min(times) < 0.05


def test_a_new_recording_among_a_hundred_thousand_is_found_at_once() -> None:
    entries = [entry(str(n), n * 10.0, 10) for n in range(100_000)]
    index = TimeIndex(entries)
    times = []
    for number in range(100_000, 100_005):
        began = time.thread_time()
        index = index.changed([entry(str(number), number * 10.0, 10)], [entries[number - 100_000]])
        times.append(time.thread_time() - began)
    (found,) = index.spans("door")
    assert (found.start, found.end, len(found.entries)) == (50, 1_000_050, 100_000)
    assert min(times) < 0.05


#: A recording or an export: its start, its length, and its name, which is another one for a copy.
_FILES = st.tuples(st.integers(0, 60), st.integers(1, 20), st.integers(0, 1), st.booleans())


@settings(max_examples=50)
@given(st.lists(_FILES, unique=True, max_size=12), st.data())
def test_a_change_gives_the_same_as_a_new_index(
    files: list[tuple[int, int, int, bool]], data: st.DataObject
) -> None:
    files.sort(key=lambda each: each[0])
    entries = [
        entry(str(each), each[0], each[1], kind="export" if each[3] else "recording")
        for each in files
    ]
    kept = entries[: data.draw(st.integers(0, len(entries)))]
    gone = kept[: data.draw(st.integers(0, len(kept)))]
    gone += data.draw(st.lists(st.sampled_from(kept), max_size=2)) if kept else []
    changed = TimeIndex(kept).changed(
        entries[len(kept) :], {id(each): each for each in gone}.values()
    )
    left = [each for each in entries if not any(each is other for other in gone)]
    assert _shape(changed) == _shape(TimeIndex(left))
    again = changed.changed([], left[:1]).changed(left[:1], [])
    assert _shape(again) == _shape(TimeIndex(left))


def _shape(index: TimeIndex) -> object:
    """The spans, and the seconds that the playback of times from 0 to 80 consists of."""
    spans = [(each.start, each.end) for each in index.spans("door")]
    played = [
        [(each.start, each.seconds) for each in index.entries_from("door", at, 80)]
        for at in (0, 10, 40)
    ]
    return spans, played, [index.next_after("door", at) for at in range(0, 80, 9)]
