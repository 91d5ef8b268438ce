"""The first webcam that gives a picture."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from twistedcam.errors import BadArgument, CameraFailed
from twistedcam.sources import auto
from twistedcam.sources.auto import NO_WEBCAM, AutoSource
from twistedcam.sources.base import RawPicture, SourceInfo
from twistedcam.sources.registry import make_source
from twistedcam.sources.spec import parse

PICTURES = [RawPicture(float(number), jpeg=b"") for number in range(3)]


class FakeWebcam:
    """A webcam whose state is the word that ``Machine.webcams`` has for its path."""

    size, fps, settle, lost = (640, 480), 30.0, 0, 2

    def __init__(
        self, machine: Machine, path: str, controls: Mapping[str, str], reader: str
    ) -> None:
        self.machine, self.path, self.controls = machine, path, controls
        self.pictures = list(PICTURES)
        self.is_open = False
        machine.made.append(self)

    def open(self) -> SourceInfo:
        if self.machine.webcams[self.path] == "busy":
            raise CameraFailed(f"{self.path} is in use.")
        self.is_open = True
        return SourceInfo(*self.size, self.fps, "MJPG", self.path)

    def read(self) -> RawPicture | None:
        return None if self.machine.webcams[self.path] == "silent" else self.pictures.pop(0)

    def close(self) -> None:
        self.is_open = False

    def device_signature(self) -> object:
        return self.machine.webcams[self.path]


class Machine:
    """A machine with webcams, each with a word for its state."""

    def __init__(self, **webcams: str) -> None:
        self.webcams = {f"/dev/{name}": state for name, state in webcams.items()}
        self.made: list[FakeWebcam] = []

    def make(
        self, path: str, controls: Mapping[str, str] | None = None, reader: str = "auto"
    ) -> FakeWebcam:
        return FakeWebcam(self, path, controls or {}, reader)

    @property
    def opened(self) -> list[str]:
        return [each.path for each in self.made if each.is_open]


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    machine = Machine()
    monkeypatch.setattr(auto, "LINUX", True)
    monkeypatch.setattr(auto, "device_paths", lambda: list(machine.webcams))
    monkeypatch.setattr(auto, "WebcamSource", machine.make)
    monkeypatch.setattr(auto, "_FIRST_PICTURE", 0.001)
    return machine


def test_the_first_webcam_that_gives_a_picture_is_opened(machine: Machine) -> None:
    machine.webcams = {"/dev/video0": "busy", "/dev/video1": "silent", "/dev/video2": "", "v3": ""}
    source = AutoSource()
    assert source.open().detail == "/dev/video2"
    assert machine.opened == ["/dev/video2"]  # the others are closed
    assert [source.read() for _ in PICTURES] == PICTURES  # the picture of the trial is the first
    source.close()
    assert machine.opened == []
    source.close()
    assert source.lost == 2  # the number of the one that was opened


def test_the_settings_are_those_of_the_webcam(machine: Machine) -> None:
    machine.webcams = {"/dev/video0": ""}
    assert AutoSource().open().offer == "640x480 MJPG at 30 fps"
    source = make_source(parse("auto:?size=1280x720&fps=15&gain=3&settle=2&reader=opencv"))
    assert source.open().offer == "1280x720 MJPG at 15 fps"
    assert (machine.made[-1].controls, machine.made[-1].settle) == ({"gain": "3"}, 2)


def test_without_a_webcam_a_test_picture_is_announced(machine: Machine) -> None:
    with pytest.raises(CameraFailed) as error:
        AutoSource().open()
    assert str(error.value) == NO_WEBCAM


def test_the_error_has_the_reason_of_each_webcam(machine: Machine) -> None:
    machine.webcams = {"/dev/video0": "busy", "/dev/video1": "silent"}
    with pytest.raises(CameraFailed) as error:
        AutoSource().open()
    assert "/dev/video0 is in use; /dev/video1 " in str(error.value)
    assert machine.opened == []


def test_the_signature_changes_with_each_webcam(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = AutoSource()
    assert source.device_signature() is None
    machine.webcams = {"/dev/video0": "busy"}
    with pytest.raises(CameraFailed):
        source.open()
    busy = source.device_signature()
    assert busy is not None
    assert source.device_signature() == busy
    assert len(machine.made) == 1  # the webcam that was opened knows why it was refused
    machine.webcams["/dev/video0"] = "free"
    free = source.device_signature()
    machine.webcams["/dev/video1"] = "free"
    assert len({busy, free, source.device_signature()}) == 3
    monkeypatch.setattr(auto, "LINUX", False)  # no list of webcams there
    assert source.device_signature() is None


def test_the_first_camera_is_taken_where_there_is_no_list(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(auto, "LINUX", False)
    machine.webcams = {0: ""}  # type: ignore[dict-item]
    assert AutoSource().open().detail == 0


@pytest.mark.parametrize("text", ["auto:0", "auto:?Gain=1", "auto:?fps=0"])
def test_wrong_settings_are_refused(text: str) -> None:
    with pytest.raises(BadArgument):
        make_source(parse(text))
