"""What a piece of recordings consists of, and where it ends."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.recording.playback.conftest import plan, read
from tests.support.movies import (
    START,
    entries_in,
    make_numbered,
    numbers_in,
    remux,
    times_in,
)
from twistedcam.errors import NotSupported
from twistedcam.recording.library.time_index import TimeIndex
from twistedcam.recording.playback.movie_files import MovieFiles
from twistedcam.recording.playback.planner import plan_piece


def test_whole_files_are_not_opened_to_plan(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("twistedcam.recording.playback.planner._FINE_FILES", 2)
    entries = TimeIndex(entries_in(folder)).entries_from("door", START, START + 100)
    files, read_names = MovieFiles(folder), list[str]()
    real = files.read_named
    monkeypatch.setattr(files, "read_named", lambda name: read_names.append(name) or real(name))
    piece = plan_piece(files, entries, START, START + 100)
    assert read_names == ["0.mp4"]  # for the descriptions of its tracks
    assert numbers_in(read(files, piece)) == [*range(90), *range(110, 140)]


def test_matroska_is_copied_like_mp4(tmp_path: Path) -> None:
    for number in range(2):
        make_numbered(tmp_path / "film.mp4", number * 30, 30)
        remux(tmp_path / "film.mp4", tmp_path / f"{number}.mkv")
    (tmp_path / "film.mp4").unlink()
    files, piece = plan(tmp_path, 2.5, 5.0)
    assert [part.name for part in piece.parts] == ["0.mkv", "1.mkv"]
    film = read(files, piece)
    assert numbers_in(film) == list(range(20, 50))
    assert times_in(film) == pytest.approx([number / 10 for number in range(30)], abs=0.002)


def test_a_file_that_was_deleted_leaves_a_gap(folder: Path, tmp_path: Path) -> None:
    for name in ("0.mp4", "2.mp4"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    entries = entries_in(folder)[:3]
    entries[1] = replace(entries[1], layout=None, complete=False)
    files = MovieFiles(tmp_path)
    piece = plan_piece(files, entries, START, START + 100)
    assert [each[1] for each in piece.gaps] == [pytest.approx(3.0)]
    assert numbers_in(read(files, piece)) == [*range(30), *range(60, 90)]


def test_another_size_ends_the_piece_and_says_where_it_goes_on(tmp_path: Path) -> None:
    make_numbered(tmp_path / "a.mp4", 0, 30)
    make_numbered(tmp_path / "b.mp4", 30, 30, width=320)
    files, piece = plan(tmp_path, 0, 10)
    assert piece.split is not None
    reason, time = piece.split
    assert "b.mp4 has another codec, size" in reason
    assert time == pytest.approx(START + 3.0)
    assert numbers_in(read(files, piece)) == list(range(30))


def test_jpegs_in_matroska_are_refused_by_name(tmp_path: Path) -> None:
    make_numbered(tmp_path / "a.mkv", 0, 30)
    with pytest.raises(NotSupported, match=r"a\.mkv cannot be .*: it is mjpeg in mkv: download"):
        plan(tmp_path, 0, 1)


@pytest.mark.parametrize(
    "layout",
    [(1,), (0,) * 8, (1, 1, 0, 1, 0, 9, 9, 0), (-1, 1, 0, 1, 0, 9, 9, 9), (1 << 70, *(1,) * 7)],
)
def test_an_invalid_entry_in_the_index_ends_the_piece(
    folder: Path, layout: tuple[int, ...]
) -> None:
    entries = entries_in(folder)
    entries[2] = replace(entries[2], layout=layout)
    piece = plan_piece(MovieFiles(folder), entries, START, START + 100)
    assert piece.split is not None
    assert piece.seconds == pytest.approx(6)


def test_parts_know_their_places(folder: Path) -> None:
    _, piece = plan(folder, 0.5, 13.0)
    assert [part.name for part in piece.parts] == ["0.mp4", "1.mp4", "2.mp4", "3.mp4"]
    assert piece.parts[-1] == piece.parts[3:][0]
    assert [part.gap for part in piece.parts] == [0, 0, 0, pytest.approx(2.0)]
    assert (piece.parts[0].since, piece.parts[3].until) == (pytest.approx(0.5), pytest.approx(2.0))
    for before, after in zip(piece.parts, piece.parts[1:], strict=False):
        assert after.offset == before.offset + before.layout.size
        assert after.base == before.base + before.layout.duration
        assert after.sequence == before.sequence + before.layout.fragments
    with pytest.raises(IndexError):
        piece.parts[4]


@pytest.mark.parametrize("count", [1, 2])
def test_after_a_clock_that_was_set_back_nothing_is_shown_twice(tmp_path: Path, count: int) -> None:
    for number in range(count):  # up to 8 seconds; then the clock was set back to 2.5
        each = 80 // count
        make_numbered(tmp_path / f"{number}.mp4", number * each, each)
    make_numbered(tmp_path / "later.mp4", 100, 20)
    entries = [
        replace(each, start=START + 2.5) if each.recording == "later.mp4" else each
        for each in entries_in(tmp_path)
    ]
    playing = TimeIndex(entries).entries_from("door", START + 2.5, START + 100)
    assert [each.recording for each in playing] == ["later.mp4", f"{count - 1}.mp4"]
    files = MovieFiles(tmp_path)
    piece = plan_piece(files, playing, START + 2.5, START + 100)
    assert numbers_in(read(files, piece)) == [*range(100, 120), *range(60, 80)]
    assert piece.gaps == [(pytest.approx(2.0), pytest.approx(1.5))]
    assert piece.end == pytest.approx(START + 8)
    short = plan_piece(files, playing, START + 2.5, START + 7.5)
    assert numbers_in(read(files, short)) == [*range(100, 120), *range(60, 75)]
    ended = [playing[0], replace(playing[1], start=START - 2.0)]  # its last key frame is before
    assert numbers_in(read(files, plan_piece(files, ended, START + 2.5, START + 5.5))) == [
        *range(100, 120)
    ]
