"""Protected recordings, over restarts and damage."""

from __future__ import annotations

from pathlib import Path

import pytest

from twistedcam.recording.library.hidden_folder import HIDDEN
from twistedcam.recording.library.protection import FILE, Protection


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("a.mp4", "b.mp4"):
        (tmp_path / name).touch()
    return tmp_path


def test_what_is_protected_stays_so_over_a_restart(folder: Path) -> None:
    assert Protection(folder).change("a.mp4", True)
    assert not Protection(folder).change("a.mp4", True)
    assert Protection(folder).names() == {"a.mp4"}
    assert Protection(folder).change("a.mp4", False)
    assert Protection(folder).names() == frozenset()


def test_another_server_sees_a_change(folder: Path) -> None:
    mine, other = Protection(folder), Protection(folder)
    assert mine.names() == frozenset()
    other.change("b.mp4", True)
    assert mine.names() == {"b.mp4"}


def test_the_name_of_a_file_that_is_gone_is_forgotten(folder: Path) -> None:
    protection = Protection(folder)
    protection.change("a.mp4", True)
    (folder / "a.mp4").unlink()
    protection.change("b.mp4", True)
    assert protection.names() == {"b.mp4"}


@pytest.mark.parametrize("content", ["{", "[]", '{"version": 9}', '{"version": 1}', "\0"])
def test_a_damaged_file_protects_what_was_known_and_is_not_overwritten(
    folder: Path, content: str
) -> None:
    protection = Protection(folder)
    protection.change("a.mp4", True)
    assert protection.names() == {"a.mp4"}
    path = folder / HIDDEN / FILE
    path.write_text(content)
    assert protection.names() == {"a.mp4"}
    with pytest.raises(ValueError, match="cannot be read"):
        protection.change("b.mp4", True)
    assert path.read_text() == content
