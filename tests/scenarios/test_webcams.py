"""Cameras as they are: they go, come back, hang, are busy, and give broken pictures."""

from __future__ import annotations

import contextlib
import itertools
import json
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from tests.fakecam import (
    FakeBus,
    FakeCam,
    Format,
    encode_jpeg,
    moving_picture,
    require_fakecam,
    stamp_of,
    unstamped,
)
from tests.support.camera_rig import EventReader, Viewer, serving
from tests.support.process import PATIENCE, ServerProcess, wait_for
from twistedcam.media import jpeg
from twistedcam.sources.auto import NO_WEBCAM
from twistedcam.sources.pattern import COLOUR_BARS

JPEGS = [encode_jpeg(picture) for picture in moving_picture(640, 480, 8)]
SMALL = Format("MJPG", 640, 480, (30, 15), JPEGS)


@pytest.fixture(autouse=True)
def _buildable() -> None:
    require_fakecam()


@pytest.fixture(params=["v4l2", "opencv"])
def reader(request: pytest.FixtureRequest) -> str:
    """The settings of a source that reads webcams in one way."""
    return f"?reader={request.param}"


@contextlib.contextmanager
def watched(
    folder: Path, camera: FakeCam, *options: str, settings: str = ""
) -> Iterator[tuple[ServerProcess, EventReader]]:
    source = f"webcam:{camera.by_id}{settings}"
    with (
        serving(folder, camera.bus, "--camera", source, *options) as server,
        EventReader(server.control) as events,
    ):
        wait_for(lambda: server.status()["state"] == "live", "a picture")
        yield server, events


def test_the_camera_s_own_bytes_reach_a_viewer_with_the_driver_s_times(
    tmp_path: Path, reader: str
) -> None:
    with (
        FakeCam([SMALL], stamp=True) as camera,
        watched(tmp_path, camera, settings=reader) as (server, _),
        Viewer(server.frames) as viewer,
    ):
        frames = viewer.frames(20)
        offset = max(time.time() - time.monotonic() for _ in range(100))  # one was not interrupted
        status = server.status()
    for frame in frames:
        stamp = stamp_of(frame.jpeg)
        assert stamp is not None
        assert unstamped(frame.jpeg) == JPEGS[stamp.sequence % len(JPEGS)]
        assert frame.time - offset == pytest.approx(stamp.time / 1e9, abs=0.01)
    assert int(status["passed_through"]) == int(status["frames"])


def test_what_was_asked_for_stands_beside_what_was_granted(tmp_path: Path) -> None:
    with (
        FakeCam() as camera,
        serving(
            tmp_path,
            camera.bus,
            "--camera",
            "webcam:?name=fake webcam&size=800x600&fps=25&format=mjpg",
        ) as server,
    ):
        wait_for(lambda: server.status()["state"] == "live", "a picture")
        status = server.status()
        told = "640x480 MJPG at 30 fps from Fake Webcam (800x600 MJPG at 25 fps was requested)"
        wait_for(lambda: told in server.log, "a word of what was granted")  # it is read elsewhere
    assert (status["asked_size"], status["granted_size"]) == ("800x600", "640x480")
    assert (status["asked_fps"], status["granted_fps"]) == ("25.0", "30.0")
    assert (status["asked_format"], status["format"]) == ("MJPG", "MJPG")
    assert status["path"] == camera.by_id


def test_unplugged_it_comes_back_under_another_number_and_viewers_stay(
    tmp_path: Path, reader: str
) -> None:
    with (
        FakeCam([SMALL]) as camera,
        watched(tmp_path, camera, settings=reader) as (server, events),
        Viewer(server.frames) as viewer,
    ):
        viewer.frames(3)
        camera.unplug()
        events.wait_for("state=recovering", "was unplugged")
        events.wait_for("state=recovering", "is it plugged in?")
        camera.replug(2)
        events.wait_for("state=live")
        # On its way are still frames of before, and the state that goes with them.
        while [state.state for state in viewer.states][-2:] != ["recovering", "live"]:
            viewer.frames(1)


def test_pictures_that_the_driver_loses_are_counted(tmp_path: Path) -> None:
    with FakeCam([SMALL]) as camera, watched(tmp_path, camera) as (server, _):
        assert server.status()["lost"] == "0"
        camera.rate(5000)  # the server cannot give the buffers back in time
        wait_for(lambda: int(server.status()["lost"]) > 0, "lost pictures")
        camera.rate(None)
        wait_for(lambda: int(server.status()["lost"]) == _gaps(camera), "the exact number")


