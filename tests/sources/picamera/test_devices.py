"""The list of Raspberry Pi cameras, as another Python gives it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.pi_camera import FakePi
from twistedcam.cli.devices import list_picameras
from twistedcam.servers.http.api.found_cameras import describe
from twistedcam.sources.picamera import devices
from twistedcam.sources.picamera.interpreter import VARIABLE


@pytest.fixture
def pi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakePi:
    made = FakePi(tmp_path / "pi")
    monkeypatch.setenv(VARIABLE, str(made.python))
    return made


def test_cameras_are_listed_with_their_modes(pi: FakePi) -> None:
    (item,) = list_picameras()
    assert (item["source"], item["device"], item["path"], item["problem"]) == (
        "picamera:0",
        "Raspberry Pi camera imx708",
        "/base/i2c@1",
        None,
    )
    modes = [(each["format"], each["width"], each["fps"]) for each in item["formats"]]
    assert modes == [
        ("MJPG", 4608, [14.35]),
        ("MJPG", 1920, [14.35]),
        ("H264", 1920, [14.35]),
        ("MJPG", 1536, [120.13]),
        ("H264", 1536, [120.13]),
        ("MJPG", 1280, [120.13]),
        ("H264", 1280, [120.13]),
        ("MJPG", 640, [120.13]),
        ("H264", 640, [120.13]),
    ]
    (shown,) = describe(json.loads(json.dumps([item])), 1)
    assert shown["source"] == "picamera:0"
    assert {"size": "1280x720", "fps": 120.13, "format": "h264"} in shown["modes"]


def test_a_camera_that_is_in_use_is_listed_with_that_problem(pi: FakePi) -> None:
    pi.set_mood("busy")
    (item,) = list_picameras()
    assert (item["problem"], item["formats"]) == ("another program uses the camera", [])


def test_what_hides_the_cameras_is_told(
    pi: FakePi, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pi.set_mood("none")
    assert list_picameras() == []
    (tmp_path / "pi" / "mood").unlink()
    assert "No such file" in devices.list_pi_cameras().problem
    nowhere = tmp_path / "none"
    monkeypatch.setenv(VARIABLE, str(nowhere))
    assert "cannot be started" in devices.list_pi_cameras().problem
    monkeypatch.setenv(VARIABLE, str(pi.python))
    pi.set_installed(False)
    found = devices.list_pi_cameras().problem
    assert found.startswith(f"Picamera2 is not installed for {pi.python}: sudo apt install")


def test_other_computers_are_not_asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(devices, "_MODEL", tmp_path / "model")
    assert devices.list_pi_cameras() == devices.PiCameras(())
    (tmp_path / "model").write_text("Raspberry Pi Zero 2 W Rev 1.0\0")
    assert devices.is_raspberry_pi()
