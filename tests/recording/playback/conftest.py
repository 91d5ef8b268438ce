"""Recordings whose pictures are numbered, and pieces of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.movies import START, entries_in, make_numbered
from twistedcam.recording.library.time_index import TimeIndex
from twistedcam.recording.playback.movie_files import MovieFiles
from twistedcam.recording.playback.piece import Piece, read_piece
from twistedcam.recording.playback.planner import plan_piece


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three recordings that follow each other, and one two seconds later."""
    made = tmp_path_factory.mktemp("recordings")
    for number, first in enumerate((0, 30, 60, 110)):
        make_numbered(made / f"{number}.mp4", first, 30)
    return made


def plan(folder: Path, start: float, end: float) -> tuple[MovieFiles, Piece]:
    """Plan a piece; start and end are seconds since the first recording's start."""
    files = MovieFiles(folder)
    entries = TimeIndex(entries_in(folder)).entries_from("door", START + start, START + end)
    return files, plan_piece(files, entries, START + start, START + end)


def read(files: MovieFiles, piece: Piece) -> bytes:
    """The bytes of a piece."""
    return b"".join(read_piece(files, piece, 0, piece.size))
