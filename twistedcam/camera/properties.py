"""What can be changed on a camera while it runs: fps, size, quality, and the device's controls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from twisted.internet.defer import DeferredLock

from twistedcam.errors import BadArgument, CameraFailed, NotSupported
from twistedcam.sources import known_settings
from twistedcam.sources.controls import short_word
from twistedcam.sources.encode import Encoder

if TYPE_CHECKING:
    from twistedcam.camera.camera import Camera

STREAM_NAMES = ("fps", "size", "quality")

Value = str | int | float | bool | None


@dataclass(frozen=True)
class Property:
    """One thing that can be changed.

    Arguments:
        name: a word, lower case.
        value: what holds now, as the device granted it; None while that is not known.
        asked: what was asked for last, if that is not what holds.
        default: the value that it has when nobody asks.
        low, high, step: the range of a number.
        choices: the words that it can be, where it is one of some.
        unit: such as ``frames/s``; empty for none.
        writable: whether it can be set now.
    """

    name: str
    value: Value
    asked: Value = None
    default: Value = None
    low: float | None = None
    high: float | None = None
    step: float | None = None
    choices: tuple[str, ...] = ()
    unit: str = ""
    writable: bool = True

    def as_dict(self) -> dict[str, Any]:
        """The fields as they are answered; what is not known is left out."""
        fields: dict[str, Any] = {"property": self.name, "value": self.value}
        if self.asked is not None and self.asked != self.value:
            fields["asked"] = self.asked
        for key in ("default", "low", "high", "step"):
            if getattr(self, key) is not None:
                fields[key] = getattr(self, key)
        if self.choices:
            fields["choices"] = list(self.choices)
        if self.unit:
            fields["unit"] = self.unit
        if not self.writable:
            fields["writable"] = False
        return fields


class Properties(Protocol):
    """A group of properties: a camera has the stream's own, and those of its device."""

    def names(self) -> tuple[str, ...]:
        """The names that are known now, without asking the device."""

    async def get(self) -> dict[str, Property]:
        """All of them, by name.

        Raises:
            CameraFailed: the device does not answer.
        """

    async def set(self, name: str, text: str) -> Property:
        """Change one; what holds now, which may be something near what was asked for.

        Raises:
            BadArgument: it cannot have that value; the message says which it can have.
            NotSupported: it cannot be changed, or not now.
            CameraFailed: the device refused; all is as it was before.
        """


class StreamProperties:
    """``fps``, ``size`` and ``quality``: the source's settings.

    For another rate or size the source is opened anew; viewers and a recording stay. While the
    camera is stopped, or has no device, the value is kept for its next opening.
    """

    def __init__(self, camera: Camera) -> None:
        self._camera = camera
        self._lock: DeferredLock = DeferredLock()

    def names(self) -> tuple[str, ...]:
        """Those of the three that the source has."""
        known = known_settings(self._camera.spec)
        return tuple(name for name in STREAM_NAMES if name in known)

    async def get(self) -> dict[str, Property]:
        """All of them, by name."""
        return {name: self._property(name) for name in self.names()}

    async def set(self, name: str, text: str) -> Property:
        """Change one, and wait until the source has said what it grants."""
        if name not in self.names():
            raise NotSupported(f"a {self._camera.spec.scheme}: source has no {name} to set")
        if not text:
            raise BadArgument(f"{name} needs a value: 'get {self._camera.name} {name}' shows it")
        await self._lock.acquire()
        try:
            await self._change(name, text)
        finally:
            self._lock.release()
        return self._property(name)

    async def _change(self, name: str, text: str) -> None:
        camera, before = self._camera, self._camera.spec
        if before.settings.get(name) == text:
            return
        spec = before.with_settings({name: text})
        known_settings(spec)  # raises BadArgument for a value that will not do
        Encoder.from_spec(spec)
        was_live = camera.state in ("starting", "live")
        opened = camera.use(spec, reopen=name != "quality")
        if not was_live:
            opened.addErrback(lambda _: None)  # the camera's state says it
            return
        try:
            await opened
        except CameraFailed as error:
            if camera.state == "stopped":
                return  # by somebody else, meanwhile: the value is kept for the next start
            camera.use(before, reopen=True).addErrback(lambda _: None)
            raise CameraFailed(f"{name} is as it was before: {error}") from None

    def _property(self, name: str) -> Property:
        camera = self._camera
        asked = camera.spec.settings.get(name) or None
        if name == "quality":
            return Property(name, camera.encoder.quality, default=80, low=1, high=100, step=1)
        granted = camera.granted if camera.state == "live" else None
        if name == "size":
            size = f"{granted.width}x{granted.height}" if granted and granted.width else asked
            return Property(name, size, asked, unit="pixels")
        number = None if asked is None else float(asked)
        fps = round(granted.fps, 3) if granted and granted.fps else number
        return Property(name, fps, number, low=0.1, high=1000, unit="frames/s")


class CameraProperties:
    """All properties of a camera: the stream's first, then each group that was added."""

    def __init__(self, camera: Camera) -> None:
        self._camera = camera
        self._groups: list[Properties] = [StreamProperties(camera)]

    def add(self, group: Properties) -> None:
        """One more group; of a name that there is already, the first group's is meant."""
        self._groups.append(group)

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
        if name not in self.names():
            await self.get()  # a device may have more than when it was asked last
        for group in self._groups:
            if name in group.names():
                return await group.set(name, text)
        if name in STREAM_NAMES:
            return await self._groups[0].set(name, text)  # which says why not
        raise self._unknown(name, tuple(await self.get()))

    def _rank(self, name: str) -> int:
        names = self.names()
        return names.index(name) if name in names else len(names)

    def _unknown(self, name: str, names: tuple[str, ...]) -> BadArgument:
        have = ", ".join(names)
        return BadArgument(f"{self._camera.name} has no property {name[:80]!r}: it has {have}")
