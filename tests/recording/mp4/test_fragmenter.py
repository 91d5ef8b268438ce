"""Fragments: their sizes are known beforehand, and they begin with key frames."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.support.movies import film_with_sound, make_numbered, opened
from twistedcam.recording.mp4.boxes import UnreadableMovie
from twistedcam.recording.mp4.fragmenter import Cut, identity_of
from twistedcam.recording.mp4.sample_table import Movie, read_movie


@pytest.fixture
def film(tmp_path: Path) -> Iterator[tuple[int, Movie]]:
    """An open film of four seconds with sound, and its samples."""
    (tmp_path / "a.mp4").write_bytes(film_with_sound())
    fd = opened(tmp_path / "a.mp4")
    yield fd, read_movie(fd)
    os.close(fd)


@pytest.mark.parametrize("part", [(None, None), (1.5, None), (None, 2.0), (1.2, 3.1)])
def test_each_fragment_has_the_size_that_was_computed(
    film: tuple[int, Movie], part: tuple[float | None, float | None]
) -> None:
    fd, movie = film
    cut = Cut.of(movie, *part)
    assert cut.layout.size == int(cut.sizes.sum())
    for number, size in enumerate(cut.sizes):
        head = cut.head(number, number + 1, 0)
        data = sum(each.size for each in cut.extents(number))
        assert len(head) + data == size
        assert int.from_bytes(head[-8:-4], "big") == data + 8
        assert all(each.offset + each.size <= os.fstat(fd).st_size for each in cut.extents(number))


def test_a_part_begins_with_the_key_frame_at_or_before_its_time(film: tuple[int, Movie]) -> None:
    _, movie = film
    starts = [Cut.of(movie, since).since for since in (0.0, 0.99, 1.0, 1.01, 3.9)]
    assert starts == [0, 0, 1, 1, 3]
    assert Cut.of(movie, 1.5, 2.5).duration / movie.video.timescale == pytest.approx(1.5, abs=0.09)


def test_times_are_counted_from_the_first_picture_that_is_shown(film: tuple[int, Movie]) -> None:
    _, movie = film
    later = replace(movie, video=replace(movie.video, origin=movie.video.origin - 1000))
    assert [Cut.of(later, since).since for since in (0.0, 1.0, 1.5)] == [0, 1, 1]


def test_sound_is_beside_the_pictures_that_it_belongs_to(film: tuple[int, Movie]) -> None:
    _, movie = film
    assert movie.audio is not None
    cut = Cut.of(movie, 1.0, 3.0)
    first = movie.audio.times[cut.sounds[0]] / movie.audio.timescale
    last = movie.audio.times[cut.sounds[-1] - 1] / movie.audio.timescale
    assert 1.0 <= first < 1.03
    assert 2.9 < last <= 3.0


def test_fragments_have_a_second_at_least(tmp_path: Path) -> None:
    make_numbered(tmp_path / "a.mp4", 0, 50)
    fd = opened(tmp_path / "a.mp4")
    movie = read_movie(fd)
    os.close(fd)
    assert Cut.of(movie).starts.tolist() == [0, 20, 40, 50]
    each = np.ones(50, np.bool_)
    movie.video.is_sync[:] = each  # all are key frames
    assert Cut.of(movie).starts.tolist() == [0, 10, 20, 30, 40, 50]


def test_an_empty_part_is_refused(film: tuple[int, Movie]) -> None:
    with pytest.raises(UnreadableMovie):
        Cut.of(film[1], 3.5, 2.0)


def test_the_identity_tells_films_apart(film: tuple[int, Movie], tmp_path: Path) -> None:
    make_numbered(tmp_path / "b.mp4", 0, 10)
    make_numbered(tmp_path / "c.mp4", 10, 20)
    made = []
    for name in ("b", "c"):
        fd = opened(tmp_path / f"{name}.mp4")
        made.append(identity_of(read_movie(fd)))
        os.close(fd)
    assert made[0] == made[1] != identity_of(film[1])
