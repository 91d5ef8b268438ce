"""A file that is hidden until it is complete."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from twistedcam.recording.writer.part_file import PartFile, disk_error, name_of_part, part_of


def test_an_unfinished_file_is_known_by_its_name() -> None:
    assert part_of(Path("/r/a.mp4")) == Path("/r/.a.mp4.part")
    assert name_of_part(".a.mp4.part") == "a.mp4"
    for other in ("a.mp4", ".a.mp4", "a.part", "..part", ".part"):
        assert name_of_part(other) is None


def test_it_is_in_memory_until_it_appears_and_hidden_until_it_is_published(tmp_path: Path) -> None:
    file = PartFile(tmp_path / "a.mp4")
    file.write(b"head")
    assert not list(tmp_path.iterdir())
    file.create()
    file.write(b"er")
    file.mark()
    assert [each.name for each in tmp_path.iterdir()] == [".a.mp4.part"]
    assert file.publish() == tmp_path / "a.mp4"
    assert {each.name: each.read_bytes() for each in tmp_path.iterdir()} == {"a.mp4": b"header"}


def test_bytes_that_are_there_are_overwritten_and_the_next_ones_are_appended(
    tmp_path: Path,
) -> None:
    file = PartFile(tmp_path / "a.mp4")
    file.write(b"head")
    file.overwrite(0, b"HE")
    file.create()
    file.overwrite(2, b"A")
    file.write(b"er")
    assert (file.tell(), file.size) == (6, 6)
    assert file.publish().read_bytes() == b"HEAder"


def test_a_name_in_use_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"another")
    file = PartFile(tmp_path / "a.mp4")
    file.write(b"data")
    file.create()
    assert file.publish() == tmp_path / "a-2.mp4"
    assert (tmp_path / "a.mp4").read_bytes() == b"another"


def test_two_writers_of_one_file_are_refused(tmp_path: Path) -> None:
    first, second = PartFile(tmp_path / "a.mp4"), PartFile(tmp_path / "a.mp4")
    first.create()
    with pytest.raises(FileExistsError):
        second.create()
    first.discard()
    assert not list(tmp_path.iterdir())


def test_after_an_error_what_was_marked_is_published(tmp_path: Path) -> None:
    file = PartFile(tmp_path / "a.mp4")
    file.write(b"good")
    file.create()
    file.mark()
    real: Any = file._file

    def full(_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with patch.object(file, "_write", full):
        assert file.write(b"more") == 4  # the muxer does not notice
    file.write(b"even more")
    assert isinstance(file.error, OSError)
    assert (file.is_worth_keeping, real.tell()) == (True, 4)
    assert file.publish().read_bytes() == b"good"


def test_a_tail_stands_behind_the_file_until_more_is_written(tmp_path: Path) -> None:
    file = PartFile(tmp_path / "a.mkv")
    file.write(b"0123")
    file.create()
    file.put_tail(b"a long tail")
    assert file.part.read_bytes() == b"0123a long tail"
    file.put_tail(b"tail")
    assert file.part.read_bytes() == b"0123tail"
    file.write(b"45")
    assert file.part.read_bytes() == b"012345"
    file.put_tail(b"tail")
    assert file.size == 6
    assert file.publish().read_bytes() == b"012345"


def test_a_better_copy_is_published_instead(tmp_path: Path) -> None:
    file = PartFile(tmp_path / "a.mp4")
    file.write(b"data")
    file.create()

    def copy(part: Path) -> Path:
        assert part.read_bytes() == b"data"
        made = tmp_path / ".copy"
        made.write_bytes(b"better")
        return made

    assert file.publish(copy).read_bytes() == b"better"
    assert [each.name for each in tmp_path.iterdir()] == ["a.mp4"]


def test_a_disk_error_has_the_system_s_reason() -> None:
    error = disk_error("a.mp4", OSError(errno.EIO, "Input/output error"))
    assert str(error) == "a.mp4: Input/output error"
    assert str(disk_error("a.mp4", ValueError("odd"))) == "a.mp4: odd"
