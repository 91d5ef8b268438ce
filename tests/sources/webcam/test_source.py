"""Webcams whose drivers answer oddly, and those of systems where only OpenCV can read them."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.support.opencv_capture import Capture
from twistedcam.cli.main import main
from twistedcam.errors import BadArgument, CameraFailed
from twistedcam.sources.registry import make_source
from twistedcam.sources.spec import parse
from twistedcam.sources.webcam import source as webcam
from twistedcam.sources.webcam.devices import holders
from twistedcam.sources.webcam.opencv_reader import OpenCvReader
from twistedcam.sources.webcam.source import WebcamSource
from twistedcam.sources.webcam.v4l2 import Mode
from twistedcam.sources.webcam.v4l2_reader import V4l2Reader

PICTURE = np.full((4, 6, 3), 90, np.uint8)


@pytest.fixture
def capture(monkeypatch: pytest.MonkeyPatch) -> Capture:
    """What OpenCV opens in this test."""
    made = Capture()
    monkeypatch.setattr(cv2, "VideoCapture", made)
    return made


@pytest.fixture
def device(capture: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A device's file; its driver has one mode, and nobody streams from it."""
    monkeypatch.setattr(webcam.Driver, "no_camera", lambda _: "")
    monkeypatch.setattr(webcam.Driver, "modes", lambda _: [Mode("MJPG", 6, 4, (25.0,))])
    monkeypatch.setattr(webcam.Driver, "is_busy", lambda _: False)
    path = tmp_path / "video0"
    path.touch()
    return str(path)


@pytest.fixture
def elsewhere(capture: Capture, monkeypatch: pytest.MonkeyPatch) -> Capture:
    """A system that is not Linux: there is no driver to ask, only OpenCV."""
    for module in ("sources.webcam.source", "cli.devices"):
        monkeypatch.setattr(f"twistedcam.{module}.LINUX", False)
    return capture


def test_what_opencv_does_not_open_is_let_go_and_said(device: str, capture: Capture) -> None:
    capture.opens = False
    source = WebcamSource(device, reader="opencv")
    with pytest.raises(CameraFailed, match="not a camera that delivers pictures"):
        source.open()
    assert capture.released == 1
    source.close()
    assert capture.released == 1
    with open(device):  # somebody has it; OpenCV did not say so
        with pytest.raises(CameraFailed, match="in use by this server"):
            source.open()
        held = source.device_signature()
    assert source.device_signature() != held  # who waits for it tries again
    os.unlink(device)
    assert source.device_signature() is None


def test_what_is_no_camera_is_refused_with_what_it_is(
    device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webcam.Driver, "no_camera", lambda _: "a radio")
    with pytest.raises(CameraFailed, match=f"^{device} delivers no pictures: it is a radio$"):
        WebcamSource(device, reader="opencv").open()


def test_controls_that_cannot_be_set_are_a_note_and_the_pictures_come(
    device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webcam.Driver, "controls", lambda _: [])
    source = WebcamSource(device, controls={"gain": "3"}, reader="opencv")
    assert source.open().note == "the camera has no control 'gain': it has none at all"

    def refuse(*_: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(webcam, "set_control", refuse)
    assert source.open().note == "its controls cannot be set: Input/output error"


def test_v4l2_is_read_directly_unless_opencv_is_wanted_or_alone_knows_the_formats(
    device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(V4l2Reader, "open", lambda *_: (6, 4, 25.0))
    monkeypatch.setattr(V4l2Reader, "code", "MJPG", raising=False)

    def reader(setting: str = "") -> object:
        source = make_source(parse(f"webcam:{device}?{setting}"))
        assert isinstance(source, WebcamSource)
        source.open()
        found = source._reader
        source.close()
        return found

    assert isinstance(reader(), V4l2Reader)
    assert isinstance(reader("reader=v4l2"), V4l2Reader)
    assert isinstance(reader("reader=opencv"), OpenCvReader)
    monkeypatch.setattr(webcam.Driver, "modes", lambda _: [Mode("S910", 6, 4, (25.0,))])
    assert isinstance(reader(), OpenCvReader)
    assert isinstance(reader("reader=v4l2"), V4l2Reader)


def test_a_device_that_is_refused_is_not_left_open(
    device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webcam.Driver, "is_busy", lambda _: True)
    with pytest.raises(CameraFailed, match="is in use by another program, which"):
        WebcamSource(device).open()
    monkeypatch.setattr(webcam.Driver, "is_busy", lambda _: False)
    with pytest.raises(CameraFailed, match="has no YUYV: it has MJPG 6x4 at 25"):
        WebcamSource(device, format="yuyv").open()
    assert holders(device) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("webcam:0?reader=opencv&format=h264", "format=h264 needs Linux, and not reader=opencv"),
        ("webcam:0?reader=cv", "is one of auto, v4l2, opencv"),
        ("webcam:video0", "is no device"),
        ("webcam:²", "is no device"),
        ("webcam:0?name=door", "replaces a number"),
        ("webcam:0?serial=1", "replaces a number"),
        ("webcam:/dev/video0?port=usb-1", "replaces a number"),
        ("webcam:?seriel=1", "did you mean 'serial'"),
        ("webcam:0?siez=1x1", "did you mean 'size'"),
        ("webcam:0?Gain=1", "in lower case"),
    ],
)
def test_what_is_no_webcam_is_refused_before_it_is_looked_for(text: str, message: str) -> None:
    with pytest.raises(BadArgument, match=message):
        make_source(parse(text))


def test_where_there_is_no_driver_to_ask_opencv_alone_is_asked(elsewhere: Capture) -> None:
    elsewhere.pictures = [PICTURE]
    source = make_source(parse("webcam:1?size=6x4&fps=25&gain=3"))
    granted = source.open()
    assert elsewhere.asked[:2] == (1, cv2.CAP_ANY)
    assert str(granted).startswith("6x4 MJPG at 25 fps")
    assert granted.note == "controls are set on Linux only: gain"
    assert elsewhere.changed == {}
    grab = source.read()
    assert grab is not None
    assert grab.image is PICTURE
    with pytest.raises(CameraFailed, match="delivers no more pictures"):
        source.read()
    for text in ("webcam:?name=door", "webcam:0?reader=v4l2", "webcam:0?format=h264"):
        with pytest.raises(BadArgument, match="needs Linux"):
            make_source(parse(text))


def test_where_there_is_no_list_the_first_numbers_are_tried(
    elsewhere: Capture, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["devices", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [each["source"] for each in found] == [f"webcam:{number}" for number in range(5)]
    assert found[0]["formats"] == [{"format": "MJPG", "width": 6, "height": 4, "fps": [25]}]
    assert elsewhere.released == 5
    elsewhere.opens = False
    assert main(["devices"]) == 1
    assert "is one plugged in?" in capsys.readouterr().err
