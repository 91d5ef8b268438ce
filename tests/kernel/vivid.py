"""The server on the kernel's virtual webcams: run as root inside the machine (``__main__.py``).

One server for all tests: without KVM it takes half a minute to begin. Each test leaves both
cameras as it found them.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.support import camera_rig as rig
from tests.support import process
from tests.support.camera_rig import EventReader, Viewer
from tests.support.process import ServerProcess, run_program

#: Seconds that anything may take on a machine that may be emulated.
PATIENCE = 300.0
MODULES = Path("/run/modules")
#: As udev would name them: the drivers have no serial number, and so no name in by-id.
STABLE = "/dev/v4l/by-path/platform-vivid.{}-video-index0"
MODES = {(320, 180): 60.0, (640, 360): 40.0, (640, 480): 25.0, (1280, 720): 12.5}


def insert(numbers: tuple[int, int]) -> None:
    """Load the driver: two webcams, ``/dev/videoN`` of these numbers."""
    settings = ["n_devs=2", "node_types=0x1,0x1", "vid_cap_nr={},{}".format(*numbers)]
    for name in (MODULES / "vivid").read_text().split():
        words = settings if name == "vivid.ko" else []
        loaded = name.removesuffix(".ko").replace("-", "_")
        if not Path("/sys/module", loaded).exists():
            subprocess.run(["/run/busybox", "insmod", str(MODULES / name), *words], check=True)
    Path(STABLE).parent.mkdir(parents=True, exist_ok=True)
    for index, number in enumerate(numbers):
        link = Path(STABLE.format(index))
        link.unlink(missing_ok=True)
        link.symlink_to(f"../../video{number}")


def remove() -> None:
    """Unload the driver, as soon as nobody has it open."""
    for index in (0, 1):
        Path(STABLE.format(index)).unlink(missing_ok=True)
    command = ["/run/busybox", "rmmod", "vivid"]
    process.wait_for(lambda: subprocess.run(command).returncode == 0, "rmmod", PATIENCE)


def v4l2(*words: str, number: int = 0) -> str:
    """What v4l2-ctl says."""
    command = ["v4l2-ctl", "-d", f"/dev/video{number}", *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.fixture(scope="module", autouse=True)
def _driver() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(process, "PATIENCE", PATIENCE)
        patch.setattr(rig, "PATIENCE", PATIENCE)
        insert((0, 1))
        yield
        remove()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    sources = {
        "one": f"webcam:{STABLE.format(0)}?size=320x180&fps=10",
        "two": "webcam:?name=vivid-001&size=320x180&fps=10",
    }
    words = [word for name, text in sources.items() for word in ("--camera", f"{name}={text}")]
    with ServerProcess(tmp_path_factory.mktemp("recordings"), *words) as running:
        for name in sources:
            live(running, name)
        yield running


def live(server: ServerProcess, camera: str) -> dict[str, str]:
    """The camera's status, once it is live."""
    process.wait_for(lambda: server.status(camera)["state"] == "live", "live", PATIENCE)
    return server.status(camera)


def told(viewer: Viewer) -> list[str]:
    """The states that a viewer was told of."""
    return [state.state for state in viewer.states]


