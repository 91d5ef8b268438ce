"""Sample tables, compared with what FFmpeg reads."""

from __future__ import annotations

import os
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.movies import film_with_sound, make_numbered, opened
from twistedcam.recording.mp4.boxes import UnreadableMovie
from twistedcam.recording.mp4.sample_table import Movie, read_movie

FRAGMENTED = (("movflags", "frag_keyframe+empty_moov+default_base_moof"),)


def read(path: Path) -> Movie:
    fd = opened(path)
    try:
        return read_movie(fd)
    finally:
        os.close(fd)


@pytest.mark.parametrize("options", [(), FRAGMENTED])
def test_each_packet_is_where_ffmpeg_finds_it(
    tmp_path: Path, options: tuple[tuple[str, str], ...]
) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(film_with_sound(4, options))
    movie, data = read(path), path.read_bytes()
    assert movie.audio is not None
    for number, track in ((0, movie.video), (1, movie.audio)):
        with av.open(str(path)) as container:
            packets = [each for each in container.demux(container.streams[number]) if each.size]
        assert len(track) == len(packets)
        for packet, offset, size, sync in zip(
            packets, track.offsets, track.sizes, track.is_sync, strict=True
        ):
            assert bytes(packet) == data[offset : offset + size]
            assert bool(packet.is_keyframe) == bool(sync)
        steps = [packet.pts - packets[0].pts for packet in packets]
        assert (track.shown - track.shown[0]).tolist() == steps
    assert abs(movie.seconds - 4) < 0.001
    assert (movie.video.entry.codec, movie.audio.entry.codec) == ("h264", "aac")


def test_a_recording_of_this_program_is_read(tmp_path: Path) -> None:
    make_numbered(tmp_path / "a.mp4", 0, 50)
    movie = read(tmp_path / "a.mp4")
    assert (len(movie.video), movie.audio, movie.video.width) == (50, None, 160)
    assert movie.seconds == pytest.approx(5.0)
    assert np.flatnonzero(movie.video.is_sync).tolist() == [0, 20, 40]


def test_the_last_fragment_of_a_growing_file_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(film_with_sound(4, FRAGMENTED))
    fd = opened(path)
    whole, growing = read_movie(fd), read_movie(fd, is_growing=True)
    os.close(fd)
    assert len(growing.video) == len(whole.video) - 25


def test_a_file_that_a_crash_has_cut_short_is_read_up_to_there(tmp_path: Path) -> None:
    path, data = tmp_path / "a.mp4", film_with_sound(4, FRAGMENTED)
    for length in range(len(data) // 2, len(data), 997):
        path.write_bytes(data[:length])
        movie = read(path)
        assert 25 <= len(movie.video) <= 100
        assert int((movie.video.offsets + movie.video.sizes).max()) <= length


@pytest.mark.parametrize("data", [b"", b"no film", b"\0\0\0\x08moov", film_with_sound()[:5000]])
def test_what_is_no_film_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.mp4").write_bytes(data)
    with pytest.raises(UnreadableMovie):
        read(tmp_path / "a.mp4")


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_damaged_index_is_refused_or_read(data: st.DataObject) -> None:
    film = bytearray(film_with_sound(1, data.draw(st.sampled_from([(), FRAGMENTED]))))
    at = film.rfind(b"moov") if data.draw(st.booleans()) else film.find(b"moo")
    for _ in range(data.draw(st.integers(1, 4))):
        place = at + data.draw(st.integers(0, 900))
        film[min(place, len(film) - 1)] = data.draw(st.integers(0, 255))
    fd = os.memfd_create("film")
    try:
        os.write(fd, film)
        movie = read_movie(fd)
        assert int((movie.video.offsets + movie.video.sizes).max()) <= len(film)
    except UnreadableMovie:
        pass
    finally:
        os.close(fd)
