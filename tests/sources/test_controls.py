"""Controls of a webcam, several at once: all of them, or none."""

from __future__ import annotations

import errno
import os
from typing import cast

import pytest

from twistedcam.errors import BadArgument, CameraFailed, NotSupported
from twistedcam.sources.controls import turn_all
from twistedcam.sources.v4l2 import Control, Driver

RANGES = {"brightness": 255, "auto_exposure": 3, "exposure_time_absolute": 1000, "gain": 255}
START = {"brightness": 10, "auto_exposure": 3, "exposure_time_absolute": 250, "gain": 64}


class FakeDriver:
    """A webcam whose exposure is automatic, and which refuses to set one control."""

    def __init__(self, refuses: str = "", code: int = errno.EBUSY) -> None:
        self.values = dict(START)
        self.refuses, self.code = refuses, code

    def controls(self) -> list[Control]:
        manual = self.values["auto_exposure"] == 1
        return [
            Control(
                number, name, "integer", 0, most, 1, 0, {},
                name != "exposure_time_absolute" or manual, name != "gain",
            )
            for number, (name, most) in enumerate(RANGES.items())
        ]  # fmt: skip

    def get(self, control: Control) -> int:
        return self.values[control.name]

    def set(self, control: Control, value: int) -> int:
        active = {each.name for each in self.controls() if each.active}
        if control.name == self.refuses or control.name not in active:
            raise OSError(self.code, os.strerror(self.code))
        self.values[control.name] = value
        return value


def turned(driver: FakeDriver, **wanted: str) -> list[tuple[str, int]]:
    done = turn_all(cast("Driver", driver), wanted)
    return [(control.name, value) for control, value in done]


def test_all_are_set_and_an_automatic_that_is_in_the_way_is_switched_off() -> None:
    driver = FakeDriver()
    found = turned(driver, exposure="100", brightness="20")
    assert found == [("exposure_time_absolute", 100), ("brightness", 20)]
    assert driver.values["auto_exposure"] == 1


@pytest.mark.parametrize(
    ("wanted", "error"),
    [
        ({"exposure": "100", "brightness": "256"}, BadArgument),
        ({"exposure": "100", "sharpness": "1"}, BadArgument),
        ({"exposure": "100", "gain": "1"}, NotSupported),
    ],
)
def test_one_that_will_not_do_is_found_before_any_is_set(
    wanted: dict[str, str], error: type[Exception]
) -> None:
    driver = FakeDriver()
    driver.set = None  # type: ignore[assignment, method-assign]
    with pytest.raises(error):
        turned(driver, **wanted)


@pytest.mark.parametrize(
    ("code", "error"), [(errno.EBUSY, NotSupported), (errno.EIO, CameraFailed)]
)
def test_one_that_the_device_refuses_leaves_the_others_as_they_were(
    code: int, error: type[Exception]
) -> None:
    driver = FakeDriver("brightness", code)
    with pytest.raises(error):
        turned(driver, exposure="100", brightness="20")
    assert driver.values == START


def test_a_manual_value_comes_back_before_its_automatic() -> None:
    driver = FakeDriver("brightness")
    driver.values.update(auto_exposure=1, exposure_time_absolute=77)
    with pytest.raises(NotSupported):
        turned(driver, auto_exposure="3", brightness="20")
    assert (driver.values["auto_exposure"], driver.values["exposure_time_absolute"]) == (1, 77)


def test_a_control_without_an_automatic_says_so() -> None:
    driver = FakeDriver()
    with pytest.raises(BadArgument, match="brightness is a number"):
        turned(driver, brightness="auto")
