"""The controls of a Raspberry Pi camera as properties."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from contextlib import suppress

from twisted.internet.defer import TimeoutError as Late
from twisted.internet.interfaces import IReactorTime

from twistedcam.camera.camera import Camera
from twistedcam.camera.properties.base import Property
from twistedcam.errors import BadArgument, CameraFailed
from twistedcam.sources.picamera.controls import (
    CONTROLS,
    PiControl,
    libcamera_values,
    shown_value,
)
from twistedcam.sources.picamera.source import PicameraSource

#: The most seconds that the camera may take to answer.
PATIENCE = 5.0


class PicameraControls:
    """The controls of a camera whose source is ``picamera:``.

    A value that was set becomes a setting of the source, so it is kept after a reconnect.

    Arguments:
        camera: the camera.
        clock: measures the time that the camera takes.
    """

    def __init__(self, camera: Camera, clock: IReactorTime) -> None:
        self._camera = camera
        self._clock = clock
        self._names: tuple[str, ...] = ()

    def names(self) -> tuple[str, ...]:
        """Return the names of those that the camera had when it was asked last."""
        return self._names

    async def get(self) -> dict[str, Property]:
        """Return all controls by name; none while the camera is closed."""
        source = self._open_source()
        if source is None:
            return {}
        values: dict[str, float] = {}
        with suppress(CameraFailed, Late):  # the values that were set are known without it
            values = await source.read_controls().addTimeout(PATIENCE, self._clock)
        found = {
            name: self._property(name, control, source.ranges[control.name], values)
            for name, control in CONTROLS.items()
            if control.name in source.ranges
        }
        self._names = tuple(found)
        return found

    async def check(self, wanted: Mapping[str, str]) -> None:
        """Check that the controls can have these values."""
        libcamera_values(wanted, self._source_for(wanted).ranges)

    async def set(self, wanted: Mapping[str, str]) -> list[Property]:
        """Set the controls; return their new values."""
        source = self._source_for(wanted)
        values = libcamera_values(wanted, source.ranges)
        try:
            await source.set_controls(values).addTimeout(PATIENCE, self._clock)
        except Late:
            raise CameraFailed("the camera does not answer") from None
        self._keep(wanted)
        return [
            self._property(name, CONTROLS[name], source.ranges[CONTROLS[name].name], {})
            for name in wanted
        ]

    def _keep(self, wanted: Mapping[str, str]) -> None:
        """Add values to the source's settings, and remove those that contradict them."""
        spec = self._camera.spec
        wanted = {
            CONTROLS[name].automatic if text.lower() == "auto" else name: text
            for name, text in wanted.items()
        }
        wanted = {name: "on" if text.lower() == "auto" else text for name, text in wanted.items()}
        gone = {CONTROLS[name].automatic for name in wanted} - set(wanted)
        gone |= {name for name, each in CONTROLS.items() if each.automatic in wanted} - set(wanted)
        rest = {name: text for name, text in spec.settings.items() if name not in gone}
        kept = dataclasses.replace(spec, settings=rest).with_settings(dict(wanted))
        self._camera.spec = kept

    def _property(
        self,
        name: str,
        control: PiControl,
        limits: tuple[float, float, float],
        values: Mapping[str, float],
    ) -> Property:
        asked = self._camera.spec.settings.get(name)
        value = values.get(control.name)
        if value is None and asked is not None:
            value = libcamera_values({name: asked}).get(control.name)
        low, high, default = limits
        now = shown_value(control, default if value is None else value)
        usual = shown_value(control, default)
        if control.is_switch:
            return Property(name, now, None, usual, choices=("on", "off"))
        least, most = (round(each / control.scale, 3) for each in (low, high))
        return Property(name, now, None, usual, least, most, unit=control.unit)

    def _source_for(self, wanted: Mapping[str, str]) -> PicameraSource:
        source = self._open_source()
        if source is None:
            raise CameraFailed(
                f"{self._camera.name} is not open: {', '.join(wanted)} cannot be set"
            )
        for name, text in wanted.items():
            if not text:
                raise BadArgument(f"{name} needs a value")
        return source

    def _open_source(self) -> PicameraSource | None:
        source = self._camera.source
        return source if isinstance(source, PicameraSource) and source.ranges else None
