"""Controls by the names of webcams."""

from __future__ import annotations

import pytest

from twistedcam.errors import BadArgument, NotSupported
from twistedcam.sources.picamera.controls import CONTROLS, libcamera_values, shown_value

RANGES = {
    "AeEnable": (0.0, 1.0, 1.0),
    "AnalogueGain": (1.0, 16.0, 1.0),
    "Brightness": (-1.0, 1.0, 0.0),
    "ExposureTime": (26.0, 66666.0, 20000.0),
}


def test_values_have_the_units_of_webcams_and_turn_the_automatic_off() -> None:
    assert libcamera_values({"exposure": "50"}, RANGES) == {"AeEnable": False, "ExposureTime": 5000}
    both = {"exposure": "0.26", "exposure_auto": "on"}
    assert libcamera_values(both, RANGES) == {"ExposureTime": 26, "AeEnable": True}
    assert libcamera_values({"brightness": "-0.5"}, RANGES) == {"Brightness": -0.5}
    assert libcamera_values({"focus_auto": "on"}) == {"AfMode": 2}
    assert libcamera_values({"focus": "2.5"}) == {"AfMode": 0, "LensPosition": 2.5}


def test_values_are_shown_as_they_are_set() -> None:
    assert shown_value(CONTROLS["exposure"], 5000) == 50.0
    assert [shown_value(CONTROLS["exposure_auto"], each) for each in (0, 1)] == ["off", "on"]
    assert [shown_value(CONTROLS["focus_auto"], each) for each in (0, 1, 2)] == ["off", "off", "on"]


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        ({"brightness": "2"}, "brightness is a number from -1 to 1"),
        ({"brightness": "bright"}, "it is a number"),
        ({"brightness": "nan"}, "it is a number"),
        ({"exposure_auto": "maybe"}, "it is on or off"),
        ({"sise": "1"}, "has no control 'sise': it has brightness, contrast"),
    ],
)
def test_wrong_values_are_refused_with_what_is_possible(
    wanted: dict[str, str], reason: str
) -> None:
    with pytest.raises(BadArgument, match=reason):
        libcamera_values(wanted, RANGES)


def test_a_control_that_this_camera_lacks_is_refused() -> None:
    with pytest.raises(NotSupported, match="this camera has no focus"):
        libcamera_values({"focus": "1"}, RANGES)
