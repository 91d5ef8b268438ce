"""New files: hidden while they are written, named when they are complete, and gone after errors."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from twistedcam.recording.playback.new_file import new_file


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
