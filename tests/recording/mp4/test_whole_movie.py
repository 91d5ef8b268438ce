"""Parts of films joined in one MP4, as FFmpeg reads it."""

from __future__ import annotations

import io
import os
from itertools import pairwise
from pathlib import Path

import av
import pytest

from tests.support.movies import film_with_sound, make_numbered, numbers_in, opened, times_in
from twistedcam.recording.mp4.fragmenter import Cut
from twistedcam.recording.mp4.sample_table import read_movie
from twistedcam.recording.mp4.whole_movie import WholeMovie


def join(paths: list[Path], *parts: tuple[float | None, float | None]) -> bytes:
    fds = [opened(path) for path in paths]
    cuts = [Cut.of(read_movie(fd), *part) for fd, part in zip(fds, parts, strict=True)]
    movie = WholeMovie(cuts, 1_750_000_000.5, {"©cmt": "a comment", "©day": "2025-06-15"})
    made = movie.head()
    made += b"".join(os.pread(fds[n], each.size, each.offset) for n, each in movie.extents())
    for fd in fds:
        os.close(fd)
    return made


def test_pictures_follow_each_other_over_files(tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}.mp4" for number in range(3)]
    for number, path in enumerate(paths):
        make_numbered(path, number * 30, 30)
    made = join(paths, (2.0, None), (None, None), (None, 1.0))
    assert numbers_in(made) == list(range(20, 70))
    assert times_in(made) == pytest.approx([number / 10 for number in range(50)])
    assert made.index(b"moov") < made.index(b"mdat")


def test_metadata_and_duration_are_read(tmp_path: Path) -> None:
    make_numbered(tmp_path / "a.mp4", 0, 30)
    with av.open(io.BytesIO(join([tmp_path / "a.mp4"], (None, None)))) as container:
        assert container.metadata["comment"] == "a comment"
        assert container.metadata["date"] == "2025-06-15"
        assert container.metadata["creation_time"].startswith("2025-06-15T15:06:40")
        assert container.duration == pytest.approx(3_000_000, abs=2000)


def test_sound_stays_beside_the_pictures_and_never_goes_backwards(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(film_with_sound())
    made = join([path, path], (None, None), (1.0, 3.0))
    pictures, sounds = times_in(made), times_in(made, "audio")
    steps = [after - before for before, after in pairwise(pictures)]
    assert max(steps) == pytest.approx(0.04, abs=0.001)
    assert len(pictures) == 150
    gaps = [after - before for before, after in pairwise(sounds)]
    assert min(gaps) > 0.005 and max(gaps) < 0.04
    assert sounds[-1] == pytest.approx(6.0, abs=0.06)
    with av.open(io.BytesIO(made)) as container:
        assert sum(1 for _ in container.decode(video=0)) == 150