def _gaps(camera: FakeCam) -> int:
    """The number of pictures for which the driver had no buffer, up to the newest that it had."""
    pairs = itertools.pairwise(camera.delivered())
    return sum(two.sequence - one.sequence - 1 for one, two in pairs)


def test_stalled_it_is_noticed_and_live_as_soon_as_pictures_come(tmp_path: Path) -> None:
    with FakeCam([SMALL]) as camera, watched(tmp_path, camera) as (_, events):
        camera.stall()
        events.wait_for("state=recovering", "no picture for 2 s")
        camera.ok()
        events.wait_for("state=live")


def test_refused_it_says_what_to_do_and_is_tried_when_that_was_done(tmp_path: Path) -> None:
    with FakeCam([SMALL]) as camera, watched(tmp_path, camera) as (_, events):
        camera.replug()
        camera.deny()
        events.wait_for("state=recovering", "add the user to the group")
        camera.ok()
        events.wait_for("state=live")


def test_a_camera_that_hangs_hangs_itself_alone_and_not_the_end(tmp_path: Path) -> None:
    with FakeBus() as bus:
        cameras = [bus.plug([SMALL], number=number) for number in (0, 2, 4)]
        words = [word for n in (0, 2, 4) for word in ("--camera", f"c{n}=webcam:{n}")]
        with serving(tmp_path, bus, *words) as server, EventReader(server.control) as events:
            for number in (0, 2, 4):
                wait_for(lambda n=number: server.status(f"c{n}")["state"] == "live", "pictures")
            cameras[1].hang()
            events.wait_for("state=recovering", "camera=c2")
            with Viewer(server.frames, "c0") as one, Viewer(server.frames, "c4") as two:
                one.frames(10)
                two.frames(10)
            assert server.command_lines("ping") == ["OK"]
            assert server.end(signal.SIGTERM) == 0


def test_a_hung_camera_lives_again_when_its_driver_does(tmp_path: Path) -> None:
    with FakeCam([SMALL]) as camera, watched(tmp_path, camera) as (_, events):
        camera.hang()
        events.wait_for("state=recovering")
        camera.unplug()
        events.wait_for("state=recovering", "is it plugged in?")
        camera.replug()
        events.wait_for("state=live")


def test_not_there_at_the_start_it_is_waited_for(tmp_path: Path) -> None:
    with FakeBus() as bus:
        camera = FakeCam([SMALL], bus=bus)
        with (
            serving(tmp_path, bus, "--camera", f"webcam:{camera.by_id}") as server,
            EventReader(server.control) as events,
        ):
            wait_for(lambda: server.status()["state"] == "recovering", "a first try")
            assert "is it plugged in?" in server.status()["reason"]
            camera.replug()
            events.wait_for("state=live")


HOLD = """
import cv2, sys
camera = cv2.VideoCapture("/dev/video0", cv2.CAP_V4L2)
print(camera.read()[0], flush=True)
sys.stdin.readline()
"""


def test_a_usb_bus_without_bandwidth_is_told_from_a_full_disk(tmp_path: Path, reader: str) -> None:
    with FakeCam([SMALL]) as camera:
        camera.crowd()
        with serving(tmp_path, camera.bus, "--camera", f"webcam:0{reader}") as server:
            wait_for(lambda: server.status()["state"] == "recovering", "a first try")
            reason = server.status()["reason"]
            assert "the USB bus has no bandwidth left for this camera" in reason
            assert "Set a smaller size" in reason
            camera.ok()
            wait_for(lambda: server.status()["state"] == "live", "a picture")


def test_a_busy_camera_is_taken_when_its_holder_who_is_named_lets_go(
    tmp_path: Path, reader: str
) -> None:
    pipe: Any = subprocess.PIPE
    with (
        FakeCam([SMALL]) as camera,
        subprocess.Popen(
            [sys.executable, "-c", HOLD], env=camera.env, stdin=pipe, stdout=pipe
        ) as holder,
    ):
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"True\n"
        with (
            serving(tmp_path, camera.bus, "--camera", f"webcam:0{reader}") as server,
            EventReader(server.control) as events,
        ):
            wait_for(lambda: server.status()["state"] == "recovering", "a first try")
            assert f"(process {holder.pid})" in server.status()["reason"]
            holder.communicate(b"\n")
            events.wait_for("state=live")


