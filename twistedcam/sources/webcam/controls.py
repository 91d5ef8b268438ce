"""A webcam's controls by the names that people use, and the values as they write them."""

from __future__ import annotations

import contextlib
import errno
import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from twistedcam.errors import BadArgument, CameraFailed, NotSupported, TwistedcamError
from twistedcam.sources.webcam.v4l2 import Control, Driver

#: Short words, and the names that they have had in drivers, the newest first.
SHORT = {
    "exposure": ("exposure_time_absolute", "exposure_absolute"),
    "focus": ("focus_absolute",),
    "zoom": ("zoom_absolute",),
    "white_balance": ("white_balance_temperature",),
    "exposure_auto": ("auto_exposure",),
    "focus_auto": ("focus_automatic_continuous",),
    "white_balance_auto": ("white_balance_automatic", "white_balance_temperature_auto"),
}

#: Controls that webcams commonly have, by their short words (V4L2's v4l2-ctrls-defs.c).
COMMON = frozenset(SHORT) | {
    *("brightness", "contrast", "saturation", "hue", "gamma", "gain", "sharpness"),
    *("backlight_compensation", "power_line_frequency", "exposure_dynamic_framerate"),
    *("pan_absolute", "tilt_absolute", "horizontal_flip", "vertical_flip"),
}

#: Who rules a manual value: the automatic's names, its value for manual, those for automatic.
_RULERS = {
    "exposure": ("exposure_auto", 1, (3, 0)),
    "focus": ("focus_auto", 0, (1,)),
    "white_balance": ("white_balance_auto", 0, (1,)),
}
_AUTOMATICS = frozenset(ruler[0] for ruler in _RULERS.values())
_SWITCH = {"1": 1, "on": 1, "true": 1, "yes": 1, "0": 0, "off": 0, "false": 0, "no": 0}


def short_name(control: Control) -> str:
    """The word for it: ``exposure`` for ``exposure_time_absolute``."""
    return short_word(control.name)


def short_word(name: str) -> str:
    """The short word for a driver's name; any other name as it is."""
    return next((word for word, names in SHORT.items() if name in names), name)


def opposites(word: str) -> tuple[str, ...]:
    """All names of the control that rules this one, or that this one rules."""
    found = [ruler[0] for manual, ruler in _RULERS.items() if manual == word]
    found += [manual for manual, ruler in _RULERS.items() if ruler[0] == word]
    return tuple(name for each in found for name in (each, *SHORT[each]))


def find(controls: Iterable[Control], name: str) -> Control | None:
    """The control of that name, the driver's or the short one."""
    names = (name, *SHORT.get(name, ()))
    return next((each for each in controls if each.name in names), None)


def shown(control: Control, value: int) -> str | int:
    """A value as a person reads it: a menu's word, ``on`` or ``off``, a number."""
    if control.kind == "boolean":
        return "on" if value else "off"
    return menu_words(control).get(value, value)


def menu_words(control: Control) -> dict[int, str]:
    """What can be chosen, as words without blanks: ``50_hz``."""
    return {
        value: re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_") or str(value)
        for value, text in control.menu.items()
    }


class Turn(NamedTuple):
    """A control, the value that it is to have, and what has to be switched to manual for that."""

    control: Control
    value: int
    ruler: tuple[Control, int] | None = None


def find_turn(controls: Iterable[Control], name: str, text: str) -> Turn:
    """What a name and a value mean; ``auto`` as a value means the automatic.

    Raises:
        BadArgument: there is no such control, or it has no such value.
        NotSupported: it can only be read.
    """
    controls = list(controls)
    control = find(controls, name)
    if control is None:
        have = ", ".join(short_name(each) for each in controls) or "none at all"
        raise BadArgument(f"the camera has no control {name!r}: it has {have}")
    ruler = _RULERS.get(short_name(control))
    automatic = find(controls, ruler[0]) if ruler is not None else None
    if ruler is not None and automatic is not None and text.lower() == "auto":
        choices = [each for each in ruler[2] if not automatic.menu or each in automatic.menu]
        if not choices:
            raise BadArgument(f"{name} has no automatic: it is a number")
        return Turn(automatic, choices[0])
    value = _number(control, text)
    if not control.writable:
        raise NotSupported(f"{name} can only be read")
    if ruler is None or automatic is None:
        return Turn(control, value)
    return Turn(control, value, (automatic, ruler[1]))


def turn(driver: Driver, name: str, text: str) -> tuple[Control, int]:
    """Set a control; the control that was turned, and the value that it took.

    A manual value switches its automatic off first.

    Raises:
        BadArgument, NotSupported: as find_turn; or it is ruled by something else now.
        CameraFailed: the device refused.
    """
    control, value, ruler = find_turn(driver.controls(), name, text)
    if not control.active:
        if ruler is None:
            raise NotSupported(f"{name} is ruled by another control now")
        _set(driver, *ruler)
    return _set(driver, control, value)


def turn_all(driver: Driver, wanted: Mapping[str, str]) -> list[tuple[Control, int]]:
    """Set several, in their order; where one is refused, all have the values that they had.

    Raises:
        BadArgument, NotSupported, CameraFailed: as turn.
    """
    controls = driver.controls()
    turns = [find_turn(controls, name, text) for name, text in wanted.items()]
    touched = [each.control for each in turns] + [each.ruler[0] for each in turns if each.ruler]
    before = [(control, driver.get(control)) for control in touched]
    try:
        return [turn(driver, name, text) for name, text in wanted.items()]
    except (TwistedcamError, OSError):
        # A manual value may be set only before its automatic is on again.
        for control, value in sorted(before, key=lambda each: short_name(each[0]) in _AUTOMATICS):
            with contextlib.suppress(OSError):
                driver.set(control, value)
        raise


def _number(control: Control, text: str) -> int:
    """The number that a text means.

    Raises:
        BadArgument: it means none that the control can have.
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
