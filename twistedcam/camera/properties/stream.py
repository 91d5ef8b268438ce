"""The properties of a camera's stream: fps, size and quality."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from twistedcam.camera.properties.base import Property, UseSource
from twistedcam.camera.status import CameraStatus
from twistedcam.codecs.jpeg_encoder import JpegEncoder
from twistedcam.errors import BadArgument, CameraFailed, NotSupported
from twistedcam.sources.registry import known_settings, ranges
from twistedcam.sources.spec import SourceSpec

STREAM_NAMES = ("fps", "size", "quality")
#: The note on ``quality`` while it has no effect.
_PASSED_ON = "the camera's own JPEGs are passed on: quality is for those that are made here"


class StreamProperties:
    """The properties ``fps``, ``size`` and ``quality``, which are settings of the source.

    The source is opened again for another rate or size; viewers and a recording stay. While the
    camera is stopped, or has no device, the value is kept for its next opening.

    Arguments:
        status: the camera's status.
        use: changes the settings of its source.
    """

    def __init__(self, status: CameraStatus, use: UseSource) -> None:
        self._status = status
        self._use = use

    def names(self) -> tuple[str, ...]:
        """Return those of the three that the source has."""
        known = known_settings(self._status.spec)
        return tuple(name for name in STREAM_NAMES if name in known)

    async def get(self) -> dict[str, Property]:
        """Return all properties by name."""
        return {name: self._property(name) for name in self.names()}

    async def check(self, wanted: Mapping[str, str]) -> None:
        """Check that the properties can have these values."""
        status = self._status
        for name, text in wanted.items():
            if name not in self.names():
                raise NotSupported(f"a {status.spec.scheme}: source has no {name} to set")
            if not text:
                raise BadArgument(f"{name} needs a value: 'get {status.name} {name}' shows it")
        spec = status.spec.with_settings(dict(wanted))
        known_settings(spec)
        JpegEncoder.from_spec(spec)

    async def set(self, wanted: Mapping[str, str]) -> list[Property]:
        """Change the properties, and wait until the source has answered."""
        before = self._status.spec
        changed = {k: text for k, text in wanted.items() if before.settings.get(k) != text}
        if changed:
            await self._change(before.with_settings(changed), changed)
        return [self._property(name) for name in wanted]

    async def _change(self, spec: SourceSpec, changed: Collection[str]) -> None:
        status, before = self._status, self._status.spec
        was_live = status.state in ("starting", "live")
        opened = self._use(spec, set(changed) != {"quality"})
        if not was_live:
            opened.addErrback(lambda _: None)  # the camera's state says it
            return
        try:
            await opened
        except CameraFailed as error:
            if status.state == "stopped":
                return  # by another user in the meantime: the value is kept for the next start
            self._use(before, True).addErrback(lambda _: None)
            raise CameraFailed(f"{_as_before(changed)}: {error}") from None

    def _property(self, name: str) -> Property:
        status = self._status
        asked = status.spec.settings.get(name) or None
        if name == "quality":
            note = _PASSED_ON if status.counts.from_camera else ""
            quality = JpegEncoder.from_spec(status.spec).quality
            return Property(name, quality, default=80, low=1, high=100, step=1, note=note)
        granted = status.source_info if status.state == "live" else None
        if name == "size":
            size = f"{granted.width}x{granted.height}" if granted and granted.width else asked
            return Property(name, size, asked, unit="pixels")
        number = None if asked is None else float(asked)
        fps = round(granted.fps, 3) if granted and granted.fps else number
        low, high = ranges(status.spec)[name]
        return Property(name, fps, number, low=low, high=high, unit="frames/s")


def _as_before(names: Collection[str]) -> str:
    are = "is as it was" if len(names) == 1 else "are as they were"
    return f"{' and '.join(names)} {are} before"
