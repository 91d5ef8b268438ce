"""One file of a recording."""

from __future__ import annotations

import errno
from pathlib import Path

import av.error
import pytest

from tests.support.films import changed, read_film, timed_frames
from twistedcam.errors import DiskError, RecordingFailed
from twistedcam.recording.containers import FORMATS
from twistedcam.recording.settings import RecordSettings
from twistedcam.recording.writer import segment as segments
from twistedcam.recording.writer.segment import MuxerError, Segment, recording_error

ALL = ["h264.mp4", "copy.mkv", "copy.avi", "copy.mov"]


def make(path: Path, format: str, times: list[float]) -> Segment:
    frames = timed_frames(times)
    segment = Segment(path, "cam", FORMATS[format], RecordSettings(), frames[0])
    for each in frames:
        segment.write(each)
    return segment


@pytest.mark.parametrize("format", ALL)
def test_it_is_published_with_its_frames_and_its_length(format: str, tmp_path: Path) -> None:
    path = tmp_path / f"a.{format.partition('.')[2]}"
    segment = make(path, format, [0, 0.1, 0.2, 0.5])
    segment.end(segment.last + 100_000)
    assert not path.exists()
    segment.publish(dropped=3)
    film, result = read_film(path), segment.result
    assert (len(film.times), result.frames, result.dropped) == (4, 4, 3)
    assert film.seconds == pytest.approx(0.6, abs=0.1)
    assert result.seconds == pytest.approx(0.6, abs=0.1)
    assert result.bytes == path.stat().st_size
    assert "dropped=0000000003 " in film.tags["comment"]


def test_a_segment_without_a_picture_leaves_nothing(tmp_path: Path) -> None:
    frame = changed(timed_frames([0])[0], jpeg=b"\xff\xd8 no \xff\xd9")
    segment = Segment(tmp_path / "a.mp4", "cam", FORMATS["h264"], RecordSettings(), frame)
    segment.write(frame)
    assert (segment.result.frames, segment.result.broken) == (0, 1)
    segment.end(segment.last)
    segment.publish(0)
    assert (segment.result.bytes, list(tmp_path.iterdir())) == (0, [])


def test_an_abandoned_segment_leaves_nothing(tmp_path: Path) -> None:
    frame = timed_frames([0])[0]
    segment = Segment(tmp_path / "a.mp4", "cam", FORMATS["h264"], RecordSettings(), frame)
    segment.abandon()
    assert list(tmp_path.iterdir()) == []


def test_a_hidden_file_that_is_deleted_is_an_error(tmp_path: Path) -> None:
    segment = make(tmp_path / "a.mkv", "copy.mkv", [0, 0.1])
    (tmp_path / ".a.mkv.part").unlink()
    with pytest.raises(OSError, match="deleted, or the disk was unmounted"):
        segment.write(timed_frames([1.0])[0])


def test_it_is_full_before_the_largest_size_of_the_file_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(segments, "largest_file", lambda folder: 100_000)
    frames = timed_frames([n / 10 for n in range(200)])
    segment = Segment(tmp_path / "a.mkv", "cam", FORMATS["copy"], RecordSettings(), frames[0])
    for each in frames:
        segment.write(each)
        if segment.is_full:
            break
    segment.end(segment.last)
    segment.publish(0)
    assert 80_000 < (tmp_path / "a.mkv").stat().st_size < 100_000


def test_errors_of_ffmpeg_are_not_the_disk_s() -> None:
    full = OSError(errno.ENOSPC, "No space left on device")
    assert isinstance(recording_error("a", full), DiskError)
    for error in (MuxerError(5, "odd"), av.error.InvalidDataError(1, "odd"), RuntimeError("odd")):
        made = recording_error("a", error)
        assert isinstance(made, RecordingFailed)
        assert "odd" in str(made)
