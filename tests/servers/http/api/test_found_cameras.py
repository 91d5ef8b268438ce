"""Cameras that were found, in the form of the page."""

from __future__ import annotations

from pathlib import Path

import pytest

from twistedcam.config import page_rules
from twistedcam.errors import CameraFailed
from twistedcam.servers.http.api import found_cameras
from twistedcam.servers.http.api.found_cameras import describe

WEBCAM = {
    "kind": "webcam", "device": "HD Cam", "source": "webcam:/dev/video0", "problem": None,
    "microphone": None, "in_use_by": ["python (process 7)", "cheese (process 8)"],
    "formats": [
        {"format": "BA81", "width": 1920, "height": 1080, "fps": [5.0]},
        {"format": "YUYV", "width": 640, "height": 480, "fps": [15.0, 30.0]},
        {"format": "MJPG", "width": 1280, "height": 720, "fps": [30.0]},
    ],
}  # fmt: skip
ONVIF = {
    "kind": "onvif", "name": "Yard", "address": "192.0.2.7", "needs_login": True, "problem": None,
    "sources": ["onvif://USER:PASSWORD@192.0.2.7"],
}  # fmt: skip
MICROPHONE = {"kind": "microphone", "device": "Mic", "source": "alsa:hw:0"}


def test_webcams_have_their_modes_and_users_and_microphones_are_left_out() -> None:
    webcam, yard = describe([WEBCAM, MICROPHONE, ONVIF], own=7)
    assert webcam["note"] == "in use by this server, cheese (process 8)"
    assert [(each["size"], each["fps"]) for each in webcam["modes"]] == [
        ("1280x720", 30.0), ("640x480", 30.0), ("640x480", 15.0),
    ]  # fmt: skip
    assert [each["format"] for each in webcam["modes"]] == ["mjpg", "yuyv", "yuyv"]
    assert (yard["source"], yard["modes"]) == ("onvif://USER:PASSWORD@192.0.2.7", [])
    assert yard["note"] == "it needs a login"


def test_a_webcam_has_its_own_microphone_and_that_of_the_computer_to_choose_from() -> None:
    with_microphone = {**WEBCAM, "microphone": MICROPHONE["source"]}
    found = describe([WEBCAM, with_microphone, MICROPHONE, ONVIF], own=7)
    assert [each["sounds"] for each in found] == [["alsa:default"], ["auto", "alsa:default"], []]
    assert describe([WEBCAM], own=7)[0]["sounds"] == []
    sounds = {sound for each in found for sound in each["sounds"]}
    assert all(page_rules._SOUND.fullmatch(each) for each in sounds)  # the page may write them


def test_a_program_that_fails_or_hangs_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def program(text: str) -> None:
        path = tmp_path / "program"
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)
        monkeypatch.setattr(found_cameras, "module_command", lambda *words: [str(path)])

    program("echo 'twistedcam: no extra' >&2; exit 1")
    with pytest.raises(CameraFailed, match=r"^no extra$"):
        found_cameras._find(network=True)
    monkeypatch.setattr(found_cameras, "TIMEOUT", 0.2)
    program("exec sleep 60")
    with pytest.raises(CameraFailed, match=r"has not answered within 0\.2 s"):
        found_cameras._find(network=False)
    program("echo '[]'")
    monkeypatch.setattr(found_cameras, "TIMEOUT", 20.0)
    assert found_cameras._find(network=False) == []
