"""New files: hidden while they are written, named when they are complete, and gone after errors."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from twistedcam.errors import BadArgument
from twistedcam.recording.playback.new_file import new_file, reserve_path
from twistedcam.recording.writer.file_names import release_name


def visible(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir() if not each.name.startswith("."))


def test_a_file_has_its_name_when_it_is_complete(tmp_path: Path) -> None:
    with new_file(tmp_path / "film.mp4") as made:
        os.write(made.fd, b"all of it")
        assert visible(tmp_path) == []
    assert (made.name, made.size) == ("film.mp4", 9)
    assert (tmp_path / "film.mp4").read_bytes() == b"all of it"


def test_a_file_of_that_name_is_kept(tmp_path: Path) -> None:
    (tmp_path / "film.mp4").write_bytes(b"older")
    with new_file(tmp_path / "film.mp4") as made:
        os.write(made.fd, b"newer")
    assert made.name == "film-2.mp4"
    assert (tmp_path / "film.mp4").read_bytes() == b"older"


def begin_and_fail(path: Path, error: BaseException) -> None:
    with new_file(path) as made:
        os.write(made.fd, b"half of i")
        raise error


@pytest.mark.parametrize("error", [OSError(28, "full"), KeyboardInterrupt()], ids=repr)
def test_an_error_leaves_nothing(tmp_path: Path, error: BaseException) -> None:
    with pytest.raises(type(error)):
        begin_and_fail(tmp_path / "film.mp4", error)
    assert list(tmp_path.iterdir()) == []


def test_the_name_of_a_new_file_is_reserved_until_it_is_released(tmp_path: Path) -> None:
    first = reserve_path(tmp_path, "front door", 1_700_000_000, None)
    second = reserve_path(tmp_path, "front door", 1_700_000_000, None)
    assert first.name.startswith("front_door_2023-11-") and first.suffix == ".mp4"
    assert second.name == f"{first.stem}-2.mp4"
    mine = reserve_path(tmp_path, "door", 0, "mine.mp4")
    with pytest.raises(BadArgument, match=r"there is a recording 'mine\.mp4' already"):
        reserve_path(tmp_path, "door", 0, "mine.mp4")
    for each in (first, second, mine):
        release_name(each)
    assert reserve_path(tmp_path, "door", 0, "mine.mp4") == mine
    release_name(mine)