@pytest.mark.parametrize(
    ("kind", "counted"),
    [
        ("truncated", "corrupt"),
        ("garbage", "corrupt"),
        ("wrongsize", "corrupt"),
        ("noeoi", "repaired"),
        ("nohuffman", "repaired"),
    ],
)
def test_broken_pictures_are_mended_or_dropped_and_counted(
    kind: Any, counted: str, tmp_path: Path
) -> None:
    with FakeCam([SMALL]) as camera, watched(tmp_path, camera) as (server, _):
        camera.corrupt(kind, every=2)
        with Viewer(server.frames) as viewer:
            frames = viewer.frames(20)
        status = server.status()
    assert int(status[counted]) > 0
    assert status["state"] == "live"
    for frame in frames:
        header = jpeg.read_header(frame.jpeg)
        assert header.size == (640, 480)
        assert header.has_huffman_tables
        assert frame.jpeg in JPEGS or kind == "nohuffman"


def test_controls_are_set_while_it_runs_and_kept_over_a_reconnect(tmp_path: Path) -> None:
    with FakeCam([SMALL]) as camera, watched(tmp_path, camera) as (server, events):
        assert "value: 12" in server.command_lines("set brightness 12")
        assert "value: 100" in server.command_lines("set exposure 100")
        assert "value: 60_hz" in server.command_lines("set power_line_frequency 60hz")
        assert server.command_lines("set brightness 1000")[-1].startswith("ERR bad-argument")
        assert server.command_lines("set privacy on")[-1].startswith("ERR not-supported")
        assert (camera.controls()["auto_exposure"], camera.controls()["brightness"]) == (1, 12)
        camera.unplug()
        events.wait_for("state=recovering")
        camera.replug()
        events.wait_for("state=live")
        controls = camera.controls()
    assert controls["brightness"] == 12
    assert controls["exposure_time_absolute"] == 100
    assert controls["power_line_frequency"] == 2


def patch(server: ServerProcess, **wanted: object) -> dict[str, Any]:
    """What the server answers to a PATCH of its camera's properties."""
    url, kind = f"{server.http}/api/v1/cameras/cam", {"Content-Type": "application/json"}
    body = json.dumps(wanted).encode()
    asked = urllib.request.Request(url, body, kind, method="PATCH")
    try:
        with urllib.request.urlopen(asked, timeout=PATIENCE) as answer:
            return dict(json.load(answer))
    except urllib.error.HTTPError as error:
        return dict(json.load(error))


def test_several_properties_are_patched_or_none(tmp_path: Path) -> None:
    options = ["--http", "tcp:0:interface=127.0.0.1"]
    with FakeCam([SMALL]) as camera, watched(tmp_path, camera, *options) as (server, _):
        before, asked_fps = camera.controls(), server.status()["asked_fps"]
        answer = patch(server, fps=15, brightness=12, contrast=1000)
        assert (answer["code"], answer["message"]) == (
            "bad-argument",
            "contrast is a number from 0 to 95, not '1000'",
        )
        assert patch(server, exposure=100, brightness=12, privacy="on")["code"] == "not-supported"
        assert camera.controls() == before
        assert server.status()["asked_fps"] == asked_fps
        found = patch(server, exposure=100, fps=15, brightness=12)["properties"]
        values = [(each["property"], each["value"]) for each in found]
        assert values == [("exposure", 100), ("fps", 15), ("brightness", 12)]


def test_saved_controls_hold_over_a_restart_until_they_are_forgotten(tmp_path: Path) -> None:
    with FakeCam([SMALL]) as camera:
        with watched(tmp_path, camera) as (server, _):
            server.command_lines("set brightness 12", "set exposure 100")
            assert "saved: brightness=12 exposure=100" in server.command_lines("save")
            server.command_lines("set brightness 13")  # which nobody asks to save
        camera.replug()  # and all its controls are at their defaults
        with watched(tmp_path, camera) as (server, _):
            controls = camera.controls()
            assert (controls["brightness"], controls["exposure_time_absolute"]) == (12, 100)
            assert "saved: none" in server.command_lines("save --forget")
        camera.replug()
        with watched(tmp_path, camera) as (server, _):
            assert camera.controls()["brightness"] != 12


