"""Pictures beside the recordings."""

from __future__ import annotations

from pathlib import Path

import pytest

from twistedcam.frame import Frame
from twistedcam.recording import snapshot

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
