"""Moves a webcam by its driver's controls of pan, tilt and zoom (V4L2)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from twistedcam.camera.ptz.motors import Velocity, no_preset
from twistedcam.camera.ptz.preset_file import PresetFile
from twistedcam.errors import BadArgument, CameraFailed, NotSupported
from twistedcam.sources.webcam.v4l2 import Control, Driver

#: Seconds from one end of an axis to the other at full speed.
FULL_WAY = 4.0


class _Axis(NamedTuple):
    """The controls of one axis.

    Arguments:
        name: ``pan``, ``tilt`` or ``zoom``.
        position: the control of the position, or None.
        speed: the control of the speed, or None.
    """

    name: str
    position: Control | None
    speed: Control | None


class WebcamMotors:
    """Moves a webcam (motors.Motors).

    An axis with a control of its speed moves by itself; one with a control of its position only is
    moved by steps.

    Arguments:
        path: the device.
        axes: its axes.
        presets: the saved positions.
    """

    def __init__(self, path: str, axes: list[_Axis], presets: PresetFile) -> None:
        self._path = path
        self._axes = axes
        self._presets = presets
        self.axes = tuple(each.name for each in axes)
        self.is_stepwise = any(each.speed is None for each in axes)
        #: Exact positions by control: steps may be smaller than those of the device.
        self._exact: dict[int, float] = {}

    @classmethod
    def find(cls, path: str, presets: PresetFile) -> WebcamMotors | None:
        """Return the motors of a device, or None if it has none.

        Raises:
            CameraFailed: the device does not answer.
        """
        with _errors(path), Driver(path) as driver:
            controls = driver.controls()
        axes = [axis for name in ("pan", "tilt", "zoom") if (axis := _find_axis(name, controls))]
        return cls(path, axes, presets) if axes else None

    def move(self, velocity: Velocity, seconds: float) -> None:
        """Begin to move, and make one step on axes without a control of speed."""
        wanted = dict(zip(("pan", "tilt", "zoom"), velocity, strict=True))
        if not any(wanted[each.name] for each in self._axes):
            raise NotSupported(f"the camera cannot move so: it has {', '.join(self.axes)}")
        with _errors(self._path), Driver(self._path) as driver:
            for axis in self._axes:
                share = wanted[axis.name]
                if axis.speed is not None:
                    driver.set(axis.speed, _speed(axis.speed, share))
                elif axis.position is not None and share:
                    self._step(driver, axis.position, share * seconds / FULL_WAY)

    def stop(self) -> None:
        """Stop all movement."""
        self._exact.clear()
        with _errors(self._path), Driver(self._path) as driver:
            for axis in self._axes:
                if axis.speed is not None:
                    driver.set(axis.speed, 0)

    def home(self) -> None:
        """Move to the default position of each axis."""
        self._go({each.name: each.position.default for each in self._axes if each.position})

    def presets(self) -> list[str]:
        """Return the names of the saved positions."""
        return list(self._presets.read())

    def go_to(self, name: str) -> None:
        """Move to a saved position."""
        known = self._presets.read()
        if name not in known:
            raise BadArgument(no_preset(name, list(known)))
        self._go(known[name])

    def save(self, name: str) -> None:
        """Save the current position; one of the same name is replaced."""
        with _errors(self._path), Driver(self._path) as driver:
            found = {each.name: driver.get(each.position) for each in self._axes if each.position}
        if not found:
            raise NotSupported("the camera does not tell its position, so it cannot be saved")
        self._presets.write({**self._presets.read(), name: found})

    def delete(self, name: str) -> None:
        """Delete a saved position."""
        known = self._presets.read()
        if name not in known:
            raise BadArgument(no_preset(name, list(known)))
        self._presets.write({each: known[each] for each in known if each != name})

    def close(self) -> None:
        """Do nothing: the device is opened for each call."""

    def _go(self, positions: dict[str, int]) -> None:
        self._exact.clear()
        axes = [each for each in self._axes if each.position and each.name in positions]
        if not axes:
            raise NotSupported("the camera has no control of its position")
        with _errors(self._path), Driver(self._path) as driver:
            for axis in axes:
                assert axis.position is not None
                value = min(axis.position.high, max(axis.position.low, positions[axis.name]))
                driver.set(axis.position, value)

    def _step(self, driver: Driver, control: Control, share: float) -> None:
        """Move an axis by a share of its whole way."""
        at = self._exact.get(control.id)
        if at is None:
            at = float(driver.get(control))
        at = min(control.high, max(control.low, at + share * (control.high - control.low)))
        self._exact[control.id] = at
        step = max(1, control.step)
        rounded = control.low + round((at - control.low) / step) * step
        driver.set(control, min(control.high, rounded))


@contextmanager
def _errors(path: str) -> Iterator[None]:
    """Make errors of a device CameraFailed."""
    try:
        yield
    except OSError as error:
        raise CameraFailed(f"{path} cannot be moved: {error.strerror}") from None


def _find_axis(name: str, controls: Iterable[Control]) -> _Axis | None:
    known = {each.name: each for each in controls if each.kind == "integer" and each.writable}
    position = known.get(f"{name}_absolute")
    speed = known.get("zoom_continuous" if name == "zoom" else f"{name}_speed")
    for control in (position, speed):
        if control is not None and control.low >= control.high:
            position, speed = (None if each is control else each for each in (position, speed))
    return None if position is None and speed is None else _Axis(name, position, speed)


def _speed(control: Control, share: float) -> int:
    """Return the value for a share of full speed; at least the slowest that moves."""
    if not share:
        return 0
    limit = control.high if share > 0 else -control.low
    return int(math.copysign(max(1, round(abs(share) * limit)), share))
