"""A recording without a server: one file of one size, and what the disk says of it."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from tests.scenarios.test_recording_disk_errors import BadDisk
from tests.support.films import START_US, jpeg, read_film
from twistedcam.errors import DiskError, NotSupported
from twistedcam.media.frame import Frame
from twistedcam.recording.writer import part_file as partfile
from twistedcam.recording.writer.single_file import FileRecording


def frames(count: int, size: tuple[int, int] = (160, 120), first: int = 0) -> list[Frame]:
    return [
        Frame(number + 1, START_US + number * 100_000, *size, jpeg(number % 50))
        for number in range(first, first + count)
    ]


def test_a_picture_of_another_size_is_left_out_and_counted(tmp_path: Path) -> None:
    recording = FileRecording(tmp_path / "a.mkv", "cam")
    recording.write(frames(5))
    recording.write(frames(2, (320, 240), 5))
    assert recording.write(frames(1, first=7)).dropped == 2
    assert recording.close().frames == 6
    assert recording.close().frames == 6  # closed already
    assert len(read_film(tmp_path / "a.mkv").times) == 6


def test_a_size_that_cannot_be_encoded_is_said(tmp_path: Path) -> None:
    recording = FileRecording(tmp_path / "a.mp4", "cam")
    with pytest.raises(NotSupported, match="1x1"):
        recording.write([Frame(1, START_US, 1, 1, jpeg(1, 1, 1))])
    assert recording.close().frames == 0
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_said_once_and_what_was_written_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = type("Disk", (BadDisk,), {"room": 20_000, "code": errno.ENOSPC})
    opens = lambda path, mode, buffering: disk(path, mode)  # noqa: E731
    monkeypatch.setattr(partfile, "open", opens, raising=False)
    recording = FileRecording(tmp_path / "a.mkv", "cam")
    with pytest.raises(DiskError, match=r"a\.mkv: No space left on device"):
        recording.write(frames(300))
    recording.close()
    assert len(read_film(tmp_path / "a.mkv").times) > 0


def test_a_disk_that_fails_at_the_end_is_said_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording = FileRecording(tmp_path / "a.mkv", "cam")
    recording.write(frames(5))

    def refuse(*_: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(partfile.os, "fsync", refuse)
    with pytest.raises(DiskError, match="Input/output error"):
        recording.close()
