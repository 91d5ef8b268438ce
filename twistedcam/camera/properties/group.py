"""What can be changed on a camera while it runs: its stream's properties, and its device's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from twisted.internet.defer import DeferredLock

from twistedcam.camera.properties.base import Properties, Property
from twistedcam.camera.properties.stream import STREAM_NAMES, StreamProperties
from twistedcam.errors import BadArgument, TwistedcamError
from twistedcam.sources.controls import short_word

if TYPE_CHECKING:
    from twistedcam.camera.camera import Camera


class CameraProperties:
    """All properties of a camera: the stream's, and its device's.

    Arguments:
        device: the device's; of a name that both have, the stream's is meant.
    """

    def __init__(self, camera: Camera, device: Properties) -> None:
        self._camera = camera
        self._stream = StreamProperties(camera)
        self._device = device
        self._groups: tuple[Properties, ...] = (self._stream, device)
        self._lock: DeferredLock = DeferredLock()

    def names(self) -> tuple[str, ...]:
        """All names that are known now."""
        return tuple(dict.fromkeys(name for group in self._groups for name in group.names()))

    async def get(self) -> dict[str, Property]:
        """All of them, by name."""
        found: dict[str, Property] = {}
        for group in self._groups:
            found = {**await group.get(), **found}
        return {name: found[name] for name in sorted(found, key=self._rank)}

    async def get_one(self, name: str) -> Property:
        """One.

        Raises:
            BadArgument: there is none of that name; the message says which there are.
        """
        found = await self.get()
        word = short_word(name)
        if word not in found:
            raise self._unknown(name, tuple(found))
        return found[word]

    async def set(self, name: str, text: str) -> Property:
        """Change one (Properties.set)."""
        [found] = await self.set_all({name: text})
        return found

    async def set_all(self, wanted: Mapping[str, str]) -> list[Property]:
        """Change several: all of them or, where one is refused, none. What holds now, in order.

        The stream's are changed first and together: its source is opened anew once at most.

        Raises:
            BadArgument, NotSupported, CameraFailed: as Properties.set; all is as it was before.
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
        self._camera.tell_properties(found)
        return found

    async def tell(self) -> None:
        """Tell the stream's, which were changed by other means: a configuration read again."""
        self._camera.tell_properties((await self._stream.get()).values())

    async def _set(
        self, stream: Mapping[str, str], device: Mapping[str, str], order: list[str]
    ) -> list[Property]:
        if stream:
            await self._stream.check(stream)
        if stream and device:
            await self._device.check(device)
        before = self._camera.spec
        found: dict[str, Property] = {}
        if stream:
            found.update(zip(stream, await self._stream.set(stream), strict=True))
        try:
            if device:
                found.update(zip(device, await self._device.set(device), strict=True))
        except TwistedcamError:
            if self._camera.spec is not before:
                going_back = self._camera.use(before, reopen=set(stream) != {"quality"})
                going_back.addErrback(lambda _: None)  # the camera's state says it
            raise
        return [found[name] for name in order]

    def _rank(self, name: str) -> int:
        names = self.names()
        return names.index(name) if name in names else len(names)

    def _unknown(self, name: str, names: tuple[str, ...]) -> BadArgument:
        have = ", ".join(names)
        return BadArgument(f"{self._camera.name} has no property {name[:80]!r}: it has {have}")
