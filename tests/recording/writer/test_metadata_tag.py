"""The comment in a recording's metadata."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from twistedcam.recording.writer.metadata_tag import Tag, write_dropped


@pytest.mark.parametrize(
    "tag",
    [
        Tag("door", "door.mp4"),
        Tag("Front door", "a name=b camera=c.mkv", 7),
        Tag("ä", "line\nfeed.mp4", 0, 1_750_000_000.125, "0123456789abcdef", 12.5),
    ],
)
def test_a_tag_is_read_as_it_was_written(tag: Tag) -> None:
    assert Tag.parse(str(tag)) == tag


@pytest.mark.parametrize(
    "text", ["", "Lavf61", "twistedcam", "my twistedcam 1.0 camera=a dropped=---------- name=b"]
)
def test_other_comments_are_no_tag(text: str) -> None:
    assert Tag.parse(text) is None


def test_the_count_is_written_in_place_at_both_ends_of_a_file(tmp_path: Path) -> None:
    path, tag = tmp_path / "a.mkv", Tag("door", "a.mkv")
    data = b"x" + str(tag).encode() + bytes(3 << 20) + str(tag).encode() + b"y"
    path.write_bytes(data)
    fd = os.open(path, os.O_RDWR)
    write_dropped(fd, 42)
    os.close(fd)
    known = str(Tag("door", "a.mkv", 42)).encode()
    assert path.read_bytes() == b"x" + known + bytes(3 << 20) + known + b"y"


def test_a_file_without_a_tag_is_unchanged(tmp_path: Path) -> None:
    for data in (b"", b"no tag"):
        (tmp_path / "a").write_bytes(data)
        fd = os.open(tmp_path / "a", os.O_RDWR)
        write_dropped(fd, 1)
        os.close(fd)
        assert (tmp_path / "a").read_bytes() == data