def test_devices_lists_what_the_kernel_s_own_tool_lists() -> None:
    done = run_program("twistedcam", "devices", "--json", timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    found = {each["path"]: each for each in json.loads(done.stdout)}
    assert found["/dev/video0"]["stable"] == STABLE.format(0)
    assert found["/dev/video1"]["device"] == "vivid-001-vid-cap"
    formats = found["/dev/video0"]["formats"]
    listed = v4l2("--list-formats-ext")
    assert len(formats) == listed.count("Size: Discrete")
    for (width, height), rate in MODES.items():
        mode = {"format": "YUYV", "width": width, "height": height}
        assert next(each["fps"][-1] for each in formats if mode.items() <= each.items()) == rate
    names = {name.replace(" ", "") for name in re.findall(r"\[\d+\]: '(.+?)'", listed)}
    assert {each["format"] for each in formats} == names


@pytest.mark.parametrize("size", [(640, 360), (640, 480), (320, 180)])
def test_each_size_is_granted_and_comes(server: ServerProcess, size: tuple[int, int]) -> None:
    text = "{}x{}".format(*size)
    assert f"value: {text}" in server.command_lines(f"set one size {text}")
    with Viewer(server.frames, "one") as viewer:
        frames = viewer.frames(3)
    assert {(frame.width, frame.height) for frame in frames} == {size}
    status = server.status("one")
    assert (status["asked_size"], status["granted_size"]) == (text, text)
    assert (status["granted_fps"], status["format"]) == ("10.0", "YUYV")


def test_the_driver_s_pictures_arrive_in_their_colours(server: ServerProcess) -> None:
    for word, bgr in (("100_red", (0, 0, 255)), ("100_blue", (255, 0, 0))):
        assert f"value: {word}" in server.command_lines(f"set one test_pattern {word}")
        with Viewer(server.frames, "one") as viewer:
            for _ in range(30):  # some are on their way already
                image = cv2.imdecode(np.frombuffer(viewer.frames(1)[0].jpeg, np.uint8), 1)
                if np.abs(image[150:].reshape(-1, 3).mean(axis=0) - bgr).max() < 25:
                    break
            else:
                pytest.fail(f"{word}: {image[150:].reshape(-1, 3).mean(axis=0)}")


def test_a_control_is_set_in_the_driver_and_kept_over_an_unplugging_to_another_number(
    server: ServerProcess,
) -> None:
    assert "value: 40" in server.command_lines("set one brightness 40")
    assert v4l2("-C", "brightness").strip() == "brightness: 40"
    assert server.command_lines("set one brightness 256")[-1].startswith("ERR bad-argument")
    with Viewer(server.frames, "one") as viewer, EventReader(server.control) as events:
        viewer.frames(1)
        v4l2("-c", "disconnect=1")  # as if it was pulled out: ENODEV for all who have it open
        v4l2("-c", "disconnect=1", number=1)
        events.wait_for("state=recovering", "camera=one")
        remove()
        insert((5, 7))
        live(server, "one")
        live(server, "two")
        while "recovering" not in told(viewer) or told(viewer)[-1] != "live":
            viewer.frames(1)
    assert v4l2("-C", "brightness", number=5).strip() == "brightness: 40"


def test_a_driver_that_fails_is_opened_anew(server: ServerProcess) -> None:
    number = int(os.path.realpath(STABLE.format(0)).removeprefix("/dev/video"))
    with EventReader(server.control) as events:
        v4l2("-c", "inject_fatal_streaming_error=1", number=number)
        events.wait_for("state=recovering", "camera=one")
        events.wait_for("state=live", "camera=one")


def test_a_silent_driver_is_a_stall_and_its_neighbour_runs_on(server: ServerProcess) -> None:
    number = int(os.path.realpath(STABLE.format(0)).removeprefix("/dev/video"))
    with EventReader(server.control) as events, Viewer(server.frames, "two") as viewer:
        v4l2("-c", "percentage_of_dropped_buffers=100", number=number)
        events.wait_for("state=recovering", "camera=one", "no picture for 2 s")
        viewer.frames(5)
        v4l2("-c", "percentage_of_dropped_buffers=0", number=number)
        events.wait_for("state=live", "camera=one")


def test_a_format_that_the_driver_has_not_is_refused_with_those_it_has(
    server: ServerProcess, tmp_path: Path
) -> None:
    assert server.command_lines("stop one")[-1] == "OK"
    camera = f"webcam:{STABLE.format(0)}?format=mjpg"
    with ServerProcess(tmp_path, "--camera", camera) as other:
        process.wait_for(lambda: other.status()["state"] == "recovering", "a try", PATIENCE)
        reason = other.status()["reason"]
    assert server.command_lines("start one")[-1] == "OK"
    assert "no MJPG" in reason
    assert "YUYV" in reason
    assert len(reason) < 1000


def test_who_has_the_camera_is_named_and_it_is_taken_when_let_go(server: ServerProcess) -> None:
    path = os.path.realpath(STABLE.format(0))
    assert server.command_lines("stop one")[-1] == "OK"
    command = ["v4l2-ctl", "-d", path, "--stream-mmap", "--stream-count=0"]
    with EventReader(server.control) as events:
        with subprocess.Popen(command, stderr=subprocess.PIPE) as holder:
            assert holder.stderr is not None
            holder.stderr.read(1)  # it shows each frame
            assert server.command_lines("start one")[-1].startswith("ERR camera-failed")
            assert f"v4l2-ctl (process {holder.pid})" in server.status("one")["reason"]
            holder.kill()
        events.wait_for("state=live", "camera=one")
