"""Files are true in time, whatever the container, and hold every frame."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

from tests.support.films import (
    START_US,
    Film,
    changed,
    frame_times,
    h264_packets,
    read_film,
    timed_frames,
)
from twistedcam.errors import DiskError
from twistedcam.media.frame import Frame
from twistedcam.recording.containers import FORMATS
from twistedcam.recording.settings import RecordSettings
from twistedcam.recording.writer import segment as segment_module
from twistedcam.recording.writer.metadata_tag import Tag
from twistedcam.recording.writer.part_file import part_of
from twistedcam.recording.writer.plan import Plan
from twistedcam.recording.writer.session import RecordingSession

ALL = ("h264.mp4", "h264.mkv", "h264.mov", "copy.mkv", "copy.avi", "copy.mov")
#: 12 seconds of a camera that does 30, then 10 a second, stalls for 3 s, and trembles.
ROUGH = (
    [n / 30 for n in range(90)]
    + [3 + n / 10 for n in range(30)]
    + [9 + n / 30 + (n % 3) * 0.0041 for n in range(90)]
)


def plan(folder: Path, format: str = "h264.mp4", **options: Any) -> Plan:
    """A plan to record into a folder."""
    every = options.pop("every", None)
    chosen = FORMATS[format]
    name = options.pop("name", "film" + chosen.container.suffix)
    return Plan(folder, "cam", name, True, chosen, RecordSettings(**options), every)


def record(session: RecordingSession, frames: list[Frame], end: float | None = None) -> list[Film]:
    """Write, finish and publish; the files in their order."""
    closed = [segment for each in frames for segment in session.write([each]).closed]
    at = None if end is None else START_US + round(end * 1e6)
    closed += session.finish(at).closed
    for segment in closed:
        segment.publish(0)
    return [read_film(session.plan.folder / segment.result.name) for segment in closed]


@pytest.mark.parametrize("format", ALL)
def test_every_frame_is_at_its_time_of_capture(format: str, tmp_path: Path) -> None:
    (film,) = record(RecordingSession(plan(tmp_path, format)), timed_frames(ROUGH), 12.0)
    off = 1 / 240 + 1e-6 if format == "copy.avi" else 0.001
    assert len(film.times) == len(ROUGH)
    assert max(abs(a - b) for a, b in zip(film.times, ROUGH, strict=True)) <= off
    assert film.seconds == pytest.approx(12.0, abs=1 / 30)
    assert film.codec == ("h264" if format.startswith("h264") else "mjpeg")
    assert film.stream["color_range"] == ("tv" if film.codec == "h264" else "pc")
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize("format", ALL)
def test_the_last_picture_is_seen_until_the_end(format: str, tmp_path: Path) -> None:
    (film,) = record(RecordingSession(plan(tmp_path, format)), timed_frames([0, 0.1, 0.2]), 4.0)
    assert film.seconds == pytest.approx(4.0, abs=0.01)


@pytest.mark.parametrize("format", ALL)
def test_a_file_says_when_and_where_it_was_made(format: str, tmp_path: Path) -> None:
    record(RecordingSession(plan(tmp_path, format)), timed_frames([0, 0.1]))
    name = "film." + format.split(".")[1]
    film = read_film(tmp_path / name)
    tag = Tag.parse(film.tags["comment"])
    assert tag is not None and tag.made is not None and tag.made > START_US / 1e6
    assert (tag.camera, tag.name, tag.dropped) == ("cam", name, 0)
    assert film.tags["date"].startswith("2025-06-15T15:06:40")
    assert film.tags["creation_time"].replace(" ", "T").startswith("2025-06-15T15:06:40")


def test_dropped_frames_are_counted_in_the_metadata(tmp_path: Path) -> None:
    for format in ALL:
        session = RecordingSession(plan(tmp_path, format))
        session.write(timed_frames([0, 0.1]))
        (closed,) = session.finish(None).closed
        closed.publish(7)
        tag = Tag.parse(read_film(tmp_path / closed.result.name).tags["comment"])
        assert tag is not None and tag.dropped == 7
        (tmp_path / closed.result.name).unlink()


def test_a_new_segment_loses_no_frame_and_no_time(tmp_path: Path) -> None:
    times = [n / 30 for n in range(300)]
    films = record(RecordingSession(plan(tmp_path, segment=3.0)), timed_frames(times), 10.0)
    assert [len(film.times) for film in films] == [90, 90, 90, 30]
    assert [round(film.seconds, 2) for film in films] == [3, 3, 3, 1]
    names = ["film.mp4", "film-2.mp4", "film-3.mp4", "film-4.mp4"]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names)


def test_segments_can_be_of_a_size(tmp_path: Path) -> None:
    limit = 20_000
    settings: dict[str, Any] = {"segment_size": limit}
    frames = timed_frames([n / 30 for n in range(90)])
    films = record(RecordingSession(plan(tmp_path, "copy.mkv", **settings)), frames)
    assert len(films) > 3
    assert sum(len(film.times) for film in films) == 90
    for path in tmp_path.iterdir():
        assert path.stat().st_size < limit + 2 * len(frames[0].jpeg) + 4000


@pytest.mark.parametrize("format", ["h264.mp4", "copy.mkv", "copy.avi", "copy.mov"])
def test_a_file_that_comes_near_the_largest_of_the_disk_is_followed_by_another(
    format: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    largest = 100_000
    monkeypatch.setattr(segment_module, "largest_file", lambda folder: largest)
    monkeypatch.setattr(segment_module, "_SPARE_PART", 2)  # the muxer holds half of so small a file
    times = [n / 10 for n in range(150)]
    films = record(RecordingSession(plan(tmp_path, format, crf=1)), timed_frames(times, 320, 240))
    assert len(films) > 1
    assert sum(len(film.times) for film in films) == len(times)
    assert all(path.stat().st_size <= largest for path in tmp_path.iterdir())


def test_a_camera_that_changes_its_size_gets_a_new_file(tmp_path: Path) -> None:
    frames = timed_frames([0, 0.1, 0.2]) + timed_frames([0.3, 0.4], 320, 240)
    films = record(RecordingSession(plan(tmp_path)), frames)
    assert [(film.width, film.height, len(film.times)) for film in films] == [
        (160, 120, 3),
        (320, 240, 2),
    ]
    assert films[0].seconds == pytest.approx(0.3, abs=0.001)


def sizes(*runs: tuple[int, int], seconds: float = 0.5, fps: int = 30) -> list[Frame]:
    """Pictures of each of these sizes in turn, for so long each."""
    found: list[Frame] = []
    for run, size in enumerate(runs):
        found += timed_frames([run * seconds + n / fps for n in range(round(seconds * fps))], *size)
    return found


SMALL, LARGE, TALL = (160, 120), (320, 240), (120, 160)


@pytest.mark.parametrize("format", ALL)
@pytest.mark.parametrize("every", [None, 10.0])
def test_a_size_that_changes_twice_a_second_makes_one_file(
    format: str, every: float | None, tmp_path: Path
) -> None:
    frames = sizes(*[SMALL, LARGE] * 20, fps=10)
    session = RecordingSession(plan(tmp_path, format, every=every))
    films = record(session, frames)
    fits = format.startswith("h264")
    assert len(films) == 1
    assert (films[0].width, films[0].height) == SMALL
    progress = session.progress()
    assert (progress.frames, progress.dropped) == ((200, 0) if fits else (100, 100))


@pytest.mark.parametrize("format", ALL)
def test_sizes_that_change_a_little_more_slowly_make_a_file_each_ten_seconds(
    format: str, tmp_path: Path
) -> None:
    frames = sizes(*[SMALL, LARGE, TALL] * 6, seconds=1.5, fps=4)
    films = record(RecordingSession(plan(tmp_path, format)), frames)
    assert 2 <= len(films) <= 4


@pytest.mark.parametrize("format", ALL)
def test_a_size_that_stays_begins_a_file_with_its_first_picture(
    format: str, tmp_path: Path
) -> None:
    frames = sizes(SMALL, LARGE, SMALL, seconds=12, fps=2)
    films = record(RecordingSession(plan(tmp_path, format)), frames)
    assert [(film.width, film.height) for film in films] == [SMALL, LARGE, SMALL]
    again = 1 if format == "copy.avi" else 0  # its last picture is written once more at the end
    assert all(24 <= len(film.times) <= 24 + again for film in films)
    assert all(film.seconds == pytest.approx(12, abs=0.01) for film in films)


def test_pictures_of_many_sizes_all_stand_in_one_film(tmp_path: Path) -> None:
    frames = sizes(*[SMALL, LARGE, TALL, (161, 121), (64, 480)] * 6, seconds=1, fps=1)
    (film,) = record(RecordingSession(plan(tmp_path)), frames)
    assert len(film.times) == 30


def test_a_picture_of_another_shape_stands_in_the_middle_of_a_black_one(tmp_path: Path) -> None:
    bright = np.full((160, 80, 3), (60, 160, 220), np.uint8)
    tall = Frame(1, START_US + 100_000, 80, 160, cv2.imencode(".jpg", bright)[1].tobytes())
    last = timed_frames([0.2])
    session = RecordingSession(plan(tmp_path, crf=10))
    record(session, [*timed_frames([0.0]), tall, *last])
    with av.open(str(tmp_path / "film.mp4")) as film:
        image = list(film.decode(video=0))[1].to_ndarray(format="bgr24").astype(int)
    assert image.shape == (120, 160, 3)
    assert abs(image[10:-10, 55:105] - (60, 160, 220)).max() < 16
    assert image[:, :45].max() < 24
    assert image[:, -45:].max() < 24


def test_one_picture_of_another_size_costs_no_file(tmp_path: Path) -> None:
    frames = timed_frames([n / 30 for n in range(60)])
    frames[30] = timed_frames([1.0], 320, 240)[0]
    (film,) = record(RecordingSession(plan(tmp_path)), frames)
    assert len(film.times) == 60


def test_a_camera_that_is_lost_after_a_change_of_its_size_has_both_files(tmp_path: Path) -> None:
    session = RecordingSession(plan(tmp_path))
    closed = session.write(timed_frames([0, 0.1, 0.2]) + timed_frames([0.3], 320, 240)).closed
    closed += session.split().closed
    closed += session.write(timed_frames([60, 60.1], 320, 240)).closed
    closed += session.finish(None).closed
    assert [segment.result.frames for segment in closed] == [3, 1, 2]
    for segment in closed:
        segment.publish(0)


def test_a_file_of_encoded_frames_begins_with_a_keyframe(tmp_path: Path) -> None:
    frames = h264_packets([n / 10 for n in range(30)], keyframes=1.0)
    session = RecordingSession(plan(tmp_path))
    closed = session.write(frames[:15]).closed
    closed += session.split().closed  # the camera is lost, and comes back
    closed += session.write(frames[15:]).closed
    progress = session.finish(None)
    closed += progress.closed
    assert [segment.result.frames for segment in closed] == [15, 10]
    assert (progress.frames, progress.dropped, progress.unsupported) == (25, 5, None)
    for segment in closed:
        segment.publish(0)


def test_an_odd_size_is_recorded_all_the_same(tmp_path: Path) -> None:
    (film,) = record(RecordingSession(plan(tmp_path)), timed_frames([0, 0.1, 0.2], 161, 121))
    assert (film.width, film.height) == (160, 120)


def test_after_a_long_outage_a_new_file_begins(tmp_path: Path) -> None:
    films = record(RecordingSession(plan(tmp_path)), timed_frames([0, 0.1, 0.2, 60, 60.1]))
    assert [round(film.seconds, 2) for film in films] == [0.3, 0.2]


def test_a_timelapse_is_played_at_thirty_a_second(tmp_path: Path) -> None:
    (film,) = record(
        RecordingSession(plan(tmp_path, every=10.0)), timed_frames([n * 10 for n in range(60)])
    )
    assert film.seconds == pytest.approx(2.0, abs=0.001)
    assert all(abs((b - a) - 1 / 30) < 0.0002 for a, b in pairwise(film.times))


def test_a_broken_picture_costs_itself_alone(tmp_path: Path) -> None:
    frames = timed_frames([0, 0.1, 0.2, 0.3])
    frames[2] = changed(frames[2], jpeg=b"\xff\xd8 nothing \xff\xd9")
    session = RecordingSession(plan(tmp_path))
    (film,) = record(session, frames)
    assert len(film.times) == 3
    assert session.progress().dropped == 1


def test_a_recording_without_a_frame_leaves_no_file(tmp_path: Path) -> None:
    assert record(RecordingSession(plan(tmp_path)), []) == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("format", ALL)
def test_the_file_has_its_name_when_it_is_whole_and_not_before(format: str, tmp_path: Path) -> None:
    chosen = plan(tmp_path, format)
    session = RecordingSession(chosen)
    session.write(timed_frames([n / 10 for n in range(30)]))
    assert [each.name for each in tmp_path.iterdir()] == [part_of(tmp_path / chosen.name).name]
    progress = session.finish(None)
    assert not (tmp_path / chosen.name).exists()
    progress.closed[0].publish(0)
    assert [each.name for each in tmp_path.iterdir()] == [chosen.name]


@pytest.mark.parametrize("format", ALL)
def test_what_is_on_the_disk_can_be_read_at_any_moment(format: str, tmp_path: Path) -> None:
    session = RecordingSession(plan(tmp_path, format))
    for number, each in enumerate(timed_frames([n / 30 for n in range(90)])):
        session.write([each])
        (part,) = tmp_path.iterdir()
        if number % 7 == 0:
            lost = number / 30 - frame_times(part, decode=False)[-1]
            assert lost <= 0.5


#: Seconds of frames, and of a timelapse's steps.
SLOW = {
    "timelapse": ([n * 10.0 for n in range(20)], 10.0),
    "quick timelapse": ([n * 0.2 for n in range(20)], 0.2),
    "slow camera": ([float(n) for n in range(8)], None),
    "stalls": ([0, 0.03, 0.06, 0.1, 3.1, 3.13, 3.16, 6.2], None),
}


@pytest.mark.parametrize("pace", SLOW)
@pytest.mark.parametrize("format", ALL)
def test_a_frame_that_is_long_alone_is_on_the_disk_at_once(
    format: str, pace: str, tmp_path: Path
) -> None:
    times, every = SLOW[pace]
    session = RecordingSession(plan(tmp_path, format, every=every))
    played = [n / 30 for n in range(len(times))] if every else times
    last = -10.0
    for number, each in enumerate(timed_frames(times)):
        session.write([each])
        if times[number] - last >= 0.19:
            (part,) = tmp_path.iterdir()
            assert frame_times(part) == pytest.approx(played[: number + 1], abs=0.005)
        last = times[number]
    (closed,) = session.finish(None).closed
    closed.publish(0)
    film = read_film(tmp_path / closed.result.name)
    assert film.times[: len(times)] == pytest.approx(played, abs=0.005)


@pytest.mark.parametrize("format", ALL)
def test_a_timelapse_that_is_not_slow_is_never_a_second_behind(format: str, tmp_path: Path) -> None:
    session = RecordingSession(plan(tmp_path, format, every=0.1))
    for number, each in enumerate(timed_frames([n / 10 for n in range(40)])):
        session.write([each])
        (part,) = tmp_path.iterdir()
        assert len(frame_times(part)) >= number + 1 - 9


def test_one_frame_of_a_timelapse_costs_next_to_nothing(tmp_path: Path) -> None:
    sizes = []
    for every in (None, 60.0):
        times = [n * (every or 1 / 30) for n in range(90)]
        record(
            RecordingSession(plan(tmp_path, every=every, name=f"{every}.mp4")), timed_frames(times)
        )
        sizes.append((tmp_path / f"{every}.mp4").stat().st_size)
    assert sizes[1] - sizes[0] < 90 * 120


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """The system refuses to let a file grow beyond that."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("format", ["h264.mp4", "copy.mkv", "copy.avi", "copy.mov"])
def test_a_write_that_fails_leaves_a_file_that_plays(format: str, tmp_path: Path) -> None:
    session = RecordingSession(plan(tmp_path, format))
    with largest_file(60_000):
        with pytest.raises(DiskError, match="File too large"):
            session.write(timed_frames([n / 30 for n in range(2000)]))
        with pytest.raises(DiskError):
            session.finish(None)
        (closed,) = session.progress().closed
        closed.publish(0)
    film = read_film(tmp_path / closed.result.name)
    assert len(film.times) > 10


