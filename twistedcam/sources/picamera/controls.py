"""The controls of Raspberry Pi cameras by the names of webcams, and libcamera's values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from twistedcam.errors import BadArgument, NotSupported

Ranges = Mapping[str, tuple[float, float, float]]


@dataclass(frozen=True)
class PiControl:
    """A control.

    Arguments:
        name: its name of libcamera.
        scale: a value here is one of libcamera divided by this.
        unit: of a value here.
        is_switch: True if it is ``on`` or ``off``.
        on, off: libcamera's values of a switch.
        automatic: the switch that is turned off when this control is set.
        is_whole: True if libcamera takes whole numbers only.
    """

    name: str
    scale: float = 1.0
    unit: str = ""
    is_switch: bool = False
    on: int = True
    off: int = False
    automatic: str = ""
    is_whole: bool = False


#: All controls. An exposure has the unit of V4L2, so that a value means the same for a webcam.
CONTROLS = {
    "brightness": PiControl("Brightness"),
    "contrast": PiControl("Contrast"),
    "saturation": PiControl("Saturation"),
    "sharpness": PiControl("Sharpness"),
    "exposure_auto": PiControl("AeEnable", is_switch=True),
    "exposure_compensation": PiControl("ExposureValue", unit="EV"),
    "exposure": PiControl("ExposureTime", 100, "100 µs", automatic="exposure_auto", is_whole=True),
    "gain": PiControl("AnalogueGain", automatic="exposure_auto"),
    "white_balance_auto": PiControl("AwbEnable", is_switch=True),
    "white_balance": PiControl(
        "ColourTemperature", unit="K", automatic="white_balance_auto", is_whole=True
    ),
    "focus_auto": PiControl("AfMode", is_switch=True, on=2, off=0),
    "focus": PiControl("LensPosition", unit="dioptres", automatic="focus_auto"),
}
_ON, _OFF = frozenset({"on", "1", "true", "yes"}), frozenset({"off", "0", "false", "no"})


def libcamera_values(wanted: Mapping[str, str], ranges: Ranges | None = None) -> dict[str, float]:
    """Return libcamera's values for some controls, with those of their automatic controls.

    Arguments:
        wanted: texts by the names of ``CONTROLS``; ``auto`` turns the automatic control on.
        ranges: the ranges of the camera; None if they are not known yet.

    Raises:
        BadArgument: there is no such control, or a value is wrong.
        NotSupported: this camera does not have the control.
    """
    found: dict[str, float] = {}
    for name, text in wanted.items():
        control = CONTROLS.get(name)
        if control is None:
            raise BadArgument(
                f"a Raspberry Pi camera has no control {name[:80]!r}: it has {', '.join(CONTROLS)}"
            )
        if ranges is not None and control.name not in ranges:
            raise NotSupported(f"this camera has no {name}")
        if control.automatic and text.lower() == "auto":
            found[CONTROLS[control.automatic].name] = CONTROLS[control.automatic].on
            continue
        value = _switch(name, control, text) if control.is_switch else _number(name, control, text)
        if ranges is not None and not control.is_switch:
            _check_range(name, control, value, ranges[control.name])
        if control.automatic and control.automatic not in wanted:
            automatic = CONTROLS[control.automatic]
            if ranges is None or automatic.name in ranges:
                found[automatic.name] = automatic.off
        found[control.name] = round(value) if control.is_whole else value
    return found


def shown_value(control: PiControl, value: float) -> float | str:
    """Return libcamera's value as it is shown here."""
    if control.is_switch:
        return "on" if value == control.on or (value and control.on == 1) else "off"
    return round(value / control.scale, 3)


def _switch(name: str, control: PiControl, text: str) -> int:
    if text.lower() not in _ON | _OFF:
        raise BadArgument(f"{name}={text[:80]!r} is not valid: it is on or off")
    return control.on if text.lower() in _ON else control.off


def _number(name: str, control: PiControl, text: str) -> float:
    try:
        value = float(text) * control.scale
    except ValueError:
        value = float("nan")
    if not abs(value) < 1e9:
        raise BadArgument(f"{name}={text[:80]!r} is not valid: it is a number")
    return value


def _check_range(
    name: str, control: PiControl, value: float, limits: tuple[float, float, float]
) -> None:
    low, high = (each / control.scale for each in limits[:2])
    if not low <= value / control.scale <= high:
        raise BadArgument(f"{name} is a number from {low:g} to {high:g}")
