"""Controls of a Raspberry Pi camera as properties, without a camera."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from twistedcam.camera.properties.base import Property
from twistedcam.camera.properties.picamera import PATIENCE, PicameraControls
from twistedcam.errors import BadArgument, CameraFailed, NotSupported
from twistedcam.sources.picamera.source import PicameraOptions, PicameraSource
from twistedcam.sources.spec import parse

RANGES = {
    "AeEnable": (0.0, 1.0, 1.0),
    "Brightness": (-1.0, 1.0, 0.0),
    "ExposureTime": (100.0, 60000.0, 20000.0),
}


class OpenSource(PicameraSource):
    """A source whose camera is open, and answers or does not."""

    def __init__(self) -> None:
        super().__init__(PicameraOptions())
        self.ranges = RANGES
        self.answer: Deferred[dict[str, float]] | None = None
        self.taken: list[dict[str, float]] = []

    def read_controls(self) -> Deferred[dict[str, float]]:
        return self.answer or succeed({"ExposureTime": 1500})

    def set_controls(self, values: Any) -> Deferred[dict[str, float]]:
        self.taken.append(values)
        return self.answer or succeed({})


def result(coroutine: Any) -> Any:
    """The value that a coroutine has returned, or raise its error."""
    found: list[Any] = []
    Deferred.fromCoroutine(coroutine).addBoth(found.append)
    (value,) = found
    if isinstance(value, Failure):
        value.raiseException()
    return value


def make(text: str = "picamera:0", source: Any = None) -> tuple[PicameraControls, Any, Clock]:
    camera: Any = SimpleNamespace(name="door", spec=parse(text), source=source or OpenSource())
    clock = Clock()
    return PicameraControls(camera, clock), camera, clock


def test_the_camera_has_what_libcamera_says_with_its_present_values() -> None:
    controls, _, _ = make("picamera:0?brightness=0.3")
    found = result(controls.get())
    assert found == {
        "brightness": Property("brightness", 0.3, None, 0.0, -1.0, 1.0),
        "exposure_auto": Property("exposure_auto", "on", None, "on", choices=("on", "off")),
        "exposure": Property("exposure", 15.0, None, 200.0, 1.0, 600.0, unit="100 µs"),
    }
    assert controls.names() == tuple(found)


def test_values_that_are_set_are_kept_in_place_of_those_that_contradict_them() -> None:
    controls, camera, _ = make("picamera:0?fps=5&exposure_auto=on")
    (found,) = result(controls.set({"exposure": "50"}))
    assert found.value == 50.0
    assert camera.source.taken == [{"AeEnable": False, "ExposureTime": 5000}]
    assert camera.spec.settings == {"fps": "5", "exposure": "50"}
    for wanted in ({"exposure_auto": "on"}, {"exposure": "auto"}):
        result(controls.set({"exposure": "50"}))
        result(controls.set(wanted))
        assert camera.source.taken[-1] == {"AeEnable": True}
        assert camera.spec.settings == {"fps": "5", "exposure_auto": "on"}


@pytest.mark.parametrize(
    ("name", "text", "error"),
    [
        ("brightness", "9", BadArgument),
        ("brightness", "", BadArgument),
        ("focus", "1", NotSupported),
        ("nothing", "1", BadArgument),
    ],
)
def test_what_is_wrong_is_refused_and_changes_nothing(
    name: str, text: str, error: type[Exception]
) -> None:
    controls, camera, _ = make()
    for call in (controls.set, controls.check):
        with pytest.raises(error):
            result(call({name: text}))
    assert camera.source.taken == []
    assert camera.spec.settings == {}


def test_a_camera_that_does_not_answer_is_not_waited_for() -> None:
    controls, camera, clock = make()
    camera.source.answer = Deferred()
    setting = Deferred.fromCoroutine(controls.set({"brightness": "0"}))
    clock.advance(PATIENCE)
    with pytest.raises(CameraFailed, match="does not answer"):
        result(_wait(setting))
    assert camera.spec.settings == {}


async def _wait(deferred: Deferred[Any]) -> Any:
    return await deferred


def test_a_closed_camera_has_no_controls() -> None:
    controls, camera, _ = make(source=PicameraSource(PicameraOptions()))
    assert result(controls.get()) == {}
    with pytest.raises(CameraFailed, match="door is not open"):
        result(controls.set({"brightness": "0"}))
    camera.source = None
    assert result(controls.get()) == {}
