"""Exports: whole files of their own, or none."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from tests.support.films import read_film
from tests.support.movies import (
    START,
    entries_in,
    make_numbered,
    numbers_in,
)
from twistedcam.errors import DiskError, NotSupported
from twistedcam.recording.playback import export
from twistedcam.recording.playback.export import write_export
from twistedcam.recording.playback.movie_files import MovieFiles
from twistedcam.recording.playback.piece import Piece
from twistedcam.recording.playback.planner import plan_piece


@pytest.fixture
def planned(tmp_path: Path) -> tuple[MovieFiles, Piece]:
    """Two recordings, and a piece of them."""
    for number in range(2):
        make_numbered(tmp_path / f"{number}.mp4", number * 30, 30)
    files = MovieFiles(tmp_path)
    return files, plan_piece(files, entries_in(tmp_path), START + 2.0, START + 5.0)


def hidden(folder: Path) -> list[str]:
    return [name for name in os.listdir(folder) if name.startswith(".") and name != ".twistedcam"]


def test_an_export_is_a_recording_with_its_time_and_its_mark(
    tmp_path: Path, planned: tuple[MovieFiles, Piece]
) -> None:
    result = write_export(*planned, tmp_path / "mine.mp4", "door")
    assert numbers_in(tmp_path / "mine.mp4") == list(range(20, 50))
    assert (result.frames, result.seconds) == (30, pytest.approx(3.0))
    assert read_film(tmp_path / "mine.mp4").seconds == pytest.approx(3.0, abs=0.01)
    (item,) = [each for each in entries_in(tmp_path) if each.recording == "mine.mp4"]
    assert (item.camera, item.kind, item.own) == ("door", "export", True)
    assert (item.start, item.size) == (pytest.approx(START + 2.0), result.bytes)
    assert hidden(tmp_path) == []


def test_an_existing_file_is_not_overwritten(
    tmp_path: Path, planned: tuple[MovieFiles, Piece]
) -> None:
    (tmp_path / "mine.mp4").write_bytes(b"precious")
    result = write_export(*planned, tmp_path / "mine.mp4", "door")
    assert result.name == "mine-2.mp4"
    assert (tmp_path / "mine.mp4").read_bytes() == b"precious"


def test_without_copying_in_the_kernel_the_bytes_are_the_same(
    tmp_path: Path, planned: tuple[MovieFiles, Piece], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_export(*planned, tmp_path / "one.mp4", "door")

    def refuse(*_: object) -> int:
        raise OSError(errno.EXDEV, "another file system")

    monkeypatch.setattr(os, "copy_file_range", refuse, raising=False)
    write_export(*planned, tmp_path / "two.mp4", "door")
    one, two = ((tmp_path / f"{name}.mp4").read_bytes() for name in ("one", "two"))
    assert one.partition(b"mdat")[2] == two.partition(b"mdat")[2]


def test_a_disk_that_is_full_leaves_nothing(
    tmp_path: Path, planned: tuple[MovieFiles, Piece], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(DiskError, match="No space left"):
        write_export(*planned, tmp_path / "mine.mp4", "door", reserve=1 << 60)

    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(export, "_copy", refuse)
    with pytest.raises(DiskError, match=r"mine\.mp4: No space left"):
        write_export(*planned, tmp_path / "mine.mp4", "door")
    assert hidden(tmp_path) == []
    assert not (tmp_path / "mine.mp4").exists()


def test_a_recording_that_is_gone_or_changed_is_named_as_the_cause(
    tmp_path: Path, planned: tuple[MovieFiles, Piece]
) -> None:
    (tmp_path / "1.mp4").write_bytes(b"")
    with pytest.raises(NotSupported, match="cannot be read"):
        write_export(*planned, tmp_path / "mine.mp4", "door")
    (tmp_path / "1.mp4").unlink()
    with pytest.raises(DiskError, match="No such file"):
        write_export(*planned, tmp_path / "mine.mp4", "door")


def test_an_export_is_cancelled_when_the_server_stops(
    tmp_path: Path, planned: tuple[MovieFiles, Piece]
) -> None:
    with pytest.raises(DiskError, match="cancelled"):
        write_export(*planned, tmp_path / "mine.mp4", "door", goes_on=lambda: False)
    assert hidden(tmp_path) == []
