"""Settings of ``picamera:``, and the camera itself in a process with the API of Picamera2."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import av
import pytest
from PIL import Image

from tests.support.pi_camera import FakePi
from tests.support.process import ServerProcess, wait_for
from twistedcam.errors import BadArgument
from twistedcam.sources.picamera.source import PicameraSource, device_flips
from twistedcam.sources.registry import make_source
from twistedcam.sources.spec import parse


def options(text: str) -> object:
    source = make_source(parse(text))
    assert isinstance(source, PicameraSource)
    return source.options


def test_settings_are_read() -> None:
    found = options(
        "picamera:1?size=1920x1080&fps=25&format=h264&bitrate=3000000&gain=2&rotate=180"
    )
    assert vars(found) == {
        "camera": 1,
        "size": (1920, 1080),
        "fps": 25.0,
        "format": "h264",
        "bitrate": 3_000_000,
        "hflip": True,
        "vflip": True,
        "controls": {"gain": "2"},
    }
    assert options("picamera") == options("picamera:0")
    assert vars(options("picamera:imx219"))["camera"] == "imx219"


@pytest.mark.parametrize(
    "text", ["format=yuyv", "sise=1x1", "gain=much", "size=no", "bitrate=1", "exposure_auto=2"]
)
def test_wrong_settings_are_refused(text: str) -> None:
    with pytest.raises(BadArgument):
        make_source(parse(f"picamera:0?{text}"))


def test_the_sensor_turns_the_picture_where_it_can() -> None:
    assert device_flips("", "") == (False, False)
    assert device_flips("180", "") == (True, True)
    assert device_flips("", "h") == (True, False)
    assert device_flips("180", "h") == (False, True)
    assert device_flips("90", "h") is None


@pytest.fixture(scope="module")
def pi(tmp_path_factory: pytest.TempPathFactory) -> FakePi:
    return FakePi(tmp_path_factory.mktemp("pi"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("recordings")


@pytest.fixture(scope="module")
def server(pi: FakePi, folder: Path) -> Iterator[ServerProcess]:
    camera = "door=picamera:?size=320x240&fps=10&brightness=0.5&flip=h"
    with ServerProcess(folder, "--camera", camera, env=pi.env) as running:
        yield running


@pytest.fixture(autouse=True)
def _well(pi: FakePi) -> Iterator[None]:
    yield
    pi.set_mood("ok")


def number(text: str) -> int:
    return int(text) if text.isdigit() else 0


def is_live(server: ServerProcess) -> bool:
    return server.status("door")["state"] == "live"


def lose(server: ServerProcess, reason: str) -> None:
    """Wait until the camera is away for that reason."""
    wait_for(lambda: reason in server.status("door")["reason"], reason)
    assert server.status("door")["state"] == "recovering"


def test_jpegs_pass_unchanged_with_the_sensors_times_and_flips(
    pi: FakePi, server: ServerProcess, folder: Path
) -> None:
    wait_for(lambda: is_live(server), "a picture")
    status = server.status("door")
    assert status["device"] == "Raspberry Pi camera imx708 (MJPEGEncoder)"
    assert (status["codec"], status["encoded"]) == ("mjpeg", "0")
    assert (status["granted_size"], status["granted_fps"]) == ("320x240", "10.0")
    assert 0 <= float(status["age_ms"]) < 2000
    assert pi.controls == {"FrameDurationLimits": [100_000, 100_000], "Brightness": 0.5}
    (line,) = [each for each in server.command_lines("snapshot door") if "snapshot: " in each]
    with Image.open(folder / line.removeprefix("snapshot: ")) as picture:
        red, grey = picture.getpixel((300, 10)), picture.getpixel((10, 10))
    assert red[0] > 200 > red[1] + 100  # the mark is mirrored: it is on the right
    assert all(abs(each - 178) < 4 for each in grey)


def test_controls_are_set_while_it_runs_and_again_after_its_process_was_killed(
    pi: FakePi, server: ServerProcess
) -> None:
    wait_for(lambda: is_live(server), "a picture")
    before = pi.pid
    assert "value: 50.0" in server.command_lines("set door exposure 50")
    assert (pi.controls["AeEnable"], pi.controls["ExposureTime"]) == (False, 5000)
    assert "value: 50.0" in server.command_lines("get door exposure")
    (refused,) = server.command_lines("set door gain 99")
    assert refused == "ERR bad-argument gain is a number from 1 to 16"
    assert pi.pid == before
    os.kill(before, 9)
    lose(server, "was ended by SIGKILL")
    wait_for(lambda: is_live(server), "it again")
    assert pi.pid not in (0, before)
    assert pi.controls["ExposureTime"] == 5000


def test_each_fault_has_its_reason_and_it_comes_back(pi: FakePi, server: ServerProcess) -> None:
    wait_for(lambda: is_live(server), "a picture")
    pi.set_mood("stall")
    lose(server, "check its cable")
    pi.set_mood("busy")
    lose(server, "another program uses the camera")
    pi.set_mood("none")
    lose(server, "no Raspberry Pi camera was found")
    pi.set_mood("broken")
    lose(server, "Camera configuration has been adjusted!")
    pi.set_installed(False)
    lose(server, f"Picamera2 is not installed for {pi.python}: sudo apt install python3-picamera2")
    pi.set_installed(True)
    pi.set_mood("ok")
    wait_for(lambda: is_live(server), "it again")
    server.command_lines("stop door")
    wait_for(lambda: pi.pid == 0, "the camera to be closed")


def test_h264_passes_undecoded_and_a_missing_encoder_is_replaced(tmp_path: Path) -> None:
    five = FakePi(tmp_path / "five", model="5")
    video = "door=picamera:?size=320x240&fps=10&format=h264"
    picture = "yard=picamera:?size=320x240&fps=10"
    with ServerProcess(tmp_path, "--camera", video, "--camera", picture, env=five.env) as server:
        wait_for(lambda: is_live(server), "video")
        status = server.status("door")
        assert (status["codec"], status["transcoding"]) == ("h264", "none")
        wait_for(lambda: server.status("yard")["state"] == "live", "a picture")
        assert "(JpegEncoder)" in server.status("yard")["device"]
        server.command_lines("record start door")
        wait_for(lambda: number(server.status("door")["recording_frames"]) > 10, "a second of it")
        answer = server.command_lines("record stop door")
        assert answer[-1] == "OK", answer
        (name,) = [each.partition(": ")[2] for each in answer if each.startswith("recording: ")]
    with av.open(str(tmp_path / name)) as film:
        times = [packet.pts * packet.time_base for packet in film.demux(video=0) if packet.pts]
    steps = [float(later - earlier) for earlier, later in pairwise(times)]
    assert max(abs(each - 0.1) for each in steps) < 0.002  # the sensor's, not those of arrival
