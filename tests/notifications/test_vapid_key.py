"""The key by which push services recognize the server, and the address for their questions."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from twistedcam.errors import DiskError
from twistedcam.notifications.vapid_key import FILE, VapidKey
from twistedcam.recording.library.hidden_folder import HIDDEN


def key_in(folder: Path) -> VapidKey:
    return VapidKey(folder, lambda: None)


def test_the_key_is_made_once_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    text = key_in(tmp_path / "new").public_text()
    assert len(base64.urlsafe_b64decode(text + "=")) == 65
    file = tmp_path / "new" / HIDDEN / FILE
    assert file.stat().st_mode & 0o777 == 0o600
    assert key_in(tmp_path / "new").public_text() == text
    assert key_in(tmp_path / "other").public_text() != text


@pytest.mark.parametrize(
    "text", ["no key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"]
)
def test_a_file_that_has_no_key_is_kept_and_said(tmp_path: Path, text: str) -> None:
    (tmp_path / HIDDEN).mkdir()
    file = tmp_path / HIDDEN / FILE
    file.write_text(text)
    with pytest.raises(DiskError, match="has no key for notifications"):
        key_in(tmp_path).private()
    assert file.read_text() == text


def test_a_disk_that_is_not_mounted_gets_no_key(tmp_path: Path) -> None:
    def check() -> None:
        raise DiskError("it is not mounted")

    with pytest.raises(DiskError, match="not mounted"):
        VapidKey(tmp_path, check).private()
    assert list(tmp_path.iterdir()) == []
