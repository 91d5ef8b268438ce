"""Folders and logs are checked before the start, and the check leaves nothing behind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from unittest.mock import patch

import pytest

from twistedcam.errors import StartupError
from twistedcam.runtime.writable_paths import check_folder, check_log, make_folder


def test_a_check_creates_no_folder(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "new", tmp_path / "new" / "recordings"):
        check_folder(folder)
    check_log(tmp_path / "log")
    assert not list(tmp_path.iterdir())
    make_folder(tmp_path / "new" / "recordings")
    check_folder(tmp_path / "new" / "recordings")


def test_a_check_leaves_an_existing_log_unchanged(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("one\n")
    (tmp_path / "link").symlink_to("log")
    for name in ("log", "link"):
        check_log(tmp_path / name)
    assert (tmp_path / "log").read_text() == "one\n"


@pytest.mark.parametrize("check", [check_folder, make_folder])
def test_a_folder_that_cannot_be_created_is_named(
    check: Callable[[Path], None], tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file" / "x", tmp_path / "file", Path("/proc/nowhere/x"),
                   tmp_path / ("a" * 300)):  # fmt: skip
        with pytest.raises(StartupError, match="folder for recordings") as caught:
            check(folder)
        assert str(folder) in str(caught.value)


def test_a_folder_that_may_not_be_written_is_named(tmp_path: Path) -> None:
    refused = PermissionError(13, "Permission denied")
    with (
        patch("twistedcam.runtime.writable_paths.tempfile.TemporaryFile", side_effect=refused),
        pytest.raises(StartupError, match="cannot be written: Permission denied"),
    ):
        check_folder(tmp_path / "recordings")
    with (
        patch("twistedcam.runtime.writable_paths.os.access", return_value=False),
        pytest.raises(StartupError, match="cannot be written"),
    ):
        make_folder(tmp_path)


def test_a_log_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "no" / "log", tmp_path / "file" / "log", tmp_path):
        with pytest.raises(StartupError, match=r"the log .* cannot be written: "):
            check_log(path)
