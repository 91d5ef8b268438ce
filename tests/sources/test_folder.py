"""A folder's pictures are shown whatever else is in it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support.http_camera import PICTURES, opened, read
from twistedcam.errors import CameraFailed, SourceEnded
from twistedcam.sources import folder
from twistedcam.sources.base import Source
from twistedcam.sources.registry import make_source
from twistedcam.sources.spec import parse


def _read_on(source: Source) -> None:
    while True:
        source.read()


def test_what_is_no_picture_file_is_left_out_and_the_rest_is_shown(tmp_path: Path) -> None:
    for number, jpeg in enumerate(PICTURES[:3]):
        (tmp_path / f"{number}.jpg").write_bytes(jpeg)
    (tmp_path / "0a.jpg").mkdir()
    (tmp_path / "1a.jpg").symlink_to("nowhere.jpg")
    (tmp_path / "1b.png").symlink_to("1b.png")
    os.mkfifo(tmp_path / "1c.jpeg")
    with opened(f"folder:{tmp_path}?fps=500&loop=0") as source:
        assert [read(source).jpeg for _ in range(3)] == PICTURES[:3]
        with pytest.raises(SourceEnded):
            read(source)


def test_a_file_that_cannot_be_read_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, jpeg in enumerate(PICTURES[:3]):
        (tmp_path / f"{number}.jpg").write_bytes(jpeg)
    whole, unreadable = folder._load, {"0.jpg"}

    def load(path: Path) -> object:  # as root, who may run the tests, every file can be read
        if path.name in unreadable:
            raise PermissionError(13, "Permission denied")
        return whole(path)

    monkeypatch.setattr(folder, "_load", load)
    with opened(f"folder:{tmp_path}?fps=500") as source:
        assert [read(source).jpeg for _ in range(4)] == [*PICTURES[1:3], *PICTURES[1:3]]
        unreadable |= {"1.jpg", "2.jpg"}
        with pytest.raises(CameraFailed, match=r"can be read: \d.jpg: Permission denied"):
            _read_on(source)


def test_a_folder_with_nothing_but_folders_has_no_pictures(tmp_path: Path) -> None:
    (tmp_path / "x.jpg").mkdir()
    with pytest.raises(CameraFailed, match="no pictures in"):
        make_source(parse(f"folder:{tmp_path}")).open()
