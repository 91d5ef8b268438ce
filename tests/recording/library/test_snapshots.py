"""Snapshots in the recordings folder: their list, and the room that they take."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.recording.test_snapshot import FRAME
from twistedcam.errors import DiskError
from twistedcam.recording import RecordSettings, snapshot
from twistedcam.recording.library import snapshots
from twistedcam.recording.library.snapshots import list_snapshots
from twistedcam.recording.writer.disk_space import ROOM


def test_the_snapshots_of_a_folder_are_listed_newest_first_and_no_others(tmp_path: Path) -> None:
    assert list_snapshots(tmp_path / "not yet there") == []
    files = (
        *("door_2026-11-29_10-00-00.jpg", "yard.2_2026-11-29_10-00-00-2.JPEG", "porch+a.jpg"),
        *("mine.jpg", "film.mp4", ".door_2026-11-29_10-00-00.jpg.1234.new", ".hidden.jpg"),
    )
    for age, name in enumerate(files):
        (tmp_path / name).write_bytes(bytes(age))
        os.utime(tmp_path / name, (1000 - age, 1000 - age))
    (tmp_path / "folder.jpg").mkdir()
    (tmp_path / "link.jpg").symlink_to(tmp_path / "mine.jpg")
    os.mkfifo(tmp_path / "fifo.jpg")
    bad = os.fsdecode(b"caf\xe9.jpg")
    (tmp_path / bad).write_bytes(b"x")
    os.utime(tmp_path / bad, (1, 1))
    found = list_snapshots(tmp_path)
    assert [(each["snapshot"], each["camera"], each["start"], each["size"]) for each in found] == [
        ("door_2026-11-29_10-00-00.jpg", "door", 1000.0, 0),
        ("yard.2_2026-11-29_10-00-00-2.JPEG", "yard.2", 999.0, 1),
        ("porch+a.jpg", "porch", 998.0, 2),
        ("mine.jpg", None, 997.0, 3),
        ("caf%E9.jpg", None, 1.0, 1),
    ]


def test_a_picture_leaves_free_what_is_to_stay_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshots, "free_bytes", lambda folder: 10_000_000)
    assert snapshot._write(tmp_path, "cam", FRAME, None, RecordSettings(keep_free=9_000_000))
    with pytest.raises(DiskError, match="keep_free=10000000"):
        snapshot._write(tmp_path, "cam", FRAME, None, RecordSettings(keep_free=10_000_000))
    monkeypatch.setattr(snapshots, "free_bytes", lambda folder: ROOM)
    with pytest.raises(DiskError, match="no room"):
        snapshot._write(tmp_path, "cam", FRAME, None)
    assert len(list(tmp_path.iterdir())) == 1
