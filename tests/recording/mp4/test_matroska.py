"""Packets of Matroska files are found like those of MP4."""

from __future__ import annotations

import io
import os
import random
from itertools import pairwise
from pathlib import Path

import av
import pytest

from tests.support.movies import film_with_sound, make_numbered, opened, remux, times_in
from twistedcam.recording.mp4.boxes import UnreadableMovie
from twistedcam.recording.mp4.fragmenter import Cut
from twistedcam.recording.mp4.matroska import read_samples
from twistedcam.recording.mp4.sample_table import Movie
from twistedcam.recording.mp4.whole_movie import WholeMovie


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four seconds of H.264 with B-frames, and AAC."""
    path: Path = tmp_path_factory.mktemp("film") / "film.mkv"
    remux(film_with_sound(), path)
    return path


def read(path: Path, is_growing: bool = False) -> Movie:
    fd = opened(path)
    try:
        return read_samples(fd, is_growing=is_growing)
    finally:
        os.close(fd)


def written(path: Path, movie: Movie) -> bytes:
    """The same as an MP4."""
    made, data = WholeMovie([Cut.of(movie)], 0, {}), path.read_bytes()
    parts = [data[each.offset : each.offset + each.size] for _, each in made.extents()]
    return made.head() + b"".join(parts)


def pictures(film: bytes) -> list[bytes]:
    with av.open(io.BytesIO(film)) as container:
        return [each.to_ndarray(format="gray").tobytes() for each in container.decode(video=0)]


def test_the_pictures_and_sounds_are_those_of_the_file(film: Path) -> None:
    movie = read(film)
    copy = written(film, movie)
    assert pictures(copy) == pictures(film_with_sound())
    assert times_in(copy) == pytest.approx([number / 25 for number in range(100)], abs=0.001)
    whole = times_in(film_with_sound(), "audio")
    sounds = times_in(copy, "audio")
    assert len(sounds) >= len(whole) - 3  # what is longer than the video is left out
    assert sounds == pytest.approx(whole[: len(sounds)], abs=0.025)
    steps = {round(after - before, 5) for before, after in pairwise(sounds)}
    assert steps == {round(1024 / 48_000, 5)}  # not rounded to milliseconds


def test_opus_keeps_its_description(tmp_path: Path) -> None:
    made = io.BytesIO()
    with (
        av.open(made, "w", format="matroska") as container,
        av.open(io.BytesIO(film_with_sound())) as source,
    ):
        video = container.add_stream_from_template(source.streams.video[0])
        sound = container.add_stream("libopus", rate=48_000)
        for packet in source.demux(video=0):
            if packet.size:
                packet.stream = video
                container.mux(packet)
        source.seek(0)
        resampler = av.AudioResampler("s16", "mono", 48_000)
        for frame in source.decode(audio=0):
            for each in resampler.resample(frame):
                container.mux(sound.encode(each))
        container.mux(sound.encode(None))
    (tmp_path / "film.mkv").write_bytes(made.getvalue())
    movie = read(tmp_path / "film.mkv")
    assert movie.audio is not None
    assert movie.audio.entry.codec == "opus"
    assert set(movie.audio.durations.tolist()) == {960}
    with av.open(io.BytesIO(written(tmp_path / "film.mkv", movie))) as container:
        heard = sum(each.samples for each in container.decode(audio=0))
    assert heard == pytest.approx(4 * 48_000, rel=0.02)


def test_a_file_that_is_being_written_is_read_to_its_last_key_frame(
    film: Path, tmp_path: Path
) -> None:
    data = film.read_bytes()
    (tmp_path / "part.mkv").write_bytes(data[: len(data) * 5 // 8])
    movie = read(tmp_path / "part.mkv", is_growing=True)
    assert 25 <= len(movie.video) < 75
    assert len(movie.video) % 25 == 0
    assert movie.seconds == pytest.approx(len(movie.video) / 25)
    assert (
        pictures(written(tmp_path / "part.mkv", movie))
        == (pictures(film_with_sound())[: len(movie.video)])
    )


def test_jpegs_are_refused(tmp_path: Path) -> None:
    make_numbered(tmp_path / "a.mkv", 0, 10)
    with pytest.raises(UnreadableMovie, match=r"no video of H\.264"):
        read(tmp_path / "a.mkv")


def test_a_damaged_file_is_no_other_error(film: Path, tmp_path: Path) -> None:
    chance, data = random.Random(3), film.read_bytes()
    for _ in range(60):
        broken = bytearray(data)
        for _ in range(chance.randrange(1, 6)):
            broken[chance.randrange(min(len(data), 2000))] = chance.randrange(256)
        (tmp_path / "x.mkv").write_bytes(broken[: chance.randrange(20, len(data))])
        try:
            Cut.of(read(tmp_path / "x.mkv"))
        except UnreadableMovie:
            continue
