"""A webcam's controls by short names, and their values as text."""

from __future__ import annotations

import contextlib
import errno
import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from twistedcam.errors import BadArgument, CameraFailed, NotSupported, TwistedcamError
from twistedcam.sources.webcam.v4l2 import Control, Driver

#: Short names, and the names of drivers, the newest first.
SHORT = {
    "exposure": ("exposure_time_absolute", "exposure_absolute"),
    "focus": ("focus_absolute",),
    "zoom": ("zoom_absolute",),
    "white_balance": ("white_balance_temperature",),
    "exposure_auto": ("auto_exposure",),
    "focus_auto": ("focus_automatic_continuous",),
    "white_balance_auto": ("white_balance_automatic", "white_balance_temperature_auto"),
}

#: The common controls of webcams, by short name (v4l2-ctrls-defs.c of Linux).
COMMON = frozenset(SHORT) | {
    *("brightness", "contrast", "saturation", "hue", "gamma", "gain", "sharpness"),
    *("backlight_compensation", "power_line_frequency", "exposure_dynamic_framerate"),
    *("pan_absolute", "tilt_absolute", "horizontal_flip", "vertical_flip"),
}

#: The automatic control of a manual one: its name, its value for manual, those for automatic.
_AUTOMATIC = {
    "exposure": ("exposure_auto", 1, (3, 0)),
    "focus": ("focus_auto", 0, (1,)),
    "white_balance": ("white_balance_auto", 0, (1,)),
}
_AUTOMATIC_NAMES = frozenset(each[0] for each in _AUTOMATIC.values())
_SWITCH = {"1": 1, "on": 1, "true": 1, "yes": 1, "0": 0, "off": 0, "false": 0, "no": 0}


def short_name(control: Control) -> str:
    """Return the short name: ``exposure`` for ``exposure_time_absolute``."""
    return short_word(control.name)


def short_word(name: str) -> str:
    """Return the short name for a driver's name; any other name unchanged."""
    return next((word for word, names in SHORT.items() if name in names), name)


def opposites(word: str) -> tuple[str, ...]:
    """Return all names of the automatic control of a manual one, or of the manual one of it."""
    found = [each[0] for manual, each in _AUTOMATIC.items() if manual == word]
    found += [manual for manual, each in _AUTOMATIC.items() if each[0] == word]
    return tuple(name for each in found for name in (each, *SHORT[each]))


def find(controls: Iterable[Control], name: str) -> Control | None:
    """Return the control of that name, long or short; None if there is none."""
    names = (name, *SHORT.get(name, ()))
    return next((each for each in controls if each.name in names), None)


def shown(control: Control, value: int) -> str | int:
    """Return a value for people: a word of the menu, ``on`` or ``off``, a number."""
    if control.kind == "boolean":
        return "on" if value else "off"
    return menu_words(control).get(value, value)


def menu_words(control: Control) -> dict[int, str]:
    """Return the choices of a menu as words without spaces: ``50_hz``."""
    return {
        value: re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_") or str(value)
        for value, text in control.menu.items()
    }


class Change(NamedTuple):
    """A control, its new value, and the automatic control to set before, with its value."""

    control: Control
    value: int
    automatic: tuple[Control, int] | None = None


def find_change(controls: Iterable[Control], name: str, text: str) -> Change:
    """Return the change that a name and a value mean; the value ``auto`` means automatic mode.

    Raises:
        BadArgument: there is no such control, or it cannot have the value.
        NotSupported: the control can only be read.
    """
    controls = list(controls)
    control = find(controls, name)
    if control is None:
        have = ", ".join(short_name(each) for each in controls) or "none at all"
        raise BadArgument(f"the camera has no control {name!r}: it has {have}")
    names = _AUTOMATIC.get(short_name(control))
    automatic = find(controls, names[0]) if names is not None else None
    if names is not None and automatic is not None and text.lower() == "auto":
        choices = [each for each in names[2] if not automatic.menu or each in automatic.menu]
        if not choices:
            raise BadArgument(f"{name} has no automatic mode: it is a number")
        return Change(automatic, choices[0])
    value = _number(control, text)
    if not control.writable:
        raise NotSupported(f"{name} can only be read")
    if names is None or automatic is None:
        return Change(control, value)
    return Change(control, value, (automatic, names[1]))


def set_control(driver: Driver, name: str, text: str) -> tuple[Control, int]:
    """Set a control; return the control and the value that the device has set.

    The automatic mode of a manual control is switched off first.

    Raises:
        BadArgument, NotSupported: as find_change; or another control overrides it now.
        CameraFailed: the device refused.
    """
    control, value, automatic = find_change(driver.controls(), name, text)
    if not control.active:
        if automatic is None:
            raise NotSupported(f"{name} is overridden by another control now")
        _set(driver, *automatic)
    return _set(driver, control, value)


def set_controls(driver: Driver, wanted: Mapping[str, str]) -> list[tuple[Control, int]]:
    """Set several controls in order; if one is refused, restore the previous values of all.

    Raises:
        BadArgument, NotSupported, CameraFailed: as set_control.
    """
    controls = driver.controls()
    changes = [find_change(controls, name, text) for name, text in wanted.items()]
    touched = [each.control for each in changes]
    touched += [each.automatic[0] for each in changes if each.automatic]
    before = [(control, driver.get(control)) for control in touched]
    try:
        return [set_control(driver, name, text) for name, text in wanted.items()]
    except (TwistedcamError, OSError):
        # A manual value can only be set before automatic mode is on again.
        for control, value in sorted(
            before, key=lambda each: short_name(each[0]) in _AUTOMATIC_NAMES
        ):
            with contextlib.suppress(OSError):
                driver.set(control, value)
        raise


def _number(control: Control, text: str) -> int:
    """Return the value that a text means.

    Raises:
        BadArgument: the control cannot have such a value.
    """
    name = short_name(control)
    word = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")
    if control.kind == "boolean":
        if text.lower() not in _SWITCH:
            raise BadArgument(f"{name} is on or off, not {text!r}")
        return _SWITCH[text.lower()]
    words = menu_words(control)
    for value, each in words.items():
        if word in (each, each.replace("_", "")):
            return value
    try:
        value = int(text)
    except ValueError:
        value = control.low - 1
    if control.menu and value not in control.menu:
        raise BadArgument(f"{name} is one of {', '.join(words.values())}, not {text!r}")
    if not control.low <= value <= control.high:
        raise BadArgument(f"{name} is a number from {control.low} to {control.high}, not {text!r}")
    return value


def _set(driver: Driver, control: Control, value: int) -> tuple[Control, int]:
    try:
        return control, driver.set(control, value)
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EBUSY):
            raise NotSupported(f"{short_name(control)} cannot be set now") from None
        raise CameraFailed(f"{short_name(control)} = {value}: {error.strerror}") from None
