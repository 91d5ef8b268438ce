"""Pictures beside the recordings."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from twistedcam.errors import DiskError
from twistedcam.media.frame import Frame
from twistedcam.recording import RecordSettings, snapshot
from twistedcam.recording.library import snapshot_quota as picture_quota
from twistedcam.recording.library.snapshot_list import list_snapshots
from twistedcam.recording.writer.disk_space import ROOM

FRAME = Frame(7, 1_700_000_000_000_000, 640, 480, b"\xff\xd8 jpeg \xff\xd9")


def test_two_who_want_one_picture_at_once_both_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second one comes when the first has written its file and not yet named it."""
    names: list[str] = []
    give_name = snapshot.give_name

    def give_late(hidden: Path, wanted: Path) -> Path:
        monkeypatch.setattr(snapshot, "give_name", give_name)
        names.append(snapshot._write(tmp_path, "cam", FRAME, None))
        return give_name(hidden, wanted)

    monkeypatch.setattr(snapshot, "give_name", give_late)
    names.append(snapshot._write(tmp_path, "cam", FRAME, None))
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(set(names))
    assert [(tmp_path / name).read_bytes() for name in names] == [FRAME.jpeg] * 2


def test_pictures_may_take_as_much_as_recordings_and_no_more(tmp_path: Path) -> None:
    settings = RecordSettings(keep=5 * len(FRAME.jpeg))
    (tmp_path / "mine.JPG").write_bytes(bytes(2 * len(FRAME.jpeg)))
    (tmp_path / "film.mp4").write_bytes(bytes(1000))
    names = [snapshot._write(tmp_path, "cam", FRAME, None, settings) for _ in range(3)]
    for _ in range(2):
        with pytest.raises(DiskError, match=r"its pictures would take .*keep=50\): delete some"):
            snapshot._write(tmp_path, "cam", FRAME, None, settings)
    assert sorted(each.name for each in tmp_path.iterdir()) == sorted(
        [*names, "film.mp4", "mine.JPG"]
    )
    (tmp_path / names[0]).unlink()
    assert snapshot._write(tmp_path, "cam", FRAME, None, settings)
    assert snapshot._write(tmp_path, "cam", FRAME, None)  # without a limit of its camera's


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
    monkeypatch.setattr(picture_quota, "free_bytes", lambda folder: 10_000_000)
    assert snapshot._write(tmp_path, "cam", FRAME, None, RecordSettings(keep_free=9_000_000))
    with pytest.raises(DiskError, match="keep_free=10000000"):
        snapshot._write(tmp_path, "cam", FRAME, None, RecordSettings(keep_free=10_000_000))
    monkeypatch.setattr(picture_quota, "free_bytes", lambda folder: ROOM)
    with pytest.raises(DiskError, match="no room"):
        snapshot._write(tmp_path, "cam", FRAME, None)
    assert len(list(tmp_path.iterdir())) == 1
