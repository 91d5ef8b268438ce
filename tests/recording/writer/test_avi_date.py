"""An AVI says the rate of its camera, and is as long as it was recorded."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from tests.support.films import Film, read_film, timed_frames
from twistedcam.recording.containers import FORMATS
from twistedcam.recording.settings import RecordSettings
from twistedcam.recording.writer.segment import Segment


def record(path: Path, rate: float | None, times: list[float], end: float) -> Film:
    """A film of frames at these seconds."""
    frames = timed_frames(times)
    segment = Segment(path, "cam", FORMATS["copy.avi"], RecordSettings(), frames[0], rate=rate)
    for each in frames:
        segment.write(each)
    segment.end(frames[0].pts + round(end * 1e6))
    segment.publish(0)
    assert segment.result.frames == len(times), "frames that were left out"
    film = read_film(path)
    assert abs(segment.result.seconds - film.seconds) < 0.001
    return film


def rate_of(film: Film) -> float:
    above, below = film.stream["r_frame_rate"].split("/")
    return float(above) / float(below)


@pytest.mark.parametrize("rate", [30.0, 15.0, 25.0, 30000 / 1001, 7.5])
def test_it_says_the_rate_of_the_camera(tmp_path: Path, rate: float) -> None:
    jitter = (0.0, 0.3, -0.3, 0.45, -0.45)
    times = [(n + jitter[n % 5]) / rate for n in range(60)]
    film = record(tmp_path / "a.avi", rate, times, 60 / rate)
    assert rate_of(film) == pytest.approx(rate, rel=1e-5)
    assert film.seconds == pytest.approx(60 / rate, abs=0.001)
    assert [round((b - a) * rate) for a, b in pairwise(film.times)] == [1] * 59


def test_frames_that_come_in_bursts_or_slower_keep_their_times(tmp_path: Path) -> None:
    times = [0.0, 1 / 30, 1.5 / 30, 1.9 / 30, 1.0, 2.0, 2 + 1 / 15, 2 + 2 / 15, 5.0]
    film = record(tmp_path / "a.avi", 30.0, times, 6.0)
    assert rate_of(film) == 30
    assert film.seconds == pytest.approx(6.0, abs=0.05)
    shown = dict(zip(times, film.times, strict=False))
    for time in (1.0, 2.0, 2 + 2 / 15, 5.0):
        assert shown[time] == pytest.approx(time, abs=1 / 60)


@pytest.mark.parametrize("rate", [30.3, 36.0])
def test_a_camera_that_is_faster_than_it_says_loses_nothing_and_takes_no_longer(
    tmp_path: Path, rate: float
) -> None:
    times = [n / rate for n in range(int(30 * rate))]
    film = record(tmp_path / "a.avi", 30.0, times, 30.0)
    assert rate_of(film) == pytest.approx(rate, rel=0.002)
    assert film.seconds == pytest.approx(30.0, abs=0.05)
    assert film.times[-1] == pytest.approx(times[-1], abs=0.05)


def test_without_a_rate_that_can_be_believed_the_steps_are_fine(tmp_path: Path) -> None:
    film = record(tmp_path / "a.avi", None, [0.0, 0.01, 0.5, 0.51], 0.52)
    assert rate_of(film) == 120
    assert film.times == pytest.approx([0.0, 0.01, 0.5, 0.51], abs=1 / 240)
