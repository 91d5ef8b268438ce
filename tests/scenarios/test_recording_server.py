"""A whole server that records: killed, on a full disk, from a camera that stalls."""

from __future__ import annotations

import os
import random
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakecam import FakeCam, Format, require_fakecam
from tests.recording.kills import kill_once
from tests.support.films import read_film
from tests.support.process import ServerProcess, wait_for
from tests.support.system import require
from twistedcam.camera.capture_base import STALL_SECONDS
from twistedcam.recording.writer.metadata_tag import Tag

#: Pictures that take much room.
NOISY = "pattern:?size=1280x720&fps=30&quality=100"


@pytest.mark.parametrize(
    ("suffix", "frames"),
    [(".mp4", (0.1, 1.2)), (".mkv", (0.1, 1.2)), (".avi", (0.6,))],
)
def test_a_killed_server_loses_a_second_at_most(
    suffix: str, frames: tuple[float, ...], tmp_path: Path
) -> None:
    for after in frames:
        kill_once(tmp_path, suffix, after + random.random() / 2)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a disk of 20 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=20m", "tmpfs", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    require(done.returncode == 0, f"no file system can be mounted here: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.parametrize("name", ["x.mkv", "x.mp4"])
def test_a_full_disk_ends_the_recording_and_not_the_stream(name: str, small_disk: Path) -> None:
    (small_disk / "ballast").write_bytes(bytes(16_600_000))
    options = ["--camera", NOISY, "--record", "crf=1"]
    with ServerProcess(small_disk, *options) as server:
        before, began = int(server.status()["frames"]), time.monotonic()
        # At once: a second later the disk may be full.
        assert f"recording: {name}" in server.command_lines(f"record start {name}", "status")
        ended = lambda: (s := server.status())["recording"] == "none" and s  # noqa: E731
        status = wait_for(ended, "the end of the recording")
        assert status["recording_code"] == "disk"
        assert "No space left on device" in status["recording_reason"]
        assert status["state"] == "live"
        asked = 30 * (time.monotonic() - began)
        assert server.command_lines("record start y.mkv")[-1].startswith("ERR disk ")
        so_far = int(status["frames"])
        wait_for(lambda: int(server.status()["frames"]) > so_far + 10, "the stream to go on")
    film = read_film(small_disk / name)
    # A busy machine is too slow for this: what it left out is said, of camera and recording.
    missed = max(0, asked - (int(status["frames"]) - before))
    tag = Tag.parse(film.tags["comment"])
    assert tag is not None and tag.dropped is not None
    assert film.seconds - film.times[-1] <= film.longest_gap + 0.1
    assert len(film.times) >= film.times[-1] * 30 - tag.dropped - missed - 4


def test_the_oldest_recordings_make_room_for_the_one_being_written(small_disk: Path) -> None:
    options = ["--camera", NOISY, "--record", "segment=1s"]
    options += ["--record", "keep=4MB", "--record-format", "copy"]
    (small_disk / "mine.mkv").write_bytes(bytes(1_000_000))
    with ServerProcess(small_disk, *options) as server:
        assert server.command_lines("record start")[-1] == "OK"
        wait_for(lambda: int(server.status()["recording_bytes"]) > 10_000_000, "10 MB")
        assert server.status()["recording_code"] == "none"
        assert server.command_lines("record stop")[-1] == "OK"
    assert (small_disk / "mine.mkv").exists()
    assert sum(each.stat().st_size for each in small_disk.glob("cam_*.mkv")) < 6_000_000


def test_a_camera_that_stalls_and_changes_its_rate_is_recorded_in_true_time(tmp_path: Path) -> None:
    require_fakecam()
    with (
        FakeCam([Format("MJPG", 640, 480, (30,))]) as camera,
        ServerProcess(tmp_path, "--camera", "webcam:0", env=camera.env) as server,
    ):
        wait_for(lambda: server.status()["state"] == "live", "the camera")
        asked = time.monotonic()
        assert server.command_lines("record start x.mkv")[-1] == "OK"
        began = time.monotonic()
        _wait_until_recorded(server, 1)
        camera.rate(10)
        _wait_until_recorded(server, 2)
        camera.stall()
        wait_for(lambda: server.status()["state"] == "recovering", "the stall to be noticed")
        camera.rate(30)
        camera.ok()
        wait_for(lambda: server.status()["state"] == "live", "the camera's return")
        _wait_until_recorded(server, float(server.status()["recording_seconds"]) + 1)
        shortest = time.monotonic() - began
        assert "files: 1" not in server.command_lines("record stop")
        longest = time.monotonic() - asked
    film = read_film(tmp_path / "x.mkv")
    assert shortest - 0.2 < film.seconds < longest + 0.2
    assert film.longest_gap > STALL_SECONDS - 0.1
    assert [name for name in os.listdir(tmp_path) if name[0] != "."] == ["x.mkv"]


def _wait_until_recorded(server: ServerProcess, seconds: float) -> None:
    recorded = lambda: float(server.status()["recording_seconds"]) > seconds  # noqa: E731
    wait_for(recorded, f"a recording of {seconds} s")
