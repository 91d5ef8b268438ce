"""What can be changed of a camera's stream while it runs: fps, size and quality."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from twistedcam.camera.properties.base import Property
from twistedcam.errors import BadArgument, CameraFailed, NotSupported
from twistedcam.sources import SourceSpec, known_settings, ranges
from twistedcam.sources.encode import Encoder

if TYPE_CHECKING:
    from twistedcam.camera.camera import Camera

STREAM_NAMES = ("fps", "size", "quality")
#: Why another quality changes nothing now.
_PASSED_ON = "the camera's own JPEGs are passed on: quality is for those that are made here"


class StreamProperties:
    """``fps``, ``size`` and ``quality``: the source's settings.

    For another rate or size the source is opened anew; viewers and a recording stay. While the
    camera is stopped, or has no device, the value is kept for its next opening.
    """

    def __init__(self, camera: Camera) -> None:
        self._camera = camera

    def names(self) -> tuple[str, ...]:
        """Those of the three that the source has."""
        known = known_settings(self._camera.spec)
        return tuple(name for name in STREAM_NAMES if name in known)

    async def get(self) -> dict[str, Property]:
        """All of them, by name."""
        return {name: self._property(name) for name in self.names()}

    async def check(self, wanted: Mapping[str, str]) -> None:
        """See that they can have these values."""
        camera = self._camera
        for name, text in wanted.items():
            if name not in self.names():
                raise NotSupported(f"a {camera.spec.scheme}: source has no {name} to set")
            if not text:
                raise BadArgument(f"{name} needs a value: 'get {camera.name} {name}' shows it")
        spec = camera.spec.with_settings(dict(wanted))
        known_settings(spec)
        Encoder.from_spec(spec)

    async def set(self, wanted: Mapping[str, str]) -> list[Property]:
        """Change them, and wait until the source has said what it grants."""
        before = self._camera.spec
        changed = {k: text for k, text in wanted.items() if before.settings.get(k) != text}
        if changed:
            await self._change(before.with_settings(changed), changed)
        return [self._property(name) for name in wanted]

    async def _change(self, spec: SourceSpec, changed: Collection[str]) -> None:
        camera, before = self._camera, self._camera.spec
        was_live = camera.state in ("starting", "live")
        opened = camera.use(spec, reopen=set(changed) != {"quality"})
        if not was_live:
            opened.addErrback(lambda _: None)  # the camera's state says it
            return
        try:
            await opened
        except CameraFailed as error:
            if camera.state == "stopped":
                return  # by somebody else, meanwhile: the value is kept for the next start
            camera.use(before, reopen=True).addErrback(lambda _: None)
            raise CameraFailed(f"{_as_before(changed)}: {error}") from None

    def _property(self, name: str) -> Property:
        camera = self._camera
        asked = camera.spec.settings.get(name) or None
        if name == "quality":
            note = _PASSED_ON if camera.counts.from_camera else ""
            quality = camera.encoder.quality
            return Property(name, quality, default=80, low=1, high=100, step=1, note=note)
        granted = camera.granted if camera.state == "live" else None
        if name == "size":
            size = f"{granted.width}x{granted.height}" if granted and granted.width else asked
            return Property(name, size, asked, unit="pixels")
        number = None if asked is None else float(asked)
        fps = round(granted.fps, 3) if granted and granted.fps else number
        low, high = ranges(camera.spec)[name]
        return Property(name, fps, number, low=low, high=high, unit="frames/s")


def _as_before(names: Collection[str]) -> str:
    are = "is as it was" if len(names) == 1 else "are as they were"
    return f"{' and '.join(names)} {are} before"
