"""HLS playlists: their ranges are the whole piece, one after the other."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.movies import START, entries_in, make_numbered, numbers_in
from twistedcam.errors import NotSupported
from twistedcam.recording.playback import playlist
from twistedcam.recording.playback.movie_files import MovieFiles
from twistedcam.recording.playback.piece import Piece, read_piece
from twistedcam.recording.playback.planner import plan_piece
from twistedcam.recording.playback.playlist import make_playlist


@pytest.fixture
def planned(tmp_path: Path) -> tuple[MovieFiles, Piece]:
    for number in range(3):
        make_numbered(tmp_path / f"{number}.mp4", number * 50, 50)
    files = MovieFiles(tmp_path)
    return files, plan_piece(files, entries_in(tmp_path), START, START + 100)


def test_segments_of_six_seconds_follow_each_other(planned: tuple[MovieFiles, Piece]) -> None:
    files, piece = planned
    made = make_playlist(files, piece, "../door?start=1")
    ranges = [(int(n), int(at)) for n, at in re.findall(r"X-BYTERANGE:(\d+)@(\d+)", made)]
    lengths = [float(each) for each in re.findall(r"#EXTINF:([\d.]+),", made)]
    assert sum(lengths) == pytest.approx(15.0)
    assert min(lengths[:-1]) >= 6
    assert ranges[0][1] == len(piece.head)
    for (size, at), (_, after) in zip(ranges, ranges[1:], strict=False):  # noqa: RUF007
        assert at + size == after
    assert sum(ranges[-1]) == piece.size
    head = b"".join(read_piece(files, piece, 0, piece.init_size))
    size, at = ranges[1]
    segment = head + b"".join(read_piece(files, piece, at, at + size))
    shown = numbers_in(segment)
    assert shown == list(range(round(lengths[0] * 10), round(lengths[0] * 10) + len(shown)))
    assert made.count("../door?start=1") == len(ranges) + 1
    assert made.endswith("#EXT-X-ENDLIST\n")


def test_too_many_files_and_changed_ones_are_refused(
    planned: tuple[MovieFiles, Piece], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as limited:
        limited.setattr(playlist, "_MAX_FILES", 2)
        with pytest.raises(NotSupported, match="at most 2 recordings, and here are 3"):
            make_playlist(*planned, "x")
    (tmp_path / "1.mp4").unlink()
    with pytest.raises(NotSupported, match="No such file"):
        make_playlist(*planned, "x")
