"""``twistedcam doctor``: what this machine can do."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from tests.fakecam import FakeBus, Format, require_fakecam
from tests.support.process import PATIENCE, ROOT
from twistedcam.cli import doctor
from twistedcam.cli.main import main
from twistedcam.codecs.h264_encoder import H264Encoder
from twistedcam.errors import NotSupported
from twistedcam.media import turbojpeg

SMALL = ("--size", "240x96", "--seconds", "0.2")


def found(capsys: pytest.CaptureFixture[str], code: int = 0) -> dict[str, dict[str, Any]]:
    """What it prints as JSON, by subject."""
    assert main(["doctor", "--json", *SMALL]) == code
    return {each["subject"]: each for each in json.loads(capsys.readouterr().out)}


def test_encoders_are_measured_and_those_that_do_not_work_have_a_reason(
    capsys: pytest.CaptureFixture[str],
) -> None:
    told = found(capsys)
    assert told["libx264"]["cores"] > 0
    assert "240x96 at 30 fps takes" in told["libx264"]["text"]
    assert told["h264_videotoolbox"] == {
        "subject": "h264_videotoolbox",
        "state": "note",
        "text": "this FFmpeg does not have it",
        "cores": None,
    }
    assert {"twistedcam", "OpenCV", "PyAV", "numpy", "Pillow", "open files"} <= set(told)


def test_what_is_missing_is_said_with_the_package_that_has_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turbojpeg, "load_library", lambda: None)
    monkeypatch.setitem(sys.modules, "prompt_toolkit", None)
    told = found(capsys)
    assert told["libturbojpeg"]["state"] == "note"
    assert "apt-get install libturbojpeg0" in told["libturbojpeg"]["text"]
    assert "pip install -e '.[prompt]'" in told["prompt_toolkit"]["text"]
    assert {"paho", "zeroconf", "pywebpush", "sounddevice", "gi"} <= set(told)


def test_a_library_of_the_system_that_an_extra_needs_is_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for library, state in ((None, "note"), ("libportaudio.so.2", "ok")):
        monkeypatch.setattr(doctor, "find_library", lambda _, found=library: found)
        told = found(capsys)["sounddevice"]
        assert told["state"] == state
        assert ("apt-get install libportaudio2" in told["text"]) == (library is None)


def test_without_the_encoder_that_every_recording_can_use_it_fails(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise NotSupported("no H.264 encoder can be opened")

    monkeypatch.setattr(H264Encoder, "__init__", refuse)
    told = found(capsys, code=1)
    assert told["libx264"]["state"] == "missing"


@pytest.mark.parametrize(
    "words", [("--size", "12"), ("--size", "1x1"), ("--seconds", "0"), ("--seconds", "601")]
)
def test_a_measurement_that_cannot_be_made_is_refused(words: tuple[str, str]) -> None:
    assert main(["doctor", "--seconds", "0.1", *words]) == 2


def test_webcams_are_listed_with_their_formats_or_their_problem() -> None:
    require_fakecam()
    with FakeBus() as bus:
        bus.plug([Format("MJPG", 64, 48), Format("YUYV", 64, 48)], name="Front Door")
        bus.plug([Format("MJPG", 64, 48)], number=2, name="Back Door").deny()
        done = subprocess.run(
            [sys.executable, "-m", "twistedcam", "doctor", *SMALL],
            cwd=ROOT,
            env=bus.env,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    lines = [line.split(maxsplit=2) for line in done.stdout.splitlines()]
    told = {subject: (state, text) for state, subject, text in lines}
    assert told["/dev/video0"] == ("ok", "Front Door: MJPG, YUYV")
    assert told["/dev/video2"][0] == "note"
    assert told["/dev/video2"][1].startswith("Back Door: Permission denied")
