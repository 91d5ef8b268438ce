"""Webcams whose drivers answer oddly, and those of systems where OpenCV alone knows the way."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from twistedcam.cli.main import main
from twistedcam.errors import BadArgument, CameraFailed
from twistedcam.sources.registry import make_source
from twistedcam.sources.spec import parse
from twistedcam.sources.webcam import source as webcam
from twistedcam.sources.webcam.source import WebcamSource
from twistedcam.sources.webcam.v4l2 import Mode

PICTURE = np.full((4, 6, 3), 90, np.uint8)
ROW = np.arange(9, dtype=np.uint8)[None]
YUYV = cv2.VideoWriter.fourcc(*"YUYV")
MJPG = cv2.VideoWriter.fourcc(*"MJPG")


class Capture:
    """A cv2.VideoCapture that answers as a test wants."""

    def __init__(self) -> None:
        self.opens = True
        self.pictures: list[Any] = []
        self.fourcc = MJPG
        self.stamp = 0.0
        self.asked: tuple[Any, ...] = ()
        self.changed: dict[int, float] = {}
        self.released = 0

    def __call__(self, *asked: Any) -> Capture:
        self.asked = asked
        return self

    def isOpened(self) -> bool:
        return self.opens

    def get(self, number: int) -> float:
        return {
            cv2.CAP_PROP_FOURCC: self.fourcc,
            cv2.CAP_PROP_FRAME_WIDTH: 6,
            cv2.CAP_PROP_FRAME_HEIGHT: 4,
            cv2.CAP_PROP_FPS: 25,
            cv2.CAP_PROP_POS_MSEC: self.stamp,
        }[number]

    def set(self, number: int, value: float) -> None:
        self.changed[number] = value

    def grab(self) -> bool:
        return bool(self.pictures)

    def retrieve(self) -> tuple[bool, Any]:
        picture = self.pictures.pop(0)
        return picture is not None, picture

    def release(self) -> None:
        self.released += 1


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


def test_raw_pictures_come_as_pictures_whoever_converts_them(device: str, capture: Capture) -> None:
    capture.fourcc = YUYV
    capture.pictures = [np.full((4, 6, 2), 128, np.uint8), PICTURE]
    source = WebcamSource(device)
    source.open()
    assert capture.changed == {cv2.CAP_PROP_CONVERT_RGB: 0}
    for _ in range(2):  # a driver may convert although it was asked not to
        grab = source.read()
        assert grab is not None
        assert grab.jpeg is None
        assert grab.image is not None
        assert grab.image.shape == (4, 6, 3)
    source.close()


def test_a_camera_that_grants_jpeg_and_gives_pictures_is_taken_as_it_is(
    device: str, capture: Capture
) -> None:
    capture.pictures = [PICTURE, ROW, ROW[0], None, np.zeros((0,), np.uint8)]
    source = WebcamSource(device)
    source.open()
    grabs = [source.read() for _ in range(5)]
    assert grabs[0] is not None
    assert grabs[0].image is PICTURE
    assert grabs[1] is not None
    assert (grabs[1].jpeg, grabs[1].size) == (bytes(range(9)), (6, 4))
    assert grabs[2] is not None
    assert grabs[2].jpeg == bytes(range(9))
    assert grabs[3:] == [None, None]  # the next picture may be one


def test_a_device_that_is_silent_is_no_lost_one(
    device: str, capture: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = WebcamSource(device)
    source.open()
    with pytest.raises(CameraFailed, match="delivers no more pictures"):
        source.read()  # OpenCV fails at once
    source.open()
    monkeypatch.setattr(webcam, "_SILENCE", -1.0)
    assert source.read() is None  # it has waited, and the device is there
    os.unlink(device)
    with pytest.raises(CameraFailed, match="was unplugged"):
        source.read()


def test_what_opencv_does_not_open_is_let_go_and_said(device: str, capture: Capture) -> None:
    capture.opens = False
    source = WebcamSource(device)
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
        WebcamSource(device).open()


def test_controls_that_cannot_be_set_are_a_note_and_the_pictures_come(
    device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webcam.Driver, "controls", lambda _: [])
    source = WebcamSource(device, controls={"gain": "3"})
    assert source.open().note == "the camera has no control 'gain': it has none at all"

    def refuse(*_: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(webcam, "set_control", refuse)
    assert source.open().note == "its controls cannot be set: Input/output error"


@pytest.mark.parametrize(
    ("text", "message"),
    [
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
    with pytest.raises(BadArgument, match="needs Linux"):
        make_source(parse("webcam:?name=door"))


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