def test_a_disk_that_is_nearly_full_leaves_room_for_the_index(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(segment_module, "ROOM", 2**60)
    session = RecordingSession(plan(tmp_path))
    with pytest.raises(DiskError, match="No space left on device"):
        session.write(timed_frames([n / 30 for n in range(90)]))
    (closed,) = session.finish(None).closed
    closed.publish(0)
    film = read_film(tmp_path / "film.mp4")
    assert film.seconds == pytest.approx(len(film.times) / 30, abs=0.01)
    assert len(film.times) > 10


def test_the_camera_s_pictures_are_not_touched(tmp_path: Path) -> None:
    frames = timed_frames([0, 0.1])
    record(RecordingSession(plan(tmp_path, "copy.mkv")), frames)
    data = (tmp_path / "film.mkv").read_bytes()
    assert all(each.jpeg in data for each in frames)


@pytest.mark.parametrize("format", ["auto", "copy.mkv"])
def test_after_a_gap_a_new_file_begins_with_the_next_key_frame_and_nothing_is_lost(
    format: str, tmp_path: Path
) -> None:
    times = [n / 10 for n in range(15)] + [15 + n / 10 for n in range(15)]
    frames = h264_packets(times, keyframes=1.0)
    assert [place for place, each in enumerate(frames) if each.is_keyframe] == [0, 10, 15, 25]
    frames[15].is_keyframe = False  # the camera sends none right after the gap
    first, second = record(RecordingSession(plan(tmp_path, format)), frames, 16.5)
    assert (len(first.times), len(second.times)) == (25, 5)
    assert first.times[15] == pytest.approx(15.0, abs=0.001)
