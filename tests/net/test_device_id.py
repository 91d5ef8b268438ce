"""The id of a server is the same at each start, and differs for each folder."""

from __future__ import annotations

import uuid
from pathlib import Path

from twistedcam.net import device_id as module
from twistedcam.net.device_id import device_id


def test_the_id_is_a_uuid_that_stays_and_differs_by_folder(tmp_path: Path) -> None:
    one = device_id(tmp_path / "one")
    assert uuid.UUID(one).version == 5
    assert device_id(tmp_path / "one") == one
    assert device_id(tmp_path / "two") != one


def test_the_id_of_the_machine_is_not_shown(tmp_path: Path, monkeypatch) -> None:
    file = tmp_path / "machine-id"
    file.write_text("0123456789abcdef0123456789abcdef\n")
    monkeypatch.setattr(module, "_MACHINE", (str(file),))
    one = device_id(tmp_path)
    assert "0123456789abcdef"[:8] not in one.replace("-", "")
    file.write_text("f" * 32)
    assert device_id(tmp_path) != one
