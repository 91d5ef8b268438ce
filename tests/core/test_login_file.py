"""The file of logins: private, and not below a mount point."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from twistedcam.core.login_file import FILE, LoginFile
from twistedcam.errors import DiskError


def test_only_the_owner_can_read_the_file(tmp_path: Path) -> None:
    file = LoginFile(tmp_path / "recordings", lambda: None)
    with pytest.raises(FileNotFoundError):
        file.read()
    file.write(b"{}")
    assert file.read() == b"{}"
    path = tmp_path / "recordings/.twistedcam" / FILE
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_nothing_is_written_while_the_disk_is_away(tmp_path: Path) -> None:
    def away() -> None:
        raise DiskError("not mounted")

    with pytest.raises(DiskError):
        LoginFile(tmp_path / "recordings", away).write(b"{}")
    assert list(tmp_path.iterdir()) == []
