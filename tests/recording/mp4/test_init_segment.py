"""The beginning of a fragmented MP4, as FFmpeg reads it."""

from __future__ import annotations

import io
import os
from pathlib import Path

import av
import numpy as np
import pytest

from tests.support.movies import film_with_sound, make_numbered, opened
from twistedcam.recording.mp4.boxes import boxes
from twistedcam.recording.mp4.fragmenter import Cut
from twistedcam.recording.mp4.init_segment import init_segment, segment_index
from twistedcam.recording.mp4.sample_table import read_movie


def test_ffmpeg_finds_the_tracks_and_the_duration(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(film_with_sound())
    fd = opened(tmp_path / "a.mp4")
    movie = read_movie(fd)
    cut = Cut.of(movie)
    made = init_segment(movie, cut.duration)
    for number in range(len(cut.starts) - 1):
        made += cut.head(number, number + 1, 0)
        made += b"".join(os.pread(fd, each.size, each.offset) for each in cut.extents(number))
    os.close(fd)
    with av.open(io.BytesIO(made)) as container:
        video, audio = container.streams
        assert (video.codec_context.name, audio.codec_context.name) == ("h264", "aac")
        assert (video.width, audio.rate) == (160, 48_000)
        assert container.duration == pytest.approx(4_000_000, abs=50_000)
        assert sum(1 for _ in container.decode(video)) == 100


def test_the_index_has_bytes_and_duration_of_each_fragment() -> None:
    made = segment_index(90_000, np.array([(1000, 90_000), (2000, 45_000)]))
    (found,) = boxes(made, 0, len(made))
    assert (found.kind, found.end) == (b"sidx", len(made))
    rows = made[-24:]
    assert [int.from_bytes(rows[at : at + 4], "big") for at in (0, 4, 12, 16)] == [
        1000, 90_000, 2000, 45_000,
    ]  # fmt: skip


def test_a_film_without_sound_has_one_track(tmp_path: Path) -> None:
    make_numbered(tmp_path / "a.mp4", 0, 10)
    fd = opened(tmp_path / "a.mp4")
    movie = read_movie(fd)
    os.close(fd)
    assert init_segment(movie, 90_000).count(b"trak") == 1


@pytest.mark.parametrize("duration", [0, 1 << 40])
def test_any_duration_can_be_written(tmp_path: Path, duration: int) -> None:
    (tmp_path / "a.mp4").write_bytes(film_with_sound())
    fd = opened(tmp_path / "a.mp4")
    movie = read_movie(fd)
    os.close(fd)
    assert init_segment(movie, duration).startswith(b"\0\0\0\x1cftyp")
