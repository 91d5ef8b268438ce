"""``twistedcam devices`` lists the cameras and their modes."""

from __future__ import annotations

import json
import subprocess
import sys

from tests.fakecam import FakeBus, Format, require_fakecam
from tests.support.process import PATIENCE, ROOT


def devices(bus: FakeBus, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "twistedcam", "devices", *words],
        env=bus.env,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def test_each_camera_has_its_stable_path_and_all_modes() -> None:
    require_fakecam()
    with FakeBus() as bus:
        one = bus.plug([Format("MJPG", 640, 480, (30, 15)), Format("YUYV", 320, 240, (10,))])
        two = bus.plug(number=2, name="Front Door")
        two.deny()
        found = json.loads(devices(bus, "--json").stdout)
        text = devices(bus).stdout
    assert [each["source"] for each in found] == [f"webcam:{one.by_id}", f"webcam:{two.by_id}"]
    assert found[0]["formats"] == [
        {"format": "MJPG", "width": 640, "height": 480, "fps": [30, 15]},
        {"format": "YUYV", "width": 320, "height": 240, "fps": [10]},
    ]
    assert found[1]["problem"] == "Permission denied"
    assert "640x480 at 30, 15 fps" in text
    assert "Front Door" in text


def test_without_a_camera_there_is_an_error() -> None:
    require_fakecam()
    with FakeBus() as bus:
        assert devices(bus, "--json").stdout.strip() == "[]"
        result = devices(bus)
    assert (result.returncode, result.stdout) == (1, "")
    assert "is one plugged in?" in result.stderr
