"""Files to copy from, also while they are written."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support.movies import film_with_sound, make_numbered
from twistedcam.recording.mp4.boxes import UnreadableMovie
from twistedcam.recording.playback import movie_files
from twistedcam.recording.playback.movie_files import MovieFiles
from twistedcam.recording.writer.part_file import part_of


def test_a_table_is_read_once_and_again_when_the_file_has_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_numbered(tmp_path / "a.mp4", 0, 20)
    files = MovieFiles(tmp_path)
    first = files.read_named("a.mp4")
    assert files.read_named("a.mp4") is first
    (tmp_path / "a.mp4").unlink()
    make_numbered(tmp_path / "a.mp4", 0, 30)
    assert len(files.read_named("a.mp4").video) == 30
    monkeypatch.setattr(movie_files, "_MAX_SAMPLES", 35)
    make_numbered(tmp_path / "b.mp4", 30, 10)
    files.read_named("b.mp4")
    assert len(files._kept) == 1  # memory is bounded


def test_a_recording_that_is_being_written_is_opened(tmp_path: Path) -> None:
    film = film_with_sound(4, (("movflags", "frag_keyframe+empty_moov"),))
    part_of(tmp_path / "a.mp4").write_bytes(film)
    fd, is_growing = MovieFiles(tmp_path).open("a.mp4")
    os.close(fd)
    assert is_growing
    assert len(MovieFiles(tmp_path).read_named("a.mp4").video) == 75  # the last may be replaced


def test_key_frames_alone_fill_the_time(tmp_path: Path) -> None:
    film = film_with_sound(4, (("movflags", "frag_keyframe+empty_moov"),))
    (tmp_path / "a.mp4").write_bytes(film)
    part_of(tmp_path / "b.mp4").write_bytes(film)
    files = MovieFiles(tmp_path, only_keys=True)
    whole, growing = files.read_named("a.mp4"), files.read_named("b.mp4")
    assert whole.audio is None
    steps = whole.video.timescale
    assert (whole.video.times // steps).tolist() == [0, 1, 2, 3]
    assert (whole.video.durations // steps).tolist() == [1, 1, 1, 1]
    # The end of the newest key frame is not known while more is written.
    assert (growing.video.times // steps).tolist() == [0, 1]
    part_of(tmp_path / "b.mp4").write_bytes(film[:2000])
    with pytest.raises(UnreadableMovie):
        files.read_named("b.mp4")


def test_what_is_no_film_and_what_is_not_there_are_errors(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"no film")
    with pytest.raises(UnreadableMovie):
        MovieFiles(tmp_path).read_named("a.mp4")
    with pytest.raises(FileNotFoundError):
        MovieFiles(tmp_path).read_named("b.mp4")
    (tmp_path / "c.mp4").symlink_to(tmp_path / "a.mp4")
    with pytest.raises(OSError, match="not a regular file"):
        MovieFiles(tmp_path).read_named("c.mp4")
