"""Pictures beside the recordings."""

from __future__ import annotations

from pathlib import Path

import pytest

from twistedcam.errors import DiskError
from twistedcam.media.frame import Frame
from twistedcam.recording import RecordSettings, snapshot

FRAME = Frame(7, 1_700_000_000_000_000, 640, 480, b"\xff\xd8 jpeg \xff\xd9")


def test_two_who_want_one_picture_at_once_both_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second one comes when the first has written its file and not yet named it."""
    names: list[str] = []
    move_without_replacing = snapshot.move_without_replacing

    def give_late(hidden: Path, wanted: Path) -> Path:
        monkeypatch.setattr(snapshot, "move_without_replacing", move_without_replacing)
        names.append(snapshot._write(tmp_path, "cam", FRAME, None))
        return move_without_replacing(hidden, wanted)

    monkeypatch.setattr(snapshot, "move_without_replacing", give_late)
    names.append(snapshot._write(tmp_path, "cam", FRAME, None))
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(set(names))
    assert [(tmp_path / name).read_bytes() for name in names] == [FRAME.jpeg] * 2


def test_pictures_may_take_as_much_as_recordings_and_no_more(tmp_path: Path) -> None:
    settings = RecordSettings(keep=5 * len(FRAME.jpeg))
    (tmp_path / "mine.JPG").write_bytes(bytes(2 * len(FRAME.jpeg)))
    (tmp_path / "film.mp4").write_bytes(bytes(1000))
    names = [snapshot._write(tmp_path, "cam", FRAME, None, settings) for _ in range(3)]
    for _ in range(2):
        with pytest.raises(DiskError, match=r"its snapshots would exceed .*keep=50\): delete some"):
            snapshot._write(tmp_path, "cam", FRAME, None, settings)
    assert sorted(each.name for each in tmp_path.iterdir()) == sorted(
        [*names, "film.mp4", "mine.JPG"]
    )
    (tmp_path / names[0]).unlink()
    assert snapshot._write(tmp_path, "cam", FRAME, None, settings)
    assert snapshot._write(tmp_path, "cam", FRAME, None)  # without a limit of its camera's
