"""Pieces over files and gaps: each picture once, and the bytes that were announced."""

from __future__ import annotations

import random
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from tests.recording.playback.conftest import plan, read
from tests.support.movies import (
    START,
    entries_in,
    entry,
    film_with_sound,
    make_numbered,
    numbers_in,
    remux,
    times_in,
)
from twistedcam.errors import NotSupported
from twistedcam.recording.mp4.boxes import UnreadableMovie
from twistedcam.recording.playback.movie_files import MovieFiles
from twistedcam.recording.playback.piece import read_piece
from twistedcam.recording.playback.planner import plan_piece
from twistedcam.recording.writer.part_file import part_of

#: The options of a film that is being written, and of the same when it is finished.
_PERIOD = ("frag_duration", "400000")
FRAGMENTED = (("movflags", "empty_moov+default_base_moof"), _PERIOD)
FINISHED = (("movflags", "hybrid_fragmented+empty_moov+default_base_moof"), _PERIOD)


def test_each_picture_comes_once_over_seams_and_a_gap(folder: Path) -> None:
    files, piece = plan(folder, 2.5, 12.0)
    film = read(files, piece)
    assert numbers_in(film) == [*range(20, 90), *range(110, 120)]
    assert times_in(film) == pytest.approx([number / 10 for number in range(80)], abs=0.001)
    assert len(film) == piece.size
    assert piece.start == pytest.approx(START + 2.0)
    assert piece.end == pytest.approx(START + 12.0)
    assert piece.gaps == [(pytest.approx(7.0), pytest.approx(2.0))]


def test_any_range_is_a_part_of_the_whole(folder: Path) -> None:
    files, piece = plan(folder, 0.5, 13.0)
    film, chance = read(files, piece), random.Random(1)
    for _ in range(100):
        first = chance.randrange(piece.size)
        last = chance.randrange(first, piece.size) + 1
        assert b"".join(read_piece(files, piece, first, last)) == film[first:last]


def test_a_file_that_changes_after_the_plan_is_noticed(tmp_path: Path) -> None:
    make_numbered(tmp_path / "a.mp4", 0, 30)
    files, piece = plan(tmp_path, 0, 10)
    (tmp_path / "a.mp4").unlink()
    make_numbered(tmp_path / "a.mp4", 50, 20)
    with pytest.raises(UnreadableMovie, match="changed"):
        read(files, piece)


def test_sound_comes_along_over_a_seam(tmp_path: Path) -> None:
    for name in ("a.mp4", "b.mp4"):
        (tmp_path / name).write_bytes(film_with_sound())
    first, second = entries_in(tmp_path)
    entries = [replace(first, start=100.0, seconds=4.0), replace(second, start=104.0, seconds=4.0)]
    files = MovieFiles(tmp_path)
    piece = plan_piece(files, entries, 102.0, 107.0)
    film = read(files, piece)
    pictures, sounds = times_in(film), times_in(film, "audio")
    assert len(pictures) == pytest.approx(125, abs=3)
    assert sounds[-1] - sounds[0] == pytest.approx(5.0, abs=0.06)
    assert abs(sounds[0] - pictures[0]) < 0.06


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
@pytest.mark.parametrize("until", [2.3, 60.0])
def test_a_recording_that_grows_does_not_change_a_piece(
    tmp_path: Path, suffix: str, until: float
) -> None:
    path, source = tmp_path / f"a{suffix}", film_with_sound(4, FRAGMENTED)
    if suffix == ".mkv":
        remux(source, path)
        source = path.read_bytes()
        path.unlink()
    finished = source if suffix == ".mkv" else film_with_sound(4, FINISHED)
    files, growing = MovieFiles(tmp_path), part_of(path)
    item = entry(path.name, 100.0, 4.0, complete=False)
    planned = []
    for size in range(len(source) // 4, len(source) + 1, len(source) // 40):
        growing.write_bytes(source[:size])
        with suppress(NotSupported):
            planned.append(plan_piece(files, [item], 100.0, 100.0 + until))
            before = read(files, planned[-1])
            assert len(before) == planned[-1].size
    growing.write_bytes(source)
    grown = [read(files, each) for each in planned]
    assert [len(each) for each in grown] == [each.size for each in planned]
    assert len({each.size for each in planned}) > 2
    growing.unlink()
    path.write_bytes(finished)
    assert [read(files, each) for each in planned] == grown
