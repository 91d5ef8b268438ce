"""All properties of a camera: those of its stream, and those of its device, which may change."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property

from twisted.internet.defer import DeferredLock

from twistedcam.camera.properties.base import Properties, Property, UseSource
from twistedcam.camera.properties.stream import STREAM_NAMES, StreamProperties
from twistedcam.camera.status import CameraStatus
from twistedcam.errors import BadArgument, TwistedcamError
from twistedcam.events import EventBus, PropertiesChanged
from twistedcam.sources.webcam.controls import short_word


class CameraProperties:
    """Reads and sets the properties of a camera.

    Arguments:
        status: the camera's status.
        use: changes the settings of its source.
        device: the device's properties; a name that both groups have means the stream's.
        events: receives the changes.
    """

    def __init__(
        self, status: CameraStatus, use: UseSource, device: Properties, events: EventBus
    ) -> None:
        self._status = status
        self._use = use
        self._events = events
        self._stream = StreamProperties(status, use)
        self._device = device
        self._groups: tuple[Properties, ...] = (self._stream, device)
        self._lock: DeferredLock = DeferredLock()

    def names(self) -> tuple[str, ...]:
        """Return the names that are known without asking the device."""
        return tuple(dict.fromkeys(name for group in self._groups for name in group.names()))

    async def get(self) -> dict[str, Property]:
        """Return all properties by name."""
        found: dict[str, Property] = {}
        for group in self._groups:
            found = {**await group.get(), **found}
        return {name: found[name] for name in sorted(found, key=self._rank)}

    async def get_one(self, name: str) -> Property:
        """Return one property.

        Raises:
            BadArgument: there is no such property; the message lists those that exist.
        """
        found = await self.get()
        word = short_word(name)
        if word not in found:
            raise self._unknown(name, tuple(found))
        return found[word]

    async def set(self, name: str, text: str) -> Property:
        """Change one property (Properties.set)."""
        [found] = await self.set_all({name: text})
        return found

    async def set_all(self, wanted: Mapping[str, str]) -> list[Property]:
        """Change several properties: all, or none if one is refused. Return their new values.

        Those of the stream are changed first and together, so the source is reopened at most once.

        Raises:
            BadArgument, NotSupported, CameraFailed: as Properties.set; nothing has changed.
        """
        if not set(wanted) <= set(self.names()):
            known = await self.get()  # a device may have more than when it was asked last
            for name in wanted:
                if name not in (*self.names(), *STREAM_NAMES):
                    raise self._unknown(name, tuple(known))
        streams = {*STREAM_NAMES} - {*self._device.names()} | {*self._stream.names()}
        stream = {name: text for name, text in wanted.items() if name in streams}
        device = {name: text for name, text in wanted.items() if name not in streams}
        await self._lock.acquire()
        try:
            found = await self._set(stream, device, list(wanted))
        finally:
            self._lock.release()
        self._publish(found)
        return found

    async def publish(self) -> None:
        """Publish those of the stream, after the configuration was read again."""
        self._publish((await self._stream.get()).values())

    def _publish(self, found: Iterable[Property]) -> None:
        values = {each.name: each.value for each in found}
        self._events.publish(PropertiesChanged(self._status.name, values))

    async def _set(
        self, stream: Mapping[str, str], device: Mapping[str, str], order: list[str]
    ) -> list[Property]:
        if stream:
            await self._stream.check(stream)
        if stream and device:
            await self._device.check(device)
        before = self._status.spec
        found: dict[str, Property] = {}
        if stream:
            found.update(zip(stream, await self._stream.set(stream), strict=True))
        try:
            if device:
                found.update(zip(device, await self._device.set(device), strict=True))
        except TwistedcamError:
            if self._status.spec is not before:
                going_back = self._use(before, set(stream) != {"quality"})
                going_back.addErrback(lambda _: None)  # the camera's state says it
            raise
        return [found[name] for name in order]

    def _rank(self, name: str) -> int:
        names = self.names()
        return names.index(name) if name in names else len(names)

    def _unknown(self, name: str, names: tuple[str, ...]) -> BadArgument:
        have = ", ".join(names)
        return BadArgument(f"{self._status.name} has no property {name[:80]!r}: it has {have}")


class ChosenControls:
    """Those of the two that belong to the camera's present source (Properties).

    Arguments:
        status: the camera's status: its source can change.
        webcam: the controls of a webcam.
        make_picamera: returns those of a Raspberry Pi camera; called when they are first needed.
    """

    def __init__(
        self, status: CameraStatus, webcam: Properties, make_picamera: Callable[[], Properties]
    ) -> None:
        self._status = status
        self._webcam = webcam
        self._make_picamera = make_picamera

    @cached_property
    def _picamera(self) -> Properties:
        return self._make_picamera()

    @property
    def _chosen(self) -> Properties:
        return self._picamera if self._status.spec.scheme == "picamera" else self._webcam

    def names(self) -> tuple[str, ...]:
        """Return the names that are known without asking the device."""
        return self._chosen.names()

    async def get(self) -> dict[str, Property]:
        """Return all controls by name."""
        return await self._chosen.get()

    async def check(self, wanted: Mapping[str, str]) -> None:
        """Check that the controls can have these values."""
        await self._chosen.check(wanted)

    async def set(self, wanted: Mapping[str, str]) -> list[Property]:
        """Set the controls; return their new values."""
        return await self._chosen.set(wanted)
