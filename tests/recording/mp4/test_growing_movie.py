"""An MP4 that grows by fragments and gets one index, as FFmpeg and this program read it."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import av

from tests.support.films import h264_packets
from tests.support.movies import opened
from tests.support.sound import encoded_packets
from twistedcam.media.h264 import H264
from twistedcam.media.mp4_fragment import init_segment
from twistedcam.recording.mp4.boxes import boxes
from twistedcam.recording.mp4.fragmenter import AUDIO, VIDEO
from twistedcam.recording.mp4.growing_movie import GrowingMovie, Sample, SampleRun
from twistedcam.recording.mp4.sample_table import read_movie

#: Steps a second in the index that these files begin with.
CLOCK = 1_000_000
#: The packets of two seconds, as samples with irregular times; the third is shown later.
PICTURES = [
    Sample(H264.to_sample(each.data), number * 100_000 + number % 2 * 7, 0, each.is_keyframe)
    for number, each in enumerate(h264_packets([n / 10 for n in range(20)], keyframes=1.0))
]
PICTURES[2] = PICTURES[2]._replace(shift=200_000)
END = 2_050_000


def runs_of(samples: list[Sample], track: int, end: int, count: int) -> list[SampleRun]:
    """The samples in fragments of so many."""
    made = []
    for at in range(0, len(samples), count):
        part, rest = samples[at : at + count], samples[at + count :]
        made.append(SampleRun(track, part, rest[0].start if rest else end))
    return made


def make(*fragments: list[SampleRun], has_sound: bool = False) -> tuple[bytes, bytes]:
    """The file as it is after a crash, and when it is finished."""
    tracks = [h264_packets([0])[0].track] + ([SOUND[0].track] if has_sound else [])
    movie = GrowingMovie(init_segment(tracks))
    data = movie.head
    for each in fragments:
        data += movie.add(each, len(data))
    index, place, change = movie.finish(len(data))
    done = data + index
    return data, done[:place] + change + done[place + len(change) :]


SOUND = encoded_packets("aac", 2.0)


def packets(data: bytes, kind: str = "video") -> list[tuple[Any, ...]]:
    with av.open(io.BytesIO(data)) as film:
        return [
            (each.dts, each.pts, each.duration, each.is_keyframe, bytes(each))
            for each in film.demux(film.streams.get({kind: 0}))
            if each.size
        ]


def wanted(samples: list[Sample], end: int) -> list[tuple[Any, ...]]:
    ends = [each.start for each in samples[1:]] + [end]
    return [
        (each.start, each.start + each.shift, after - each.start, each.is_keyframe, each.data)
        for each, after in zip(samples, ends, strict=True)
    ]


def test_the_unfinished_and_the_finished_file_have_all_samples_at_their_times() -> None:
    growing, whole = make(*([each] for each in runs_of(PICTURES, VIDEO, END, 6)))
    assert packets(growing) == packets(whole) == wanted(PICTURES, END)
    with av.open(io.BytesIO(whole)) as film:
        assert film.duration == END
    kinds = [each.kind for each in boxes(whole, 0, len(whole))]
    assert kinds == [b"ftyp", b"free", b"mdat", b"moov"]


def test_until_the_header_is_changed_an_index_behind_the_fragments_is_ignored() -> None:
    growing, whole = make(*([each] for each in runs_of(PICTURES, VIDEO, END, 6)))
    between = growing + whole[len(growing) :]
    assert packets(between) == wanted(PICTURES, END)
    torn = between[: len(growing) + 100]
    assert packets(torn) == wanted(PICTURES, END)


def test_sound_is_beside_the_pictures() -> None:
    sounds = [Sample(each.data, number * 21_333) for number, each in enumerate(SOUND)]
    end = len(sounds) * 21_333
    pairs = zip(runs_of(PICTURES, VIDEO, END, 10), runs_of(sounds, AUDIO, end, 50), strict=True)
    growing, whole = make(*(list(each) for each in pairs), has_sound=True)
    for data in (growing, whole):
        assert packets(data) == wanted(PICTURES, END)
        assert packets(data, "audio") == wanted(sounds, end)
    with av.open(io.BytesIO(whole)) as film:
        assert film.streams.audio[0].duration == end
        assert sum(each.samples for each in film.decode(audio=0)) >= 48_000


def test_a_fragment_that_is_rendered_is_not_part_of_the_index() -> None:
    movie = GrowingMovie(init_segment([h264_packets([0])[0].track]))
    first, second = runs_of(PICTURES, VIDEO, END, 10)
    data = movie.head + movie.add([first], len(movie.head))
    assert packets(data + movie.render([second])) == wanted(PICTURES, END)
    index, place, change = movie.finish(len(data))
    done = data + index
    done = done[:place] + change + done[place + len(change) :]
    assert packets(done) == wanted(PICTURES[:10], second.samples[0].start)


def test_a_file_of_more_than_4_gib_and_32_bits_of_steps_has_wide_numbers(tmp_path: Path) -> None:
    movie, path = GrowingMovie(init_segment([h264_packets([0])[0].track])), tmp_path / "a.mp4"
    starts = [0, 3 << 30, 6 << 30]
    with path.open("wb") as file:
        file.write(movie.head)
        for number, start in enumerate(starts):
            file.seek(0 if number == 0 else number * 3 << 30, os.SEEK_END)  # holes are between
            run = SampleRun(VIDEO, [PICTURES[0]._replace(start=start)], start + CLOCK)
            at = file.tell()
            file.write(movie.add([run], at))
        index, place, change = movie.finish(file.tell())
        file.write(index)
        file.seek(place)
        file.write(change)
    fd = opened(path)
    found = read_movie(fd).video
    os.close(fd)
    assert found.times.tolist() == starts
    assert found.offsets[-1] > 9 << 30 and found.end == starts[-1] + CLOCK
    with av.open(str(path)) as film:
        assert film.duration == starts[-1] + CLOCK
        read = [bytes(each) for each in film.demux(video=0) if each.size]
        assert read == [PICTURES[0].data] * 3