def test_another_size_and_rate_are_taken_while_viewers_stay_and_a_recording_goes_on(
    tmp_path: Path,
) -> None:
    with (
        FakeCam() as camera,
        watched(tmp_path, camera) as (server, _),
        Viewer(server.frames) as viewer,
    ):
        assert viewer.frames(1)[0].width == 1280
        assert "recording: a.mkv" in server.command_lines("record start a.mkv")
        assert "value: 640x480" in server.command_lines("set size 640x480")
        while viewer.frames(1)[0].width != 640:
            pass
        assert "value: 15.0" in server.command_lines("set fps 15")
        assert "value: 50" in server.command_lines("set quality 50")
        viewer.frames(3)
        status = server.status()
        assert (status["granted_size"], status["granted_fps"]) == ("640x480", "15.0")
        # Another size needs a new file; another rate does not, and gets one if it takes long.
        names = ("a-2.mkv", "a-3.mkv")
        wait_for(lambda: server.status()["recording"] in names, "a new file")
        frames = int(server.status()["recording_frames"])
        wait_for(lambda: int(server.status()["recording_frames"]) > frames, "more in the film")
        assert server.command_lines("record stop")[-1] == "OK"


def test_auto_without_a_webcam_is_recovering_and_takes_one_that_is_plugged_in_later(
    tmp_path: Path,
) -> None:
    with FakeBus() as bus:
        camera = FakeCam([SMALL], bus=bus)
        http = ("--http", "tcp:0:interface=127.0.0.1")
        with serving(tmp_path, bus, "--camera", "auto:?size=640x480", *http) as server:
            wait_for(lambda: server.status()["state"] == "recovering", "the reason")
            status = server.status()
            assert (status["state"], status["reason"]) == ("recovering", NO_WEBCAM)
            line = f"cam is recovering: {NO_WEBCAM}\n"
            wait_for(lambda: server.log.count(line) == 1, "the log line")
            assert get(f"{server.http}/healthz") == (503, {"cam": NO_WEBCAM})
            assert bars_of(f"{server.http}/stream") == [*COLOUR_BARS]
            with Viewer(server.frames) as viewer:
                answer = server.command_lines("record start a.mkv")
                assert answer == [
                    "recording: a.mkv",
                    f"waiting: no picture yet (the camera is recovering: {NO_WEBCAM})",
                    "OK",
                ]
                camera.replug()
                assert viewer.frames(1)[0].width == 640
                assert (viewer.states[0].state, viewer.states[0].reason) == (
                    "recovering",
                    NO_WEBCAM,
                )
            assert server.status()["format"] == "MJPG"
            assert get(f"{server.http}/healthz")[0] == 200
            assert server.command_lines("record stop")[-1] == "OK"


def test_auto_says_why_a_webcam_gives_no_picture_and_takes_it_when_it_does(tmp_path: Path) -> None:
    with FakeBus() as bus:
        camera = bus.plug([SMALL])
        camera.deny()
        with serving(tmp_path, bus, "--camera", "auto:") as server:
            wait_for(lambda: server.status()["state"] == "recovering", "the reason")
            assert server.status()["reason"] == (
                "No webcam gives a picture: this user may not open /dev/video0: add the"
                " user to the group 'video'. A test picture is shown."
            )
            camera.ok()
            wait_for(lambda: server.status()["state"] == "live", "the webcam")


def get(url: str) -> tuple[int, dict[str, str] | None]:
    """The status of ``/healthz``, and the cameras that are not well."""
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
            return answer.status, None
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)["cameras"]


def bars_of(url: str) -> list[tuple[int, ...]]:
    """The colours in the first row of a stream's first picture, from left to right, as BGR."""
    with urllib.request.urlopen(url, timeout=PATIENCE) as stream:
        data = b""
        while b"\xff\xd9" not in data:
            data += stream.read1(1 << 16)
    jpeg_file = data[data.index(b"\xff\xd8") :]
    row = cv2.imdecode(np.frombuffer(jpeg_file, np.uint8), cv2.IMREAD_COLOR)[2]
    middles = [row[len(row) * (2 * each + 1) // 14] for each in range(7)]
    return [tuple(191 if value > 180 else 0 for value in map(int, each)) for each in middles]
