"""Headers and first pictures of video files."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.support.films import frame
from twistedcam.recording.media_worker.video_file import (
    LONG_SIDE,
    UnreadableVideo,
    VideoFile,
    as_text,
    open_video,
    picture_at,
    read_head,
)
from twistedcam.recording.writer.single_file import FileRecording


def record(path: Path, size: tuple[int, int] = (640, 480)) -> Path:
    recording = FileRecording(path, "cam")
    recording.write([frame(n / 10, n, *size) for n in range(5)])
    recording.close()
    return path


@pytest.fixture
def video(tmp_path: Path) -> Iterator[int]:
    fd = os.open(record(tmp_path / "a.mp4"), os.O_RDONLY)
    yield fd
    os.close(fd)


def test_a_header_has_the_size_the_codec_and_the_comment(video: int) -> None:
    head = read_head(video, 5.0)
    assert (head.codec, head.width, head.height) == ("h264", 640, 480)
    assert head.seconds == pytest.approx(0.5, abs=0.2)
    assert head.metadata["comment"].startswith("twistedcam ")
    assert head.metadata["date"].startswith("2025-06-15T")


def test_the_first_picture_is_a_small_jpeg(video: int) -> None:
    data = np.frombuffer(picture_at(video, 5.0), np.uint8)
    image = cv2.imdecode(data, cv2.IMREAD_COLOR)
    assert image is not None
    assert image.shape[:2] == (LONG_SIDE * 480 // 640, LONG_SIDE)


@pytest.mark.parametrize("data", [b"", b"nothing" * 1000, b"#EXTM3U\nhttp://localhost/\n"])
def test_other_files_are_unreadable(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(data)
    fd = os.open(tmp_path / "a.mp4", os.O_RDONLY)
    for read in (read_head, picture_at):
        with pytest.raises(UnreadableVideo, match=r"cannot be read|no picture"):
            read(fd, 5.0)
    os.close(fd)


def test_reading_ends_at_a_deadline_and_at_a_number_of_bytes(video: int) -> None:
    for file, why in (
        (VideoFile(video, None, time.monotonic() - 1), "takes too long"),
        (VideoFile(video, 0), "not found in the 128 MiB"),
    ):
        with pytest.raises(UnreadableVideo, match=why), open_video(file):
            pass


def test_what_may_pass_is_told_from_what_does_not(
    video: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for file, is_temporary in (
        (VideoFile(video, None, time.monotonic() - 1), True),
        (VideoFile(video, 0), False),
    ):
        with pytest.raises(UnreadableVideo) as found, open_video(file):
            pass
        assert found.value.is_temporary is is_temporary

    def fail(*_: object) -> bytes:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "pread", fail)
    with pytest.raises(UnreadableVideo, match=r"^it cannot be read: Input/output error$") as found:
        read_head(video, 5.0)
    assert found.value.is_temporary


def test_errors_while_a_file_is_open_are_of_one_kind(video: int) -> None:
    for error, why in (
        (MemoryError(), "more memory"),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), "more memory"),
        (ValueError("odd"), "cannot be read: odd"),
    ):
        with pytest.raises(UnreadableVideo, match=why), open_video(VideoFile(video, None)):
            raise error


def test_metadata_that_is_not_utf_8_becomes_text() -> None:
    assert as_text("caf\udce9") == "caf\ufffd"
    assert as_text("café") == "café"
