"""A webcam is moved by its controls: at a speed, or by steps from position to position."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any, ClassVar

import pytest

from twistedcam.camera.ptz import webcam_motors as module
from twistedcam.camera.ptz.motors import Velocity
from twistedcam.camera.ptz.preset_file import PresetFile
from twistedcam.camera.ptz.webcam_motors import FULL_WAY, WebcamMotors
from twistedcam.errors import BadArgument, CameraFailed, NotSupported
from twistedcam.recording.library.hidden_folder import HiddenFolder
from twistedcam.sources.webcam.v4l2 import Control


def control(number: int, name: str, low: int, high: int, step: int = 1) -> Control:
    return Control(number, name, "integer", low, high, step, 0, {}, True, True)


class FakeDriver:
    """A device whose controls keep their values."""

    found: ClassVar[list[Control]] = []
    values: ClassVar[dict[str, int]] = {}
    error: ClassVar[OSError | None] = None

    def __init__(self, path: str) -> None:
        assert path == "/dev/video7"
        if FakeDriver.error is not None:
            raise FakeDriver.error

    def __enter__(self) -> FakeDriver:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def controls(self) -> list[Control]:
        return FakeDriver.found

    def get(self, control: Control) -> int:
        return FakeDriver.values.get(control.name, control.default)

    def set(self, control: Control, value: int) -> int:
        assert control.low <= value <= control.high
        FakeDriver.values[control.name] = value
        return value


@pytest.fixture
def values(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    monkeypatch.setattr(module, "Driver", FakeDriver)
    monkeypatch.setattr(FakeDriver, "values", {})
    monkeypatch.setattr(FakeDriver, "error", None)
    return FakeDriver.values


def find(folder: Path, *controls: Control) -> Any:
    FakeDriver.found = list(controls)
    return WebcamMotors.find("/dev/video7", PresetFile(HiddenFolder(folder), "door"))


POSITIONS = (
    control(1, "pan_absolute", -36000, 36000, 3600),
    control(2, "tilt_absolute", -7200, 7200, 3600),
    control(3, "zoom_absolute", 0, 100),
)
SPEEDS = (control(4, "pan_speed", -1, 1), control(5, "zoom_continuous", -7, 7))


def test_positions_change_by_steps_that_add_up(tmp_path: Path, values: dict[str, int]) -> None:
    motors = find(tmp_path, *POSITIONS)
    assert (motors.is_stepwise, motors.axes) == (True, ("pan", "tilt", "zoom"))
    for _ in range(10):
        motors.move(Velocity(-0.5, zoom=1), 0.1)
    way = 0.5 * 72000 / FULL_WAY
    assert values["pan_absolute"] == -round(way / 3600) * 3600
    assert values["zoom_absolute"] == round(100 / FULL_WAY)
    assert "tilt_absolute" not in values
    for _ in range(100):
        motors.move(Velocity(zoom=1), 0.1)
    assert values["zoom_absolute"] == 100
    motors.home()
    assert (values["pan_absolute"], values["zoom_absolute"]) == (0, 0)


def test_speeds_are_set_and_cleared(tmp_path: Path, values: dict[str, int]) -> None:
    motors = find(tmp_path, *SPEEDS)
    assert (motors.is_stepwise, motors.axes) == (False, ("pan", "zoom"))
    motors.move(Velocity(0.1, zoom=-0.5), 1)
    assert values == {"pan_speed": 1, "zoom_continuous": -4}
    motors.stop()
    assert values == {"pan_speed": 0, "zoom_continuous": 0}
    with pytest.raises(NotSupported, match="it has pan, zoom"):
        motors.move(Velocity(tilt=1), 1)
    with pytest.raises(NotSupported):
        motors.home()
    with pytest.raises(NotSupported):
        motors.save("x")


def test_positions_are_saved_by_name(tmp_path: Path, values: dict[str, int]) -> None:
    motors = find(tmp_path, *POSITIONS)
    values["pan_absolute"] = 7200
    motors.save("Gate")
    motors.home()
    motors.go_to("Gate")
    assert values["pan_absolute"] == 7200
    assert find(tmp_path, *POSITIONS).presets() == ["Gate"]
    motors.delete("Gate")
    for call in (motors.go_to, motors.delete):
        with pytest.raises(BadArgument, match="no preset 'Gate'; none is saved"):
            call("Gate")


def test_a_camera_without_such_controls_has_no_motors(
    tmp_path: Path, values: dict[str, int]
) -> None:
    assert find(tmp_path, control(1, "brightness", 0, 9)) is None
    assert find(tmp_path, control(1, "zoom_absolute", 5, 5)) is None


def test_a_device_that_does_not_answer_is_told(tmp_path: Path, values: dict[str, int]) -> None:
    motors = find(tmp_path, *POSITIONS)
    FakeDriver.error = OSError(errno.ENODEV, "No such device")
    try:
        for call in (motors.stop, motors.home, lambda: motors.move(Velocity(1), 1)):
            with pytest.raises(CameraFailed, match="/dev/video7 cannot be moved: No such device"):
                call()
    finally:
        FakeDriver.error = None
